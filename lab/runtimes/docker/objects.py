"""The containers and networks of one lab on the engine: made, found, removed. Blocking; one lab, one caller."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path

from lab.runtimes.docker.engine import HOME, LAB, PART, PLAN, ROLE, Engine, InUseError, Seen
from lab.runtimes.docker.layout import (
    COMPACT,
    DATA,
    PLANT,
    RUN,
    TMPFS,
    ContainerLayout,
    LabLayout,
    NetworkLayout,
    home_tmpfs,
    short,
)
from lab.runtimes.docker.settings import Settings
from lab.runtimes.docker.storage import Kept
from simulators.errors import StartError

GOODBYE_LIMIT_S, LOOK_S = 2.0, 0.1
FREED_LIMIT_S = 5.0


class LabObjects:
    """`folder` keeps what survives, `run` the sockets that the containers and the orchestrator share.

    `networks` names those that somebody else has made, by their key.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        name: str,
        folder: Path,
        run: Path,
        networks: Mapping[str, str] | None = None,
    ) -> None:
        self._engine, self._settings, self._given = engine, settings, networks or {}
        self.name, self._folder, self._run = name, folder, run
        self._labels = {HOME: settings.mark, LAB: name}

    def network_name(self, number: int, network: NetworkLayout) -> str:
        """Sorted by their number: engines take the default route from the first network by its name.

        With its address: one that an engine cannot remove (`remove`) is not in the way of the lab's next start.
        """
        if network.key in self._given:
            return self._given[network.key]
        address = network.subnet.partition("/")[0]
        return f"usine-{self._settings.mark}-{self.name}-{number}-{network.key}-{address}"

    def container_name(self, part: str) -> str:
        return f"usine-{self._settings.mark}-{self.name}-{part}"

    def make_networks(self, layout: LabLayout) -> None:
        """Raises: StartError: a subnet was taken meanwhile; those made are removed."""
        try:
            for number, network in enumerate(layout.networks):
                self._make_network(number, network)
        except StartError:
            # What is told is why there is none, not what one of a former run is in.
            with contextlib.suppress(InUseError):
                self.remove_networks()
            raise

    def _make_network(self, number: int, network: NetworkLayout) -> None:
        labels = {**self._labels, PART: network.key}
        self._engine.network(
            self.network_name(number, network), self._bridge_name(number, network), network, labels
        )

    def _bridge_name(self, number: int, network: NetworkLayout) -> str:
        return f"{network.prefix}{short(self._settings.mark, self.name, network.subnet)}{number}"

    def bridge(self, layout: LabLayout, key: str) -> str:
        """What the host calls the bridge of a network."""
        number, network = next(
            (n, network) for n, network in enumerate(layout.networks) if network.key == key
        )
        return self._bridge_name(number, network)

    def make(self, layout: LabLayout, container: ContainerLayout, plan: str = "") -> str:
        """Create a container of the lab and start it; returns its id. `plan` is kept where the lab is found by."""
        labels = {**self._labels, PART: container.part, ROLE: "line", **({PLAN: plan} if plan else {})}
        binds = self._binds(container)
        made = self._engine.create(
            self.container_name(container.part), self._settings.image(container.image), container,
            self._ends(layout, container), binds, labels,
            self._settings.user, TMPFS,
        )  # fmt: skip
        self._engine.start(made)
        return made

    def make_seat(
        self,
        layout: LabLayout,
        container: ContainerLayout,
        sockets: Path | None,
        inside: str | None = None,
        beside: str | None = None,
    ) -> str:
        """Create and start a container beside the line: a workstation, an agent, a tap; returns its id."""
        made = self._engine.create(
            self.container_name(container.part), self._settings.image(container.image), container,
            self._ends(layout, container), [f"{sockets}:{RUN}:rw"] if sockets else self._feed(container),
            {**self._labels, PART: container.part, ROLE: "seat"}, self._settings.user,
            {**TMPFS, **self._home(container)}, inside, beside,
        )  # fmt: skip
        self._engine.start(made)
        return made

    def _home(self, container: ContainerLayout) -> dict[str, str]:
        """A student's own, whatever mode the image gives to the place."""
        if container.image != "workstation":
            return {}
        return home_tmpfs(self._settings.user)

    def _ends(self, layout: LabLayout, container: ContainerLayout) -> dict[str, str]:
        names = {n.key: self.network_name(number, n) for number, n in enumerate(layout.networks)}
        return {names[key]: address for key, address in container.networks.items()}

    def _binds(self, container: ContainerLayout) -> list[str]:
        part = container.part
        if part in {PLANT, COMPACT}:
            return [f"{self._folder}:{DATA}:rw", f"{self._run}:{RUN}:rw"]
        own = self._folder / part
        own.mkdir(parents=True, exist_ok=True)
        give(own, self._settings.user)
        return [f"{own}:{DATA}/{part}:rw", *self._feed(container)]

    def _feed(self, container: ContainerLayout) -> list[str]:
        if not container.feed:
            return []
        folder = self._run / "feed"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        give(folder, self._settings.user)
        return [f"{folder}:{RUN}:{container.feed}"]

    def kept(self, layout: LabLayout) -> list[Kept]:
        """The folders of this machine that containers of the lab write to."""
        parts = [container.part for container in layout.containers]
        mains = tuple(part for part in parts if part in {PLANT, COMPACT})
        others = [part for part in parts if part not in mains]
        feeding = tuple(container.part for container in layout.containers if container.feed == "rw")
        folders = [
            *(Kept(self._folder / part, (part,)) for part in others),
            Kept(self._folder, mains, frozenset(others)),
            Kept(self._run, (*mains, *feeding)),
        ]
        return [kept for kept in folders if kept.parts]

    def present(self, role: str | None = None) -> dict[str, Seen]:
        """The lab's containers on the engine, by part."""
        labels = {**self._labels, **({ROLE: role} if role else {})}
        return {seen.labels.get(PART, ""): seen for seen in self._engine.containers(labels)}

    def networks(self) -> list[str]:
        """The names of the lab's networks on the engine."""
        return self._engine.networks(self._labels)

    def remove(self) -> None:
        """Everything of the lab that is on the engine: containers one after another, then networks. Needs no file.

        Engines lose count of a network's ends when containers come and go at once (moby 42119): side by side they would
        go no faster, and one overlay network in sixteen stayed on a busy machine. One in which an engine still counts
        ends that are in no container is left to it; it removes such a network after it was started again.
        """
        deadline = time.monotonic() + FREED_LIMIT_S
        while True:
            for seen in self.present().values():
                self._engine.remove(seen.id)
            try:
                self.remove_networks()
                break
            except InUseError as error:
                # An engine takes an end off a network a moment after its container has gone; or one came meanwhile.
                if time.monotonic() > deadline:
                    if any(self._engine.attached(name) for name in self.networks()):
                        raise
                    sys.stderr.write(f"{self.name}: {error.text.en}, by nobody; restart the engine\n")
                    break
            time.sleep(LOOK_S)

    def dismiss(self, workers: Executor) -> None:
        """Ask the devices to end, so that they keep what they hold, and wait a little for it."""
        asked = [seen.id for seen in self.present("line").values() if seen.state == "running"]
        list(workers.map(self._engine.dismiss, asked))
        deadline = time.monotonic() + GOODBYE_LIMIT_S
        while time.monotonic() < deadline:
            if not any(seen.state == "running" for seen in self.present("line").values()):
                break
            time.sleep(LOOK_S)

    def remove_networks(self) -> None:
        """Raises: InUseError: of one of them, after the others were removed."""
        in_use = None
        for name in self.networks():
            try:
                self._engine.remove_network(name)
            except InUseError as error:
                in_use = error
        if in_use is not None:
            raise in_use


def give(folder: Path, user: str) -> None:
    """Let the containers' user have the folder and what is in it, where we are root and it is not."""
    if os.geteuid() != 0:
        return
    owner, group = (int(word) for word in user.split(":"))
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chown(path, owner, group, follow_symlinks=False)
