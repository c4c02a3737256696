"""What the gateway counts, and the log of what it refuses, which a flood must not fill."""

import time
from collections.abc import Callable
from dataclasses import dataclass

SAME_LINE_S = 1.0  # at most one log line of a kind in this time
KINDS_MAX = 256


@dataclass
class Traffic:
    """Figures of the gateway's life. `dropped`: connections beyond a limit."""

    open: int = 0
    allowed: int = 0
    denied: int = 0
    requests_denied: int = 0
    dropped: int = 0
    bytes: int = 0


class Journal:
    """A `context.log` that says the same thing once a second, with how many times it came."""

    def __init__(self, log: Callable[..., None], now: Callable[[], float] = time.monotonic) -> None:
        self._log, self._now = log, now
        self._said: dict[tuple[object, ...], tuple[float, int]] = {}

    def say(self, event: str, **fields: object) -> None:
        """Log, unless the same event with the same fields was a moment ago."""
        key = (event, *fields.values())
        now_s = self._now()
        last_s, unsaid = self._said.get(key, (-SAME_LINE_S, 0))
        if now_s - last_s < SAME_LINE_S:
            self._said[key] = (last_s, unsaid + 1)
            return
        if unsaid:
            fields["repeated"] = unsaid
        if len(self._said) >= KINDS_MAX:
            self._said.clear()
        self._said[key] = (now_s, 0)
        self._log(event, **fields)
