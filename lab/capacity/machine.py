"""What this machine has left."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Machine:
    """`tasks`, `namespaces` and `neighbours` are those that can still be made; None where the kernel does not say."""

    memory_mib: float
    cores: int
    tasks: int | None
    namespaces: int | None
    neighbours: int | None


def look(proc: Path = PROC) -> Machine:
    """This one, now. Raises: OSError: no Linux."""
    available = next(
        line
        for line in (proc / "meminfo").read_text(encoding="ascii").splitlines()
        if line.startswith("MemAvailable")
    )
    return Machine(
        int(available.split()[1]) / 1024,
        len(os.sched_getaffinity(0)),
        _tasks(proc),
        _namespaces(proc),
        _neighbours(proc),
    )


def _tasks(proc: Path) -> int | None:
    """The kernel's own limits, less what there is (proc(5), loadavg)."""
    limits = [
        number
        for name in ("kernel/pid_max", "kernel/threads-max")
        if (number := _number(proc / "sys" / name)) is not None
    ]
    there = int((proc / "loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    return max(0, min(limits) - there) if limits else None


def _namespaces(proc: Path) -> int | None:
    """Of the kinds that a lab makes: user and network."""
    limits = [
        number
        for name in ("max_user_namespaces", "max_net_namespaces")
        if (number := _number(proc / "sys" / "user" / name)) is not None
    ]
    return min(limits) if limits else None


def _neighbours(proc: Path) -> int | None:
    """Entries of the ARP table, one for all network namespaces of the kernel (arp(7)), less what there is."""
    limit = _number(proc / "sys/net/ipv4/neigh/default/gc_thresh3")
    try:
        there = int((proc / "net/stat/arp_cache").read_text(encoding="ascii").splitlines()[1].split()[0], 16)
    except (OSError, ValueError, IndexError):
        there = 0
    return None if limit is None else max(0, limit - there)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
