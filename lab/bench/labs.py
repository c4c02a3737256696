"""Labs of a runtime, measured from outside: their processes, and what they say of their scans."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.bench.process import cpu_s, descendants, pss_mib
from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.labs import LabStatus
from lab.paths import Paths
from simulators.errors import UsineError

SETTLE_S = 4.0
LOG_TAIL = 4000
MERGING = Path("/sys/kernel/mm/ksm")
MERGING_SCANS, MERGING_LIMIT_S = 4, 60.0
# What the figures of processes beside a lab's own are called.
OTHERS = {"local": "broker", "docker": "shim", "docker-compact": "shim"}
Say = Callable[[str, str], None]


def wait_for_merging(say: Say) -> None:
    """Where same-page merging is on, let the kernel look at every page a few times, within a bound."""
    if not _merging():
        return
    scans = MERGING / "full_scans"
    say("le noyau fusionne les pages semblables…", "the kernel merges pages that are alike…")
    wanted = int(scans.read_text(encoding="ascii")) + MERGING_SCANS
    deadline = time.monotonic() + MERGING_LIMIT_S
    while int(scans.read_text(encoding="ascii")) < wanted and time.monotonic() < deadline:
        time.sleep(0.2)


class LabsBench:
    """A supervisor of its own in `home`, with `count` labs of `line` that `runtime` carries."""

    def __init__(
        self, home: Path, line: str, count: int, window_s: float, say: Say, runtime: str = "local"
    ) -> None:
        self._paths = Paths(home)
        self._client = SupervisorClient(self._paths)
        self._line = line
        self._count = count
        self._window_s = window_s
        self._say = say
        self._runtime = runtime
        self.figures: dict[str, float] = {}

    def run(self) -> dict[str, float]:
        """All figures, with the keys that README's table has. Raises: UsineError: a lab does not start."""
        try:
            self._start()
            labs = self._client.list()
            time.sleep(SETTLE_S)
            wait_for_merging(self._say)
            self._quiet(labs)
            self._flooded(labs)
        except UsineError:
            # Its folder goes with the bench.
            sys.stderr.write(
                self._paths.supervisor_log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
            )
            raise
        finally:
            if self._client.running():
                self._client.shutdown(labs=True)
        return self.figures

    def _start(self) -> None:
        begun = time.monotonic()
        ensure_supervisor(self._paths)
        self._client.start(self._line, "bench-0", seed=0, runtime=self._runtime)
        self.figures["ready_first_s"] = time.monotonic() - begun
        self._client.stop("bench-0", forget=True)
        self._say(f"{self._count} labos démarrent…", f"{self._count} labs start…")
        begun = time.monotonic()
        with ThreadPoolExecutor(self._count) as pool:
            list(pool.map(self._start_one, range(self._count)))
        self.figures["ready_all_s"] = time.monotonic() - begun

    def _start_one(self, number: int) -> None:
        self._client.start(self._line, f"bench-{number}", seed=number, runtime=self._runtime)

    def _quiet(self, labs: list[LabStatus]) -> None:
        self._say(f"mesure au calme, {self._window_s:g} s…", f"measuring quietly, {self._window_s:g} s…")
        own, others = self._processes(labs)
        self._forget_lateness(labs)
        before, before_others = _cpu(own), _cpu(others)
        time.sleep(self._window_s)
        share = 100 / self._window_s / len(labs)
        self.figures["cpu_per_lab_pct"] = (_cpu(own) - before) * share
        self.figures[f"{OTHERS[self._runtime]}_cpu_per_lab_pct"] = (_cpu(others) - before_others) * share
        self.figures["memory_per_lab_mib"] = sum(map(pss_mib, own)) / len(labs)
        self.figures[f"{OTHERS[self._runtime]}_memory_per_lab_mib"] = sum(map(pss_mib, others)) / len(labs)
        self.figures["merging"] = float(_merging())
        self.figures["scan_late_p99_ms"] = self._worst_p99(labs)

    def _processes(self, labs: list[LabStatus]) -> tuple[list[int], list[int]]:
        """The labs' own processes, and those that stand beside them: brokers, or what holds containers."""
        if self._runtime == "local":
            pids = [lab.pid for lab in labs if lab.pid]
            return pids, [pid for lab in pids for pid in descendants(lab)]
        # Here, for a bench of processes needs no engine.
        from lab.bench.containers import processes

        return processes(self._paths.home)

    def _flooded(self, labs: list[LabStatus]) -> None:
        victim, *others = labs
        with self._client.attach(victim.name) as lab:
            port = next(e["port"] for e in lab.request("endpoints") if e["protocol"] == "modbus")
        self._say(f"inondation de {victim.name}…", f"flooding {victim.name}…")
        self._forget_lateness(labs)
        command = [sys.executable, "-m", "lab.bench.flood", str(port), str(self._window_s)]
        answered = int(
            subprocess.run(command, capture_output=True, check=True, timeout=self._window_s + 30).stdout
        )
        self.figures["flood_requests_per_s"] = answered / self._window_s
        if others:
            self.figures["flooded_scan_late_p99_ms"] = self._worst_p99(others)
        self.figures["flood_victim_scan_late_p99_ms"] = self._worst_p99([victim])

    def _forget_lateness(self, labs: list[LabStatus]) -> None:
        for status in labs:
            with self._client.attach(status.name) as lab:
                lab.request("lateness", forget=True)

    def _worst_p99(self, labs: list[LabStatus]) -> float:
        """The 99th percentile over all the labs' scans (each lab's own p99 would hide a bad one)."""
        late: list[float] = []
        for status in labs:
            with self._client.attach(status.name) as lab:
                late += lab.request("lateness")
        late.sort()
        return late[min(len(late) - 1, len(late) * 99 // 100)]


def _merging() -> bool:
    run = MERGING / "run"
    return run.exists() and run.read_text(encoding="ascii").strip() == "1"


def _cpu(pids: list[int]) -> float:
    return sum(map(cpu_s, pids))
