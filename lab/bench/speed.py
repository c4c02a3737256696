"""How fast this machine is, by the plant and its programs, offline."""

import time

from lab.catalog import find_line
from simulators.twin import run


def twin_speed(line_name: str, hours: float = 1.0) -> float:
    """Simulated seconds a second: plant and programs, offline, without writing a file. Raises: NotFoundError: no such line."""
    line = find_line(line_name)
    begun = time.perf_counter()
    for _row in run(line, hours, seed=1, interval_s=60.0):
        pass
    return 3600 * hours / (time.perf_counter() - begun)
