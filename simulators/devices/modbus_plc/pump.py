"""Shares the PLC's communication time among its connections, so that no flood starves what lives in the same loop.

A PLC grants communication a share of its cycle; here a share of a core. Connections with requests waiting take
turns of a few requests each. One run lasts a millisecond at most, then the loop lives a turn; when the share is
used up, the next run waits. Requests that wait fill their connection's buffer, and TCP slows the sender.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

RUN_S = 0.001
CREDIT_S = 0.004
TURN = 8
# What the event loop itself spends to poll, receive and call back, for one turn of one connection: measured.
LOOP_COST_S = 30e-6


class Work(Protocol):
    """A connection: `work` handles up to `limit` requests and says whether more wait."""

    def work(self, limit: int) -> bool: ...


class Pump:
    """`load` is the share of a core (0 to 1); `cpu` reads CPU seconds of this thread, `wall` seconds."""

    def __init__(
        self,
        load: float,
        cpu: Callable[[], float] = time.thread_time,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._cpu, self._wall = cpu, wall
        self._credit_s, self._since_s = CREDIT_S, wall()
        self._queue: deque[Work] = deque()
        self._handle: asyncio.Handle | None = None

    def add(self, work: Work) -> None:
        """`work` has requests; call it once until it has said that no more wait."""
        self._queue.append(work)
        if self._handle is None:
            self._earn()
            self._schedule()

    def stop(self) -> None:
        self._queue.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def run(self) -> None:
        """One run; schedules the next one while requests wait."""
        self._handle = None
        self._earn()
        self._turns(min(RUN_S, max(self._credit_s, 0.0)))
        if self._queue:
            self._schedule()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        debt_s = -self._credit_s
        self._handle = (
            loop.call_later(debt_s / self._load, self.run) if debt_s > 0 else loop.call_soon(self.run)
        )

    def _earn(self) -> None:
        now_s = self._wall()
        self._credit_s = min(CREDIT_S, self._credit_s + (now_s - self._since_s) * self._load)
        self._since_s = now_s

    def _turns(self, limit_s: float) -> None:
        started_s = self._cpu()
        used_s = 0.0
        turns = 0
        while self._queue:
            work = self._queue.popleft()
            turns += 1
            if work.work(TURN):
                self._queue.append(work)
            used_s = self._cpu() - started_s + turns * LOOP_COST_S
            if used_s >= limit_s:
                break
        self._credit_s -= used_s
