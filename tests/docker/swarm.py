"""A swarm of two machines on this one: an engine each in a network namespace of its own, with a folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import docker

from lab.runtimes.docker.engine import API_VERSION, address
from lab.runtimes.docker.settings import Settings
from tests.waiting import within

ENGINE_FOLDER = "/run/usine-test-engine"  # what both call their own folder
SOCKET = f"{ENGINE_FOLDER}/docker.sock"
IMAGES = ("device", "workstation", "platform")
LAYERS = "layers-of-another"
# An engine makes the folder that it keeps everything in a mount of its own, which hides what was mounted below it before.
MACHINE = """\
folder=$1 own=$2 socket=$3 layers=$1/data/$4
mkdir -p "$own"
mount --bind "$folder/run" "$own"
if [ -e "$layers" ]; then
    mount --bind "$folder/data" "$folder/data"
    while read -r layer place; do mount --bind "$layer" "$place"; done < "$layers"
fi
exec dockerd --data-root "$folder/data" --exec-root "$folder/exec" -p "$folder/pid" -H "unix://$socket"
"""
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
                    "nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--mount",
                    "sh", "-ec", MACHINE, "sh", str(self.folder), ENGINE_FOLDER, SOCKET, LAYERS,
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
        for machine in both:
            _give_images(machine, settings)
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


def _give_images(machine: EngineHere, settings: Settings) -> None:
    """Those of the engine that `$DOCKER_HOST` names: shared before the machine's own starts, which is quicker, or loaded after."""
    with contextlib.closing(docker.APIClient(base_url=address(), version=API_VERSION, timeout=120)) as api:
        kept = Path(api.info()["DockerRootDir"])
        images = [api.inspect_image(settings.image(stage)) for stage in IMAGES]
    try:
        _share(kept, machine.folder / "data", [image["RootFS"]["Layers"] for image in images])
    except OSError:
        # Kept elsewhere, or in another way.
        shutil.rmtree(machine.folder / "data", ignore_errors=True)
        machine.start()
        _load(machine, settings)
    else:
        machine.start()


def _share(kept: Path, data: Path, images: Sequence[Sequence[str]]) -> None:
    """The engine's index, and which layers of its own these images are of, for `EngineHere.start` to mount them.

    An engine writes nothing into an image's layer but that it is one ("committed"), which is said there already.

    A layer is found by its chain (OCI image specification, "Layer ChainID").
    """
    chains = set()
    for layers in images:
        chain = ""
        for layer in layers:
            chain = f"sha256:{sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
            chains.add(chain.removeprefix("sha256:"))
    index, there = kept / "image" / "overlay2", data / "image" / "overlay2"
    (data / "overlay2").mkdir(parents=True)
    shutil.copytree(index, there, ignore=shutil.ignore_patterns("layerdb"))
    for chain in chains:
        shutil.copytree(index / "layerdb" / "sha256" / chain, there / "layerdb" / "sha256" / chain)
    wanted = [(there / "layerdb" / "sha256" / chain / "cache-id").read_text() for chain in chains]
    (data / LAYERS).write_text(
        "".join(f"{kept}/overlay2/{layer} {data}/overlay2/{layer}\n" for layer in wanted)
    )
    for layer in wanted:
        (data / "overlay2" / layer).mkdir()
    shutil.copytree(kept / "overlay2" / "l", data / "overlay2" / "l", symlinks=True)


def _load(machine: EngineHere, settings: Settings) -> None:
    """Copy the images to it."""
    names = [settings.image(stage) for stage in IMAGES]
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as save:
        subprocess.run(
            ["docker", "-H", machine.url, "load", "-q"],
            stdin=save.stdout, stdout=subprocess.DEVNULL, timeout=LOAD_LIMIT_S, check=True,
        )  # fmt: skip
    assert save.returncode == 0


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
