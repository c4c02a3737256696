"""How much of this machine is left for labs."""

import os
from pathlib import Path

import msgspec

# Measured on the bottling line without same-page merging; with it, 15 (ARCHITECTURE.md, "Memory").
LAB_MIB = 25.0
PROC = Path("/proc")


class Machine(msgspec.Struct, frozen=True):
    """`load_pct` is the run queue of the last minute against the cores; None where the system does not say."""

    cores: int
    load_pct: float | None
    memory_total_mib: float | None
    memory_free_mib: float | None

    @property
    def memory_used_pct(self) -> float | None:
        if not self.memory_total_mib or self.memory_free_mib is None:
            return None
        return 100 * (1 - self.memory_free_mib / self.memory_total_mib)


def read_machine(proc: Path = PROC) -> Machine:
    """As the system tells it at this moment."""
    cores = os.cpu_count() or 1
    memory = _memory_mib(proc)
    return Machine(cores, _load_pct(proc, cores), memory.get("MemTotal"), memory.get("MemAvailable"))


def _load_pct(proc: Path, cores: int) -> float | None:
    try:
        return 100 * float((proc / "loadavg").read_text(encoding="ascii").split()[0]) / cores
    except (OSError, ValueError, IndexError):
        return None


def _memory_mib(proc: Path) -> dict[str, float]:
    """`meminfo` counts in units of 1024 bytes."""
    found: dict[str, float] = {}
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, rest = line.partition(":")
        amount = rest.split()
        if amount and amount[0].isdigit():
            found[name] = int(amount[0]) / 1024
    return found
