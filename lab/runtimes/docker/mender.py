"""Starts the containers of a lab's line again that end, unless they do nothing but end; ends those that fill the disk."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import LabLayout
from lab.runtimes.docker.objects import LabObjects
from lab.runtimes.docker.storage import TRIMMED_BYTES, Kept
from simulators.errors import UsineError

DEATHS_MAX, DEATHS_WINDOW_S = 8, 60.0
# What never was ready is given up sooner.
DEATHS_AT_START = 3
MENDED_AFTER_S = 0.3
# A network over several machines lets go of an address a moment after its container has ended.
TRIES = 3


class Mender:
    """One lab's on one machine. `log` is told what happens, `lost` each part that is given up or cannot be started."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        objects: LabObjects,
        log: Callable[..., None],
        lost: Callable[[str], None],
    ) -> None:
        self._engine, self._gate, self._objects = engine, gate, objects
        self._log, self._lost = log, lost
        self._deaths: dict[str, deque[float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def died(self, layout: LabLayout, part: str, code: int | None, most: int = DEATHS_MAX) -> None:
        """A container has ended; at the `most`-th time within a minute it is given up."""
        now = time.monotonic()
        deaths = self._deaths.setdefault(part, deque(maxlen=DEATHS_MAX))
        deaths.append(now)
        self._log("container_ended", of=part, exit_code=code)
        if len(deaths) >= most and now - deaths[-most] < DEATHS_WINDOW_S:
            self._log("container_given_up", of=part)
            self._lost(part)
            return
        task = asyncio.get_running_loop().create_task(self._mend(layout, part))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def shrink(self, kept: Kept, size: int | None) -> None:
        """Who writes more there than may be kept is ended, and what is too much is removed. Raises: UsineError."""
        present = await self._gate.do(self._objects.present)
        for part in kept.parts:
            self._log("storage_exceeded", of=part, bytes=size)
            if part in present:
                await self._gate.do(self._engine.kill, present[part].id)
        await asyncio.to_thread(kept.trim, TRIMMED_BYTES)

    def close(self) -> None:
        """Nothing is started any more."""
        for task in list(self._tasks):
            task.cancel()

    async def _mend(self, layout: LabLayout, part: str) -> None:
        for attempt in range(TRIES):
            await asyncio.sleep(MENDED_AFTER_S * (len(self._deaths[part]) + attempt))
            try:
                present = await self._gate.do(self._objects.present)
                if part in present:
                    await self._gate.do(self._engine.start, present[part].id)
                else:
                    await self._gate.do(self._objects.make, layout, layout.container(part))
            except UsineError as error:
                self._log("container_not_mended", of=part, why=error.text.en)
            else:
                return
        self._lost(part)
