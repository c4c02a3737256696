"""How many labs a machine has room for: some always, more while its processors rest."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_S = 1.0
SPARE = 0.25  # of all processors


class Room:
    """`sure` at once whatever the load; up to `most` while a quarter of the machine has nothing to do."""

    def __init__(self, sure: int, most: int, spare: Callable[[], bool]) -> None:
        self._sure, self._most = sure, most
        self._spare = spare
        self._inside = 0
        self._lock = threading.Lock()
        self._door = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The block runs once there is room."""
        with self._door:  # one after another: what has just begun must show in the load
            while not self._enter(self._sure) and not (self._spare() and self._enter(self._most)):
                pass
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1

    def _enter(self, most: int) -> bool:
        with self._lock:
            entered = self._inside < most
            self._inside += entered
            return entered


def machine_rests() -> bool:
    """Look for a second. False where the system does not say (it has no `/proc/stat`)."""
    before = _processors()
    time.sleep(LOOK_S)
    after = _processors()
    if before is None or after is None or after[1] == before[1]:
        return False
    return (after[0] - before[0]) / (after[1] - before[1]) >= SPARE


def _processors() -> tuple[int, int] | None:
    """(idle, in all) since the machine's start, proc(5); None where it is not told."""
    try:
        ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    return ticks[3] + ticks[4], sum(ticks)
