"""A swarm of two machines on this one: an engine each in a network namespace of its own, with a folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker

from lab.runtimes.docker.engine import API_VERSION
from lab.runtimes.docker.images import STAGES
from lab.runtimes.docker.settings import Settings
from tests.live.conftest import within

ENGINE_FOLDER = "/run/usine-test-engine"  # what both call their own folder
SOCKET = f"{ENGINE_FOLDER}/docker.sock"
ENGINE_LIMIT_S, LOAD_LIMIT_S = 60.0, 300.0


@dataclass
class EngineHere:
    """One machine. `namespace` is its network, `address` how the other sees it."""

    namespace: str
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/run/docker.sock"

    def api(self) -> docker.APIClient:
        return docker.APIClient(base_url=self.url, version=API_VERSION, timeout=120)

    def start(self) -> None:
        """Its engine, which finds its images where it kept them."""
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--mount", "sh", "-ec",
                    (
                        f'mkdir -p {ENGINE_FOLDER}; mount --bind "{self.folder}/run" {ENGINE_FOLDER}; exec dockerd '
                        f'--data-root "{self.folder}/data" --exec-root "{self.folder}/exec" -p "{self.folder}/pid" -H unix://{SOCKET}'
                    ),
                ],
                stdout=log, stderr=log, start_new_session=True,
                # Nodes pull what they are told to run, even what they have; here no registry answers.
                env={**os.environ, "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"},
            )  # fmt: skip
        within(ENGINE_LIMIT_S, self.answers)

    def answers(self) -> bool:
        # The library leaves the socket open that could not connect.
        with socket.socket(socket.AF_UNIX) as knock:
            if knock.connect_ex(str(self.folder / "run" / "docker.sock")) != 0:
                return False
        with contextlib.suppress(Exception):
            with contextlib.closing(self.api()) as api:
                api.ping()
            return True
        return False

    def lose(self) -> None:
        """As if its power was cut: no network, no engine, no container any more."""
        with contextlib.closing(self.api()) as api:
            seen = [api.inspect_container(container["Id"]) for container in api.containers()]
        containers = [int(container["State"]["Pid"]) for container in seen]
        _ip("-n", self.namespace, "link", "set", "wire", "down")
        assert self.process is not None
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        for pid in containers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """It ends in order, with what it started."""
        if self.answers():
            with contextlib.suppress(Exception), contextlib.closing(self.api()) as api:
                for seen in api.containers(all=True):
                    api.remove_container(seen["Id"], force=True)
                api.leave_swarm(force=True)
        if self.process is not None and self.process.poll() is None:
            os.kill(int((self.folder / "pid").read_text()), signal.SIGTERM)
            self.process.wait(60)
        for left in _processes_of(self.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        subprocess.run(["umount", "-l", *_mounts_below(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def two_machines(folder: Path, settings: Settings) -> Iterator[tuple[EngineHere, EngineHere]]:
    """The first manages. Both have the images of the engine that `$DOCKER_HOST` names."""
    first = EngineHere("usine-test-a", "192.0.2.1", folder / "a")
    second = EngineHere("usine-test-b", "192.0.2.2", folder / "b")
    both = first, second
    try:
        _wire(first, second)
        first.start()
        _load(first, settings)
        _same_images(first, second)
        second.start()
        with contextlib.closing(first.api()) as api:
            api.init_swarm(advertise_addr=first.address, listen_addr=f"{first.address}:2377")
            token = api.inspect_swarm()["JoinTokens"]["Worker"]
        with contextlib.closing(second.api()) as api:
            api.join_swarm([f"{first.address}:2377"], token, advertise_addr=second.address)
        yield both
    finally:
        for machine in both:
            machine.stop()
            subprocess.run(["ip", "netns", "del", machine.namespace], check=False, capture_output=True)


def _wire(first: EngineHere, second: EngineHere) -> None:
    for machine in (first, second):
        _ip("netns", "add", machine.namespace)
    _ip(
        "link",
        "add",
        "wire",
        "netns",
        first.namespace,
        "type",
        "veth",
        "peer",
        "name",
        "wire",
        "netns",
        second.namespace,
    )
    for machine in (first, second):
        _ip("-n", machine.namespace, "addr", "add", f"{machine.address}/24", "dev", "wire")
        _ip("-n", machine.namespace, "link", "set", "lo", "up")
        _ip("-n", machine.namespace, "link", "set", "wire", "up")
        # A default route, for engines ask for one; it leads to nobody.
        _ip("-n", machine.namespace, "route", "add", "default", "dev", "wire")


def _load(machine: EngineHere, settings: Settings) -> None:
    """Copy the images to it."""
    names = [settings.image(stage) for stage in STAGES if stage in {"device", "workstation", "platform"}]
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as save:
        subprocess.run(
            ["docker", "-H", machine.url, "load", "-q"],
            stdin=save.stdout, stdout=subprocess.DEVNULL, timeout=LOAD_LIMIT_S, check=True,
        )  # fmt: skip
    assert save.returncode == 0


def _same_images(one: EngineHere, other: EngineHere) -> None:
    """What an engine that has no container keeps its images in, for another that has not started yet: quicker than to load."""
    (other.folder / "data").mkdir(parents=True)
    kept = [str(one.folder / "data" / part) for part in ("image", "overlay2")]
    subprocess.run(["cp", "-a", *kept, f"{other.folder}/data"], check=True, timeout=LOAD_LIMIT_S)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


def _processes_of(folder: Path) -> list[int]:
    """What an engine that was killed left behind: its helpers name its folder, their children are containers."""
    found, parents = [], {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (path / "cmdline").read_bytes()
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if str(folder).encode() in command and int(path.name) != os.getpid():
                found.append(int(path.name))
    return found + [pid for pid, parent in parents.items() if parent in found]


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(f"{folder}/")][::-1]
