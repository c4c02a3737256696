"""The container engine, in the few words that labs need; every object that it makes bears our labels."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import IPAMConfig, IPAMPool, LogConfig, Ulimit

from lab.runtimes.docker.layout import (
    FILE_LIMITS,
    LOG_OPTIONS,
    NO_DNS,
    STOP_LIMIT_S,
    ContainerLayout,
    NetworkLayout,
    bridge_options,
)
from lab.runtimes.docker.seccomp import profile
from simulators.errors import StartError, ToolMissingError, UsineError

LABEL = "org.usine-ecole"
HOME, LAB, PART, ROLE, PLAN, SOURCE = (
    f"{LABEL}.{word}" for word in ("home", "lab", "part", "role", "plan", "source")
)
API_VERSION = "1.41"  # engine 20.10
CALL_LIMIT_S = 120
# Whether there is an engine at all is soon said.
KNOCK_LIMIT_S = 10
FORBIDDEN, CONFLICT = 403, 409
LAST_WORDS_BYTES = 2000
# A crash writes no core into the host's folders, and one file that runs away ends before the host's disk does.
ULIMITS = [Ulimit(name=name, soft=most, hard=most) for name, most in FILE_LIMITS.items()]
LOG = LogConfig(type=LogConfig.types.JSON, config=LOG_OPTIONS)


@dataclass(frozen=True)
class Seen:
    """A container that there is."""

    id: str
    name: str
    state: str
    labels: Mapping[str, str]


class Engine:
    """One engine, on this machine. Thread-safe: each call uses a connection of its own.

    Raises, from every method:
        ToolMissingError: it does not answer.
        StartError: it refuses.
    """

    def __init__(self, url: str | None = None, folders: Mapping[str, str] | None = None) -> None:
        """`folders`: what the engine's machine calls folders that are called otherwise here, in a container."""
        self._url = url or address()
        self._folders = dict(folders or {})
        with told():
            self._api = _client(self._url, CALL_LIMIT_S)

    def close(self) -> None:
        """Give its connections back."""
        self._api.close()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def version(self) -> str:
        """The engine's own. Raises: ToolMissingError: too old, or not there."""
        with told(), contextlib.closing(_client(self._url, KNOCK_LIMIT_S)) as api:
            _knock(self._url)
            said = api.version()
        found = str(said.get("ApiVersion", "0"))
        if _numbers(found) < _numbers(API_VERSION):
            raise ToolMissingError(
                f"moteur de conteneurs {said.get('Version')} trop ancien ; il faut Docker 20.10 ou plus récent",
                f"container engine {said.get('Version')} is too old; Docker 20.10 or newer is needed",
            )
        return str(said.get("Version", "?"))

    def info(self) -> dict[str, Any]:
        with told():
            return dict(self._api.info())

    def image(self, name: str) -> dict[str, str]:
        """The labels of an image. Raises: ToolMissingError: it is not there."""
        try:
            with told():
                return dict(self._api.inspect_image(name)["Config"].get("Labels") or {})
        except ImageMissingError as error:
            raise ToolMissingError(
                f"image {name} absente ; construisez-la : « lab image »",
                f"image {name} is not there; build it: 'lab image'",
            ) from error

    def subnets(self) -> list[str]:
        """Those of all networks of the engine, ours or not."""
        with told():
            networks = self._api.networks()
        pools = [pool for network in networks for pool in (network.get("IPAM") or {}).get("Config") or []]
        return [pool["Subnet"] for pool in pools if ":" not in pool.get("Subnet", ":")]

    def network(self, name: str, bridge: str, layout: NetworkLayout, labels: Mapping[str, str]) -> None:
        """An internal network whose host end has no address, and whose router, if any, is a host of the lab."""
        pool = IPAMPool(subnet=layout.subnet, gateway=layout.bridge, aux_addresses=layout.reserved or None)
        with told(), _own_name(name, f"docker network rm {name}"):
            self._api.create_network(
                name,
                driver="bridge",
                internal=True,
                ipam=IPAMConfig(pool_configs=[pool]),
                options=bridge_options(bridge, layout.open),
                labels=dict(labels),
                check_duplicate=True,
            )

    def networks(self, labels: Mapping[str, str]) -> list[str]:
        """The names of the networks that bear these labels."""
        with told():
            return [n["Name"] for n in self._api.networks(filters={"label": _filters(labels)})]

    def remove_network(self, name: str) -> None:
        """Harmless where there is none. Raises: InUseError: a container still has an end there."""
        with contextlib.suppress(MissingError), told():
            try:
                self._api.remove_network(name)
            except APIError as error:
                said = str(error.explanation or error)
                # A swarm's manager says so in words only.
                if error.status_code != FORBIDDEN and "is in use" not in said:
                    raise
                raise InUseError(
                    f"réseau {name} encore utilisé : {said}", f"network {name} still in use: {said}"
                ) from error

    def attached(self, network: str) -> list[str]:
        """The containers that have an end in a network, by their ids; none where there is no such network."""
        try:
            with told():
                return list(self._api.inspect_network(network).get("Containers") or {})
        except MissingError:
            return []

    def create(
        self,
        name: str,
        image: str,
        layout: ContainerLayout,
        networks: Mapping[str, str],
        binds: Sequence[str],
        labels: Mapping[str, str],
        user: str,
        tmpfs: Mapping[str, str],
        inside: str | None = None,
        beside: str | None = None,
    ) -> str:
        """A container, not started; returns its id. `networks` are names with the address there.

        `inside` is the container whose network it shares; it then has none of its own. `beside` is one whose processes
        it sees.
        """
        memory = layout.memory_bytes
        own = "host" if layout.on_host else next(iter(networks), "none")
        host = self._api.create_host_config(
            network_mode=f"container:{inside}" if inside else own,
            binds=[self._outside(bind) for bind in binds],
            tmpfs=dict(tmpfs),
            read_only=True,
            cap_drop=["ALL"],
            cap_add=list(layout.rights),
            security_opt=["no-new-privileges", *([f"seccomp={profile()}"] if layout.own_namespaces else [])],
            pid_mode=f"container:{beside}" if beside else None,
            sysctls=dict(layout.sysctls) or None,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=round(layout.cpu_share * 1e9),
            pids_limit=layout.processes,
            ulimits=ULIMITS,
            log_config=LOG,
            dns=None if inside else list(NO_DNS),
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 10},
            init=False,
        )
        first = dict(list(networks.items())[:1])
        ends = {
            network: self._api.create_endpoint_config(ipv4_address=address)
            for network, address in first.items()
        }
        with told(), _own_name(name, f"docker rm -f {name}"):
            made = self._api.create_container(
                image,
                list(layout.command),
                name=name,
                hostname=None if inside else layout.part.replace("_", "-"),
                user="0" if layout.root else user,
                environment=dict(layout.environment),
                host_config=host,
                networking_config=self._api.create_networking_config(ends) if ends and not inside else None,
                labels=dict(labels),
                healthcheck={"test": ["NONE"]},
                stop_timeout=STOP_LIMIT_S,
            )
        with told():
            for network, address in list(networks.items())[1:]:
                self._api.connect_container_to_network(made["Id"], network, ipv4_address=address)
        return str(made["Id"])

    def _outside(self, bind: str) -> str:
        for here, there in self._folders.items():
            if bind.startswith(f"{here}/"):
                return there + bind.removeprefix(here)
        return bind

    def volume(self, name: str) -> str:
        """Where the engine's machine keeps it. Raises: StartError: there is none."""
        with told():
            return str(self._api.inspect_volume(name)["Mountpoint"])

    def start(self, container: str) -> None:
        """Harmless where it runs."""
        with told():
            self._api.start(container)

    def stop(self, container: str) -> None:
        """Asked to end, and made to after three seconds; harmless where there is none."""
        with contextlib.suppress(MissingError), told():
            self._api.stop(container, timeout=STOP_LIMIT_S)

    def dismiss(self, container: str) -> None:
        """Ask it to end, and do not wait; harmless where it has ended."""
        self._signal(container, "SIGTERM")

    def kill(self, container: str) -> None:
        """End it at once; harmless where it has ended."""
        self._signal(container, "SIGKILL")

    def _signal(self, container: str, name: str) -> None:
        with contextlib.suppress(StartError), told():
            self._api.kill(container, signal=name)

    def remove(self, container: str) -> None:
        """With its end, whatever it does; harmless where there is none."""
        with contextlib.suppress(MissingError), told():
            self._api.remove_container(container, force=True, v=True)

    def containers(self, labels: Mapping[str, str]) -> list[Seen]:
        """Those that bear these labels, running or not."""
        with told():
            found = self._api.containers(all=True, filters={"label": _filters(labels)})
        return [Seen(c["Id"], c["Names"][0].lstrip("/"), c["State"], c["Labels"] or {}) for c in found]

    def last_words(self, container: str) -> str:
        """The end of what it printed; empty where there is none."""
        try:
            with told():
                said = self._api.logs(container, tail=20)
        except UsineError:
            return ""
        return bytes(said).decode(errors="replace")[-LAST_WORDS_BYTES:].strip()

    def process(self, container: str) -> int:
        """Its first process, as the host numbers it."""
        with told():
            return int(self._api.inspect_container(container)["State"]["Pid"])

    def exit_code(self, container: str) -> int | None:
        """How it ended, None while it runs or where there is none."""
        try:
            with told():
                state = self._api.inspect_container(container)["State"]
        except UsineError:
            return None
        return None if state["Running"] else int(state["ExitCode"])

    def events(self, labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Each start and end of a container that bears these labels, as it comes, while the engine lives."""
        with told():
            stream = _client(self._url, None)
            filters = {"label": _filters(labels), "type": "container", "event": ["die", "start", "oom"]}
            yield from stream.events(filters=filters, decode=True)

    def run_once(self, image: str, command: Sequence[str], rights: Sequence[str], host_network: bool) -> str:
        """Run a command to its end in a container of its own, as root with these rights; what it printed.

        Raises:
            StartError: it fails.
        """
        host = self._api.create_host_config(
            network_mode="host" if host_network else "none",
            cap_drop=["ALL"],
            cap_add=list(rights),
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/run": "size=1m"},
            mem_limit=128 << 20,
            pids_limit=32,
            ulimits=ULIMITS,
            log_config=LOG,
        )
        with told():
            made = self._api.create_container(
                image, list(command), user="0", entrypoint=[], host_config=host, labels={ROLE: "errand"},
                healthcheck={"test": ["NONE"]},
            )  # fmt: skip
        try:
            with told():
                self._api.start(made["Id"])
                code = self._api.wait(made["Id"], timeout=60)["StatusCode"]
            said = self.last_words(made["Id"])
        finally:
            self.remove(made["Id"])
        if code:
            raise StartError(f"{' '.join(command)} : {said}", f"{' '.join(command)}: {said}")
        return said


class MissingError(StartError):
    """There is no such container or network."""


class InUseError(StartError):
    """A network still has a container in it."""


class ImageMissingError(StartError):
    """There is no such image."""


def address() -> str:
    """Where the engine listens: `$DOCKER_HOST`, else its usual socket."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@contextlib.contextmanager
def told() -> Iterator[None]:
    """The SDK's errors as ours."""
    try:
        yield
    except ImageNotFound as error:
        raise ImageMissingError(str(error.explanation), str(error.explanation)) from error
    except NotFound as error:
        raise MissingError(str(error.explanation), str(error.explanation)) from error
    except APIError as error:
        said = str(error.explanation or error)
        raise StartError(
            f"le moteur de conteneurs refuse : {said}", f"the container engine refuses: {said}"
        ) from error
    except (DockerException, requests.exceptions.RequestException, OSError) as error:
        raise ToolMissingError(
            f"le moteur de conteneurs ne répond pas sur {address()} ({_reason(error)}) ; lancez Docker, ou vérifiez vos "
            "droits sur sa socket ; voyez « lab doctor »",
            f"the container engine does not answer at {address()} ({_reason(error)}); start Docker, or check your rights "
            "on its socket; see 'lab doctor'",
        ) from error


@contextlib.contextmanager
def _own_name(name: str, remedy: str) -> Iterator[None]:
    """What is called `name` and does not bear our labels is somebody else's, and stays."""
    try:
        yield
    except APIError as error:
        if error.status_code != CONFLICT:
            raise
        raise StartError(
            f"{name} existe déjà sur le moteur de conteneurs, et n'est pas de ce labo ; supprimez-le ({remedy}) ou donnez "
            "au labo un autre nom (--name)",
            f"{name} exists already on the container engine, and is not this lab's; remove it ({remedy}) or give the lab "
            "another name (--name)",
        ) from error


def _client(url: str, limit_s: int | None) -> Any:
    return docker.APIClient(base_url=url, version=API_VERSION, timeout=limit_s)


def _knock(url: str) -> None:
    """The SDK leaves its socket open where nobody listens. Raises: OSError."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(KNOCK_LIMIT_S)
            client.connect(url.removeprefix("unix://"))


def _reason(error: BaseException) -> str:
    """The innermost cause, without the libraries' wrapping."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _filters(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" if value else name for name, value in labels.items()]


def _numbers(version: str) -> list[int]:
    return [int(word) for word in version.split(".") if word.isdigit()]
