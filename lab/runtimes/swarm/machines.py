"""The machines of the swarm as the head reaches them: the service on each, and a relay into its network."""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from lab.runtimes.docker.cluster import Cluster, Service
from lab.runtimes.docker.engine import HOME, PART, ROLE, SOURCE
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.images import check, source_mark
from lab.runtimes.docker.layout import MIB, RUN, TMPFS, ContainerLayout
from lab.runtimes.docker.objects import give
from lab.runtimes.docker.pool import POOL_VARIABLE
from lab.runtimes.docker.reach import reached
from lab.runtimes.docker.settings import IMAGES_VARIABLE, Settings
from lab.runtimes.swarm.node import MOUNT, PORT, SECRET_FILE, VOLUME_VARIABLE
from lab.runtimes.swarm.streams import LINE_BYTES, Stream
from simulators.errors import StartError

ENCRYPTED_VARIABLE, SOCKET_VARIABLE = "USINE_SWARM_ENCRYPTED", "USINE_SWARM_SOCKET"
ENGINE_SOCKET = "/var/run/docker.sock"
NODE_RIGHTS = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")
RELAY_SOCKET = "relay.sock"
READY_LIMIT_S, LOOK_S, DIAL_LIMIT_S = 60.0, 0.5, 8.0


class Machine(NamedTuple):
    """`address` is where its node listens."""

    id: str
    name: str
    address: str


class Machines(Protocol):
    """Those that there are now."""

    async def ready(self) -> None:
        """Have a node on every machine. Raises: UsineError: none answers."""
        ...

    async def well(self) -> list[Machine]:
        """Those whose node runs. Raises: UsineError."""
        ...

    async def dial(self, machine: Machine) -> Stream:
        """Raises: OSError."""
        ...


class SwarmMachines:
    """Those of the swarm that the engine manages. `secret` opens the nodes."""

    def __init__(
        self,
        cluster: Cluster,
        gate: Gate,
        settings: Settings,
        secret: str,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._cluster, self._gate, self._settings, self._secret = cluster, gate, settings, secret
        self._environment = environment
        self._name = f"usine-{settings.mark}-node"
        self._network = f"usine-{settings.mark}-nodes"
        self._run = settings.home / "run" / "swarm.d"
        self._lock = asyncio.Lock()

    async def ready(self) -> None:
        async with self._lock:
            await self._gate.do(self._stand)
            members = [member for member in await self._gate.do(self._cluster.members) if member.well]
            begun = time.monotonic()
            while (waited := time.monotonic() - begun) < READY_LIMIT_S:
                there = len(await self.well())
                # One that is slow does not keep the others waiting for long.
                if there == len(members) or (there and waited > READY_LIMIT_S / 4):
                    return
                await asyncio.sleep(LOOK_S)
        raise StartError(
            f"aucune machine de l'essaim n'a démarré son service en {READY_LIMIT_S:.0f} s ; voyez "
            f"« docker service ps {self._name} » : l'image {self._settings.image('platform')} est-elle sur chacune ?",
            f"no machine of the swarm has started its service within {READY_LIMIT_S:.0f} s; see "
            f"'docker service ps {self._name}': is the image {self._settings.image('platform')} on each of them?",
        )

    async def well(self) -> list[Machine]:
        members = await self._gate.do(self._cluster.members)
        addresses = await self._gate.do(self._cluster.tasks, self._name, self._network)
        return [Machine(m.id, m.name, addresses[m.id]) for m in members if m.well and m.id in addresses]

    async def dial(self, machine: Machine) -> Stream:
        async with asyncio.timeout(DIAL_LIMIT_S):
            connected = await reached(self._run / RELAY_SOCKET)
            stream = Stream(*await asyncio.open_unix_connection(sock=connected, limit=LINE_BYTES))
            stream.writer.write(msgspec.json.encode({"to": [machine.address, PORT]}) + b"\n")
            return stream

    def _stand(self) -> None:
        """Raises: UsineError."""
        self._cluster.managed()
        check(self._cluster, self._settings, "platform")
        labels = {HOME: self._settings.mark, SOURCE: source_mark("platform")}
        self._cluster.overlay(self._network, labels, self._environment.get(ENCRYPTED_VARIABLE, "1") != "0")
        volume = f"usine-{self._settings.mark}"
        self._cluster.serve(
            Service(
                self._name,
                self._settings.image("platform"),
                ("python3", "-m", "lab.runtimes.swarm.node"),
                {
                    "USINE_HOME": str(MOUNT / self._settings.mark),
                    "DOCKER_HOST": "unix:///run/engine.sock",
                    VOLUME_VARIABLE: volume,
                    IMAGES_VARIABLE: self._settings.images,
                    POOL_VARIABLE: self._settings.pool,
                },
                self._network,
                SECRET_FILE.name,
                (
                    ("bind", self._environment.get(SOCKET_VARIABLE, ENGINE_SOCKET), "/run/engine.sock"),
                    ("volume", volume, str(MOUNT)),
                ),
                NODE_RIGHTS,
                512 * MIB,
                labels,
            ),
            self._secret.encode(),
        )
        self._relay(labels)

    def _relay(self, labels: Mapping[str, str]) -> None:
        """The one container that stands in the nodes' network on this machine."""
        mine = {**labels, ROLE: "relay", PART: "relay"}
        for seen in self._cluster.containers({HOME: self._settings.mark, ROLE: "relay"}):
            if seen.state == "running" and seen.labels.get(SOURCE) == labels[SOURCE]:
                return
            self._cluster.remove(seen.id)
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        give(self._run, self._settings.user)
        layout = ContainerLayout(
            "relay", "platform", ("python3", "-m", "lab.runtimes.swarm.relay", f"{RUN}/{RELAY_SOCKET}"), {},
            {}, 96 * MIB, 0.5, 16,
        )  # fmt: skip
        made = self._cluster.create(
            f"usine-{self._settings.mark}-relay", self._settings.image("platform"), layout, {self._network: ""},
            [f"{self._run}:{RUN}:rw"], mine, self._settings.user, TMPFS,
        )  # fmt: skip
        self._cluster.start(made)


def node_secret(path: Path) -> str:
    """The secret between this orchestrator and its nodes, made at the first call."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii")
