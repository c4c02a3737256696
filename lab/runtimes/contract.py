"""What the supervisor expects of a runtime: the way labs are carried on a machine."""

from typing import Any, Protocol

import msgspec

from lab.labs import Job
from simulators.host.plan import Plan
from simulators.model import Line


class Handle(msgspec.Struct, frozen=True):
    """What runs, as JSON: enough to find it again after the supervisor's own death.

    `started_ticks` tells a process from a later one with the same number (`/proc/<pid>/stat`, field 22).
    """

    plan: Plan
    pid: int
    started_ticks: int
    started_unix_s: float
    restarts: int = 0


class Launch(Protocol):
    """A start under way."""

    handle: Handle

    def fileno(self) -> int:
        """A descriptor that is readable when there is news."""
        ...

    def news(self) -> list[dict[str, Any]] | None:
        """Messages since the last call (`simulators.host.process.run`), None when there will be no more."""
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
    """Single-threaded and never blocking: the supervisor waits on descriptors."""

    name: str

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

    def end(self, handle: Handle, force: bool) -> None:
        """Ask it to end, or make it; harmless on what has ended."""
        ...

    def reap(self, handle: Handle) -> str:
        """Release what is left of a lab that has ended; says how it ended."""
        ...

    def job(self, handle: Handle, line: Line, job: Job) -> Errand:
        """Begin a job inside the lab's zone. It ends with the supervisor at the latest."""
        ...
