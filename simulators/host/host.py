"""A line, put together and running."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from simulators.clock import Clock
from simulators.host.crew import Crew
from simulators.host.journal import Journal
from simulators.host.pace import Pace
from simulators.host.plan import Plan
from simulators.host.rack import Progress
from simulators.host.report import Report
from simulators.model import Line
from simulators.plant.engine import Plant

GREEN_LIMIT_S = 20.0
GREEN_LOOK_S = 0.02

Namespaces = tuple[int | None, int]


class Host:
    """Owns the plant and the clock of one lab, and speaks for its devices, which its crew carries.

    Each simulated step: the plant moves, each PLC scans, each device is told; then, once per wake-up,
    the devices bring the network up to date.
    """

    def __init__(
        self,
        plan: Plan,
        line: Line,
        plant: Plant,
        clock: Clock,
        crew: Crew,
        journal: Journal,
        enforces_zones: bool,
        ports: Callable[[], dict[str, int]],
        namespaces: Callable[[str], Namespaces | None],
    ) -> None:
        """`ports` gives the port on 127.0.0.1 that leads to each device that serves one.

        `namespaces` gives this process's descriptors of a zone's user and network namespaces, None where it has none.
        """
        self.plan, self.line, self.plant, self.clock, self.crew = plan, line, plant, clock, crew
        self.journal = journal
        self.enforces_zones, self.ports, self.namespaces = enforces_zones, ports, namespaces
        self.pace = Pace(clock, line.step_s, self._step, crew.publish, crew.retime)
        self.report = Report(self)
        self._task: asyncio.Task[None] | None = None

    async def start(self, progress: Progress = lambda _device, _state: None) -> None:
        """Return when every device answers its own protocol and is well.

        Raises:
            UsineError: a device could not start, named.
        """
        await self._first_step()
        self.clock.jump(0.0)
        await self.crew.start(progress)
        self._task = asyncio.create_task(self.pace.run(), name="pace")
        deadline = time.monotonic() + GREEN_LIMIT_S
        while not self.crew.green() and time.monotonic() < deadline:
            await asyncio.sleep(GREEN_LOOK_S)
        self.crew.guard()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.crew.stop()
        self.journal.close()

    async def reset(self, factory: bool = False) -> None:
        """Plant and PLCs as at the start; with `factory`, default configurations and programs too."""
        async with self.pace.still:
            self.plant.reset()
            for device in self.line.devices:
                await self.crew.ask(device.id, "reset", {"factory": factory})
            await self._first_step()
            self.pace.restart()
        self.journal.bind("host")("reset", factory=factory)

    def retime(self) -> None:
        """The clock was changed."""
        self.pace.changed()
        self.crew.retime()

    async def _first_step(self) -> None:
        """Before anything is served: nobody is shown the zeros of a plant and of programs that never ran."""
        self.plant.step()
        waiting = self.crew.scan(0.0)
        if waiting is not None:
            await waiting

    def _step(self, t_s: float) -> Awaitable[None] | None:
        self.plant.step()
        return self.crew.step(t_s)
