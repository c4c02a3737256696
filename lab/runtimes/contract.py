"""What the supervisor expects of a runtime: the way labs are carried on a machine."""

import socket
from typing import Any, Protocol

import msgspec

from lab.labs import Job
from simulators.host.plan import Plan
from simulators.model import Line


class Handle(msgspec.Struct, frozen=True):
    """What runs, as JSON: enough to find it again after the supervisor's own death.

    `started_ticks` tells a process from a later one with the same number (`/proc/<pid>/stat`, field 22); both are 0
    of a lab that is not one process of this machine. `machines` are those of a swarm that have it, once it is ready.
    """

    plan: Plan
    pid: int
    started_ticks: int
    started_unix_s: float
    restarts: int = 0
    runtime: str = "local"
    machines: list[str] = []


class Launch(Protocol):
    """A start under way."""

    handle: Handle

    def fileno(self) -> int:
        """A descriptor that is readable when there is news."""
        ...

    def news(self) -> list[dict[str, Any]] | None:
        """Messages since the last call (`simulators.host.process.run`), None when there will be no more.

        One that waits for its turn says so now and then: `queued`, how many are before it.

        That of a lab that is ready may say `line`: the path of the line as this lab has it, and `machines`.
        """
        ...

    def close(self) -> None:
        """Give the descriptor back; whoever waits on it has stopped to."""
        ...


class Errand(Protocol):
    """A job under way, in a process of its own inside the lab's zone."""

    def fileno(self) -> int:
        """A descriptor that is readable when there is news."""
        ...

    def news(self) -> list[dict[str, Any]] | None:
        """Messages since the last call (`lab.runtimes.errand.perform`), None when there will be no more."""
        ...

    def end(self, force: bool) -> None:
        """Ask it to clear up and end, or make it; harmless on what has ended."""
        ...

    def close(self) -> None:
        """Give the descriptor back; whoever waits on it has stopped to."""
        ...

    def gone(self) -> bool:
        """Whether it has ended; what is left of it is then released. Never waits."""
        ...


class Runtime(Protocol):
    """Single-threaded and never blocking: the supervisor waits on descriptors.

    `start_limit_s` and `stop_limit_s` are how long a lab may take for either, `job_start_s` how long a job may before
    its own time begins.
    """

    name: str
    start_limit_s: float
    stop_limit_s: float
    job_start_s: float

    def prepare(self, line: Line) -> None:
        """Once for a line, before its first lab: what all its labs can share."""
        ...

    def launch(self, plan: Plan, line: Line, restarts: int) -> Launch: ...

    def settle(self, handle: Handle) -> None:
        """The lab is ready: what must not slow a start comes now."""
        ...

    def watch(self, handle: Handle) -> int | None:
        """A descriptor that is readable once the lab has ended, None if it has."""
        ...

    def reached(self, handle: Handle) -> bool:
        """Whether its control channel stands; one that was found again may take a moment."""
        ...

    def end(self, handle: Handle, force: bool) -> None:
        """Ask it to end, or make it; harmless on what has ended."""
        ...

    def reap(self, handle: Handle) -> str:
        """Release what is left of a lab that has ended; says how it ended, nothing where there was none to adopt."""
        ...

    def found(self) -> list[Handle]:
        """The labs that run, as the runtime itself knows them, once at the supervisor's start. Raises: UsineError."""
        ...

    def close(self) -> None:
        """Let go of what helps the supervisor; labs stay."""
        ...

    def terminal(self, handle: Handle, zone: str, columns: int, rows: int) -> socket.socket:
        """One end of a terminal on the student's machine in the zone.

        First comes a JSON line, `{"open": true}` or `{"error": {kind, fr, en}}`, then `simulators.workstation.frames`.

        Raises:
            ToolMissingError: this runtime has no such machine.
        """
        ...

    def job(self, handle: Handle, line: Line, job: Job) -> Errand:
        """Begin a job inside the lab's zone. It ends with the supervisor at the latest."""
        ...
