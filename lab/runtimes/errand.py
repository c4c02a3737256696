"""A job of the local runtime: a process forked from the warm supervisor, which enters the lab's zone for good."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from lab.connection import LabConnection, connect
from lab.jobs import make_ready
from lab.labs import Job
from lab.runtimes.child import KEPT, confine, detach
from lab.runtimes.contract import Handle
from lab.runtimes.limits import Limits
from lab.runtimes.news import News
from lab.runtimes.perform import perform
from lab.runtimes.zone import ZoneEntry, enter
from simulators.model import Line
from simulators.network import linux

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

if TYPE_CHECKING:
    from lab.probes.contract import Where


class LocalErrand(News):
    """A child that says more than any job has to say is ended."""

    def __init__(self, pid: int, descriptor: int, released: Callable[[], None]) -> None:
        super().__init__(descriptor)
        self._pid = pid
        self._released = released
        self._gone = False

    def end(self, force: bool) -> None:
        if self._gone:
            return
        number = signal.SIGKILL if force else signal.SIGTERM
        try:
            os.killpg(self._pid, number)
        except ProcessLookupError:  # it leads no session yet, or is a zombie
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def gone(self) -> bool:
        if not self._gone and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._gone = True
            self._released()
        return self._gone


def launch(handle: Handle, line: Line, job: Job, limits: Limits, log: Path) -> LocalErrand:
    """Fork the job's process; never waits for it."""
    make_ready(job)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    # A signal to the child must not run its parent's handlers.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(handle, line, job, writer, log, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(writer)
    group = f"job-{pid}"
    limits.place(group, pid)
    return LocalErrand(pid, reader, lambda: limits.release(group))


def _child(handle: Handle, line: Line, job: Job, writer: int, log: Path, parent: int) -> None:
    """Never returns: the parent's code must not run twice."""
    status = 1
    try:
        detach(writer, log)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        confine(job.limit_s)
        with contextlib.suppress(BrokenPipeError):
            _perform(handle, line, job, parent)
            status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _perform(handle: Handle, line: Line, job: Job, parent: int) -> None:
    """Run the job inside its zone and report what comes of it (`lab.runtimes.perform`)."""
    from lab.probes.place import Flat, Zoned

    def place() -> "tuple[Where, LabConnection]":
        control = LabConnection(job.lab, connect(handle.plan))
        entry = control.request("enter", zone=job.zone)
        ends = control.request("endpoints") if entry is None else []
        if entry is not None:
            enter(ZoneEntry(entry["pid"], entry["user"], entry["net"]))
        _die_with(parent)
        os.environ.clear()
        os.environ.update(ENVIRONMENT)
        return Zoned(line, job.zone) if entry is not None else Flat(line, job.zone, ends), control

    perform(job, place, report)


def report(message: dict[str, Any]) -> None:
    """One line to the supervisor. Raises: BrokenPipeError: it listens no more."""
    data = msgspec.json.encode(message) + b"\n"
    while data:
        data = data[os.write(KEPT, data) :]


def _die_with(parent: int) -> None:
    # After entering: the kernel forgets this wish when a process changes its user namespace.
    linux.die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
