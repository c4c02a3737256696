"""The PLC's audit log: connections, writes, denials. A flood of them is counted, not written line by line."""

import time
from collections.abc import Callable
from typing import Any

PER_S = 50


class Bucket:
    """A token bucket: `rate_per_s` events a second, and as many at once as a second earns (one at least)."""

    __slots__ = ("_full", "_rate_per_s", "_since_s", "_tokens")

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._full = self._tokens = max(rate_per_s, 1.0)
        self._since_s = now_s

    def take(self, now_s: float) -> bool:
        self._tokens = min(self._full, self._tokens + (now_s - self._since_s) * self._rate_per_s)
        self._since_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Audit:
    """Call it as `context.log`; the first event after a flood says in `suppressed` how many went unwritten."""

    def __init__(self, log: Callable[..., None], wall: Callable[[], float] = time.monotonic) -> None:
        self._log, self._wall = log, wall
        self._bucket = Bucket(PER_S, wall())
        self._suppressed = 0

    def __call__(self, event: str, **fields: Any) -> None:
        if not self._bucket.take(self._wall()):
            self._suppressed += 1
            return
        if self._suppressed:
            fields["suppressed"], self._suppressed = self._suppressed, 0
        self._log(event, **fields)
