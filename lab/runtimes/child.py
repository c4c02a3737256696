"""What every process forked from the supervisor does first: leave its parent's signals, files and session."""

import os
import resource
import signal
from pathlib import Path

KEPT = 3  # the descriptor that it reports through
MEMORY_BYTES = 384 << 20
FILES_MAX = 1024
PROCESSES_MAX = 4096  # of the whole user; the control group, where there is one, counts the job's own
CPU_SPARE_S = 5


def detach(writer: int, log: Path) -> None:
    """Become the leader of a session of its own, with `writer` as descriptor 3 and nothing else but the log."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if writer != KEPT:
        os.dup2(writer, KEPT)
    os.closerange(KEPT + 1, 1 << 16)


def confine(limit_s: float) -> None:
    """Bound what this process may take: memory beyond what it shares with its parent, files, processor seconds."""
    shared = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, shared + MEMORY_BYTES)
    _lower(resource.RLIMIT_NOFILE, FILES_MAX)
    _lower(resource.RLIMIT_NPROC, PROCESSES_MAX)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, int(limit_s) + CPU_SPARE_S)


def _lower(what: int, most: int) -> None:
    _soft, hard = resource.getrlimit(what)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (wanted, wanted))
