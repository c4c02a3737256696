"""Of a lab whose devices are on several machines, those of this one: made, mended, found again, removed."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker import images
from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import FIELD, PLANT, ContainerLayout, LabLayout
from lab.runtimes.docker.mender import Mender
from lab.runtimes.docker.objects import LabObjects, give
from lab.runtimes.docker.settings import Settings
from lab.runtimes.docker.shapes import PerDevice
from lab.runtimes.docker.storage import Kept
from simulators.addressing import settle
from simulators.host.journal import Journal
from simulators.host.plan import Plan
from simulators.model import load_line


class AwayPart:
    """`plan.places` says which devices are on `machine`; they dial in to the plant, which is on another one.

    Its networks are made and removed by whoever placed the lab.
    """

    # Who is outside comes in on the main machine.
    ways = None

    def __init__(self, engine: Engine, settings: Settings, gate: Gate, plan: Plan, machine: str) -> None:
        assert plan.places is not None
        self.plan, self._places, self._machine = plan, plan.places, machine
        self._engine, self._settings, self._gate = engine, settings, gate
        self.folder = Path(plan.folder)
        self.objects = LabObjects(
            engine, settings, plan.name, self.folder, Path(plan.control).parent, plan.places.networks
        )
        self._layout: LabLayout | None = None
        self._journal: Journal | None = None
        self._mender = Mender(engine, gate, self.objects, self._log, lambda _part: None)
        self._ending = False
        self.lost = asyncio.Event()

    async def start(self, again: bool) -> None:
        """Make the containers, or with `again` those that are missing. Raises: UsineError: all are removed."""
        try:
            await self._gate.do(images.check, self._engine, self._settings, "device")
            if not again:
                await self._gate.one_by_one(self.objects.remove)
            self._layout = self._laid_out()
            self._journal = Journal(self.folder / "steward.jsonl")
            give(self.folder, self._settings.user)
            present = await self._gate.do(self.objects.present, "line")
            missing = [c for c in self._layout.containers if c.part not in present]
            await self._gate.each(self._engine.start, [seen.id for seen in present.values()])
            # To the end of all: what is made after the removal of the others would stay for ever.
            await self._gate.each(self._make, missing)
        except BaseException:
            await self.end(graceful=False)
            raise

    async def end(self, graceful: bool = True) -> None:
        """Remove the containers; harmless twice."""
        self._ending = True
        self._mender.close()
        if graceful:
            await self._gate.all(self.objects.dismiss)
        await self._gate.one_by_one(self.objects.remove)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self.lost.set()

    def died(self, part: str, code: int | None) -> None:
        """A container has ended: it is started again, unless it does nothing but end."""
        if not self._ending and self._layout is not None:
            self._mender.died(self._layout, part, code)

    def kept(self) -> list[Kept]:
        """The folders of this machine that it writes to."""
        return self.objects.kept(self._layout) if self._layout is not None else []

    async def shrink(self, kept: Kept, size: int | None) -> None:
        """One of them has more than it may. Raises: UsineError."""
        await self._mender.shrink(kept, size)

    def _laid_out(self) -> LabLayout:
        """The line at its addresses, in this machine's files; the devices that are here."""
        model = load_line(Path(self.plan.line))
        line = load_line(settle(model, self._places.subnets, self.folder / "line" / model.id))
        whole = PerDevice().layout(line, self._places.subnets[FIELD], self.plan, self._settings.user)
        others = [device.id for device in line.devices if self._places.away.get(device.id) != self._machine]
        return whole.without([PLANT, *others])

    def _make(self, container: ContainerLayout) -> None:
        """Unless the lab was given up while it waited for its turn."""
        if not self._ending:
            assert self._layout is not None
            self.objects.make(self._layout, container, msgspec.json.encode(self.plan).decode())

    def _log(self, event: str, **fields: Any) -> None:
        if self._journal is not None:
            self._journal.bind("host")(event, **fields)
