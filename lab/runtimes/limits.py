"""CPU, memory and process limits of a lab, where this machine's control groups can be written."""

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
GROUP = "usine-ecole"
MEMORY_BYTES = 256 << 20
# Of one core: a lab's own need is under one hundredth; what a flood of requests may take is bounded here.
CPU_SHARE = 0.5
PERIOD_US = 50_000
PROCESSES = 64
CPU_FILES = {"cpu.max", "cpu.cfs_period_us", "cpu.cfs_quota_us"}


class Limits:
    """One group a lab below `usine-ecole`; `reason` says why there is none on this machine."""

    def __init__(self, root: Path = ROOT) -> None:
        self._files = _v2_files(root) if (root / "cgroup.controllers").exists() else _v1_files(root)
        self.reason = "" if self._files else _reason(root)

    def place(self, name: str, pid: int) -> None:
        """Put a process, and all it will start, under the limits."""
        for group, values in self._files:
            try:
                folder = group / name
                folder.mkdir(parents=True, exist_ok=True)
                for file, value in values.items():
                    if file not in CPU_FILES:
                        (folder / file).write_text(value, encoding="ascii")
                (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
            except OSError:
                continue

    def tighten(self, name: str) -> None:
        """Bound the CPU too: once the lab is ready, so that its start is not slowed."""
        for group, values in self._files:
            for file in CPU_FILES & values.keys():
                try:
                    (group / name / file).write_text(values[file], encoding="ascii")
                except OSError:
                    continue

    def release(self, name: str) -> None:
        for group, _values in self._files:
            try:
                (group / name).rmdir()
            except OSError:
                continue


def _v1_files(root: Path) -> list[tuple[Path, dict[str, str]]]:
    wanted = {
        "cpu": {
            "cpu.cfs_period_us": str(PERIOD_US),
            "cpu.cfs_quota_us": str(int(PERIOD_US * CPU_SHARE)),
        },
        "memory": {"memory.limit_in_bytes": str(MEMORY_BYTES)},
        "pids": {"pids.max": str(PROCESSES)},
    }
    return [(root / c / GROUP, v) for c, v in wanted.items() if os.access(root / c, os.W_OK)]


def _v2_files(root: Path) -> list[tuple[Path, dict[str, str]]]:
    own = _own_group(root)
    if own is None or not os.access(own, os.W_OK):
        return []
    group = own / GROUP
    try:
        group.mkdir(exist_ok=True)
        (own / "cgroup.subtree_control").write_text("+cpu +memory +pids", encoding="ascii")
        (group / "cgroup.subtree_control").write_text("+cpu +memory +pids", encoding="ascii")
    except OSError:
        return []
    quota = f"{int(PERIOD_US * CPU_SHARE)} {PERIOD_US}"
    return [(group, {"cpu.max": quota, "memory.max": str(MEMORY_BYTES), "pids.max": str(PROCESSES)})]


def _own_group(root: Path) -> Path | None:
    try:
        entry = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().rpartition("::")[2]
    except OSError:
        return None
    return root if os.geteuid() == 0 else root / entry.lstrip("/")


def _reason(root: Path) -> str:
    return f"{root} cannot be written by this user" if root.exists() else f"{root} does not exist"
