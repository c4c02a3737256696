"""Keeps a line's simulated time beside the clock's, and measures how late it is."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from simulators.clock import Clock

# At high speeds several steps are made at each wake-up: a shorter rest than `REST_S` only costs CPU. It is shortened, to
# `REST_MIN_S` at the least, so that what is served is no older than `STALE_MAX_S` of simulated time.
REST_S, REST_MIN_S, STALE_MAX_S = 0.025, 0.01, 1.0
# What a wake-up may spend on steps before other work of the loop gets its turn.
SLICE_S = 0.02
# Behind by more than this of the wall, the backlog is given up and counted.
BACKLOG_MAX_S = 10.0
REMEMBERED = 6000


class Lateness:
    """How late each wake-up's first step was, against the instant it was due (ms)."""

    def __init__(self) -> None:
        self._ms: deque[float] = deque(maxlen=REMEMBERED)
        self.backlogs = 0

    def add(self, late_s: float) -> None:
        self._ms.append(1e3 * late_s)

    def forget(self) -> None:
        """Begin a new measurement."""
        self._ms.clear()

    def values(self) -> list[float]:
        return list(self._ms)

    def figures(self) -> dict[str, float]:
        """Percentiles over the last wake-ups (ten minutes at most in real time)."""
        ordered = sorted(self._ms) or [0.0]
        return {
            "scan_late_p50_ms": round(ordered[len(ordered) // 2], 3),
            "scan_late_p99_ms": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 3),
            "scan_late_max_ms": round(ordered[-1], 3),
            "backlogs": self.backlogs,
        }


def rest_s(speed: float) -> float:
    """What is left to others between two wake-ups, where steps are due more often."""
    return max(REST_MIN_S, min(REST_S, STALE_MAX_S / speed))


class Pace:
    """Calls `step(t_s)` for every simulated step and `publish(t_s)` once per wake-up.

    The instants are multiples of `step_s` from the clock's origin: a late step is caught up and never
    shifts the next one. What `step` returns is awaited before the next one. `retime` is called when the
    pace itself changed the clock. Who holds `still` lets no step be made meanwhile.
    """

    def __init__(
        self,
        clock: Clock,
        step_s: float,
        step: Callable[[float], Awaitable[None] | None],
        publish: Callable[[float], None],
        retime: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lateness = Lateness()
        self.done = 0
        self._clock = clock
        self._step_s = step_s
        self._step = step
        self._publish = publish
        self._retime = retime
        self._wall = wall
        self.still = asyncio.Lock()
        self._change = asyncio.Event()

    @property
    def t_s(self) -> float:
        """Simulated time reached."""
        return self.done * self._step_s

    def changed(self) -> None:
        """The clock's speed or pause was changed: wake up and look again."""
        self._change.set()

    def restart(self, done: int = 0) -> None:
        """Begin again at simulated time zero, or after `done` steps."""
        self.done = done
        self._clock.jump(self.t_s)
        self.changed()
        self._retime()

    async def run(self) -> None:
        while True:
            await self._rest()
            if not self._clock.paused:
                async with self.still:
                    await self.advance()

    async def advance(self) -> None:
        """Make the steps that are due, as many as fit in one slice."""
        due_s = self._clock.wall_of((self.done + 1) * self._step_s)
        now = self._wall()
        if now < due_s:
            return
        self.lateness.add(now - due_s)
        self._give_up_backlog(now - due_s)
        # + 1e-9: a step that is due to the instant must not be lost to rounding.
        target = int(self._clock.now_s() / self._step_s + 1e-9)
        while self.done < target:
            self.done += 1
            waiting = self._step(self.done * self._step_s)
            if waiting is not None:
                await waiting
            if self._wall() - now > SLICE_S:
                break
        self._publish(self.t_s)

    def _give_up_backlog(self, late_s: float) -> None:
        if late_s > BACKLOG_MAX_S:
            self.lateness.backlogs += 1
            self._clock.jump((self.done + 1) * self._step_s)
            self._retime()

    async def _rest(self) -> None:
        if self._clock.paused:
            await self._change.wait()
        else:
            due_s = self._clock.wall_of((self.done + 1) * self._step_s)
            least_s = rest_s(self._clock.speed)
            fast = self._step_s / self._clock.speed < least_s
            await asyncio.sleep(max(due_s - self._wall(), least_s if fast else 0.0))
        self._change.clear()
