"""The networks of a lab that several machines carry: overlays of the swarm, which its manager makes and removes."""

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping
from typing import Protocol

from lab.runtimes.docker.cluster import Cluster
from lab.runtimes.docker.engine import HOME, LAB, PART, InUseError
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import FIELD, short
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.settings import Settings
from simulators.errors import StartError
from simulators.model import Line

TRIES = 3
NAME_MAX = 63
FREED_LIMIT_S, LOOK_S = 10.0, 0.3


class Networks(Protocol):
    """Those of spread labs."""

    async def make(
        self, lab: str, line: Line, used: Collection[str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The names and the subnets of a network for each zone, and of `field`. Raises: UsineError: none is left.

        `used` are the subnets that the engines of its machines have.
        """
        ...

    async def clear(self, lab: str, limit_s: float = FREED_LIMIT_S) -> None:
        """Remove all that there are. Raises: InUseError: some are in use after `limit_s`, and left for `sweep`."""
        ...

    async def sweep(self) -> None:
        """Remove those that were in use. Raises: UsineError: the engine does not answer."""
        ...


class SwarmNetworks:
    """On subnets of the pool that no network has, of the manager or of a lab's machines."""

    def __init__(self, cluster: Cluster, gate: Gate, settings: Settings, encrypted: bool) -> None:
        self._cluster, self._gate, self._settings, self._encrypted = cluster, gate, settings, encrypted
        self._pool = Pool(settings.pool)
        self._left: set[str] = set()

    async def make(
        self, lab: str, line: Line, used: Collection[str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        with contextlib.suppress(InUseError):
            await self.clear(lab)
        former = {zone.id: zone.subnet for zone in line.zones}
        for attempt in range(TRIES):
            here = await self._gate.do(self._cluster.subnets)
            subnets = self._pool.take(line, [*here, *used], former)
            names = self._names(lab, line, subnets)
            try:
                for key, name in names.items():
                    await self._gate.do(self._make, lab, key, name, subnets[key])
            except StartError:
                # Another orchestrator of this swarm was faster.
                await self.clear(lab)
                if attempt == TRIES - 1:
                    raise
            else:
                return names, subnets
            finally:
                self._pool.release(subnets.values())
        raise AssertionError

    async def clear(self, lab: str, limit_s: float = FREED_LIMIT_S) -> None:
        deadline = time.monotonic() + limit_s
        labels = {HOME: self._settings.mark, LAB: lab}
        while in_use := await self._gate.do(self._removed, labels):
            if time.monotonic() > deadline:
                self._left.update(in_use)
                raise InUseError(
                    f"réseaux encore utilisés : {', '.join(in_use)}",
                    f"networks still in use: {', '.join(in_use)}",
                )
            await asyncio.sleep(LOOK_S)

    async def sweep(self) -> None:
        for name in sorted(self._left):
            with contextlib.suppress(InUseError):
                await self._gate.do(self._cluster.remove_network, name)
                self._left.discard(name)

    def _make(self, lab: str, key: str, name: str, subnet: str) -> None:
        labels = {HOME: self._settings.mark, LAB: lab, PART: key}
        self._cluster.overlay(name, labels, self._encrypted, subnet)

    def _removed(self, labels: Mapping[str, str]) -> list[str]:
        """The names of those that could not be."""
        in_use = []
        for name in self._cluster.networks(labels):
            try:
                self._cluster.remove_network(name)
            except InUseError:
                in_use.append(name)
        return in_use

    def _names(self, lab: str, line: Line, subnets: Mapping[str, str]) -> dict[str, str]:
        """Swarms take a label of DNS. With the subnet: one that cannot be removed is not in the way of the next start."""
        keys = [*(zone.id for zone in line.zones), FIELD]
        return {
            key: f"usine-{self._settings.mark}-{short(lab, subnets[key])}-{key}"[:NAME_MAX].rstrip("-_")
            for key in keys
        }
