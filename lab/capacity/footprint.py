"""What a lab takes of its machine, by runtime: figures of `lab bench`, or those of labs that run here."""

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

from lab.bench.process import cpu_s, descendants, pss_mib
from lab.bench.speed import twin_speed
from lab.labs import LabStatus
from simulators.errors import NotFoundError
from simulators.text import Text

WINDOW_S = 1.0
# A lab that just then did nothing takes something all the same.
LEAST_MIB, LEAST_PCT = 1.0, 0.1


@dataclass(frozen=True)
class Footprint:
    """`tasks` are processes and threads, `fixed_mib` what is there once for all labs; `source` says who measured.

    `cpu_source` says it of `cpu_pct`, where that is another's.
    """

    memory_mib: float
    cpu_pct: float
    tasks: int
    fixed_mib: float
    source: Text
    cpu_source: Text | None = None

    def at(self, speed: float) -> "Footprint":
        """On a machine that is `speed` times as fast as the one that was benched."""
        times = f"{speed:.2g}"
        return replace(self, cpu_pct=self.cpu_pct / speed, cpu_source=Text(
            fr=f"{self.source.fr} ; cette machine va {times.replace('.', ',')} fois aussi vite",
            en=f"{self.source.en}; this machine is {times} times as fast",
        ))  # fmt: skip


def _benched(command: str) -> Text:
    return Text(fr=f"mesuré par « {command} »", en=f"measured by '{command}'")


# Memory and CPU with the broker's and the shims', on a kernel without same-page merging, by 30 labs (of `docker`, memory by 8).
# Tasks: a container's own, and the twelve threads of what the engine holds it with.
FOOTPRINTS = {
    "local": Footprint(27.5, 1.2, 6, 150, _benched("lab bench --labs 30")),
    "docker": Footprint(355.0, 3.5, 320, 250, _benched("lab bench --labs 30 --runtime docker")),
    "docker-compact": Footprint(65.0, 1.2, 24, 250, _benched("lab bench --labs 30 --runtime docker-compact")),
}
# How many times real time the plant ran offline on that machine (`twin_speed_x`).
BENCHED_SPEED_X = 1392.0
SPEED_LINE, SPEED_TRIES, SPEED_HOURS = "bottling", 3, 0.1
CONTAINERS = ("docker", "docker-compact")


def footprint(runtime: str) -> Footprint:
    """As benched. Raises: NotFoundError: no such runtime."""
    try:
        return FOOTPRINTS[runtime]
    except KeyError:
        known = ", ".join(FOOTPRINTS)
        raise NotFoundError(
            f"runtime {runtime} inconnu ; choisissez parmi : {known}",
            f"unknown runtime {runtime}; choose one of: {known}",
        ) from None


def speed() -> float:
    """How many times as fast as the machine that was benched this one is: the best of a few runs, for others disturb it."""
    return max(twin_speed(SPEED_LINE, SPEED_HOURS) for _ in range(SPEED_TRIES)) / BENCHED_SPEED_X


def measured(runtime: str, labs: list[LabStatus], home: Path, window_s: float = WINDOW_S) -> Footprint | None:
    """As the labs of this runtime that run here are now; None where none does, or their processes cannot be seen."""
    running = [lab for lab in labs if lab.runtime == runtime and lab.state == "running"]
    if not running:
        return None
    try:
        pids = _processes(runtime, running, home)
        before = _cpu(pids)
        time.sleep(window_s)
        memory = sum(map(pss_mib, pids)) / len(running)
        cpu = 100 * (_cpu(pids) - before) / window_s / len(running)
        tasks = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids) / len(running)
    except OSError:
        return None
    count = len(running)
    source = Text(
        fr=f"mesuré ici sur {count} labo{'s' if count > 1 else ''}",
        en=f"measured here on {count} lab{'s' if count > 1 else ''}",
    )
    usual = FOOTPRINTS[runtime]
    return Footprint(
        max(round(memory, 1), LEAST_MIB), max(round(cpu, 2), LEAST_PCT), max(round(tasks), usual.tasks), usual.fixed_mib,
        source,
    )  # fmt: skip


def _processes(runtime: str, running: list[LabStatus], home: Path) -> list[int]:
    if runtime in CONTAINERS:
        # Here, for labs without containers need no engine.
        from lab.bench.containers import processes

        inside, holding = processes(home)
        return [*inside, *holding]
    first = [lab.pid for lab in running if lab.pid]
    return [*first, *(pid for lab in first for pid in descendants(lab))]


def _cpu(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += cpu_s(pid)
    return total
