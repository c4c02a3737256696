"""Labs as processes forked from a warm parent: the supervisor itself."""

import gc
import os
import signal
import socket
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec

from lab.labs import Job
from lab.runtimes import errand
from lab.runtimes.child import KEPT, detach
from lab.runtimes.contract import Handle
from lab.runtimes.limits import Limits
from lab.runtimes.news import News
from simulators.errors import ToolMissingError
from simulators.host.plan import Plan
from simulators.host.process import preload, prepare, run
from simulators.host.warmth import settle
from simulators.model import Line


class LocalLaunch(News):
    """A start under way."""

    def __init__(self, handle: Handle, descriptor: int) -> None:
        super().__init__(descriptor)
        self.handle = handle


class LocalRuntime:
    """Forks; so it must live in a process without threads and without an event loop."""

    name = "local"
    # A device has ten seconds to answer its protocol, and those of a class start side by side.
    start_limit_s = 45.0
    stop_limit_s = 5.0
    job_start_s = 0.0

    def __init__(self, limits: Limits, log: Path) -> None:
        self._limits = limits
        self._log = log
        self._children: set[int] = set()

    def warm(self) -> None:
        """Import and build what children share, once, and keep the collector off it."""
        gc.disable()
        preload()
        settle()

    def prepare(self, line: Line) -> None:
        prepare(line)
        settle()

    def launch(self, plan: Plan, line: Line, restarts: int) -> LocalLaunch:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        pid = os.fork()
        if pid == 0:
            _child(plan, line, writer, self._log)
        os.close(writer)
        self._children.add(pid)
        self._limits.place(plan.name, pid)
        handle = Handle(plan, pid, started_ticks(pid) or 0, time.time(), restarts)
        return LocalLaunch(handle, reader)

    def settle(self, handle: Handle) -> None:
        self._limits.tighten(handle.plan.name)

    def watch(self, handle: Handle) -> int | None:
        # A child that has not been reaped is itself, even when it ended before anybody looked.
        if handle.pid not in self._children and started_ticks(handle.pid) != handle.started_ticks:
            return None
        try:
            return os.pidfd_open(handle.pid)
        except ProcessLookupError:
            return None

    def end(self, handle: Handle, force: bool) -> None:
        if started_ticks(handle.pid) == handle.started_ticks:
            os.kill(handle.pid, signal.SIGKILL if force else signal.SIGTERM)

    def reap(self, handle: Handle) -> str:
        if handle.pid not in self._children:
            return "gone"
        self._children.discard(handle.pid)
        _pid, status = os.waitpid(handle.pid, 0)
        self._limits.release(handle.plan.name)
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status)).name
        return f"exit {os.waitstatus_to_exitcode(status)}"

    def reached(self, handle: Handle) -> bool:
        """Its process has it as long as it lives."""
        del handle
        return True

    def found(self) -> list[Handle]:
        """None: what is known of a process is in its handle's file."""
        return []

    def close(self) -> None:
        """Nothing helps it."""

    def terminal(self, handle: Handle, zone: str, columns: int, rows: int) -> socket.socket:
        """None: a shell here would have the rights of who runs the orchestrator."""
        del zone, columns, rows
        raise ToolMissingError(
            f"{handle.plan.name} tourne sans conteneur : pas de terminal dans la page ; utilisez « lab shell "
            f"{handle.plan.name} »",
            f"{handle.plan.name} runs without containers: no terminal in the page; use 'lab shell {handle.plan.name}'",
        )

    def job(self, handle: Handle, line: Line, job: Job) -> errand.LocalErrand:
        return errand.launch(handle, line, job, self._limits, self._log)


def started_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None if there is none or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _child(plan: Plan, line: Line, writer: int, log: Path) -> None:
    """Never returns: the parent's code must not run twice."""
    status = 1
    try:
        detach(writer, log)

        def report(message: dict[str, Any]) -> None:
            try:
                os.write(KEPT, msgspec.json.encode(message) + b"\n")
            except OSError:
                return
            if "ready" in message or "error" in message:
                os.close(KEPT)

        status = run(plan, line, report)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
