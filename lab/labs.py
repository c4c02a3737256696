"""How the command line and the web reach the labs that run."""

import socket
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

import msgspec

from simulators.errors import StartError
from simulators.snapshot import Snapshot


class Endpoint(msgspec.Struct, frozen=True):
    """Where the user's own tools reach a device: a forward on 127.0.0.1."""

    device: str
    protocol: Literal["modbus", "opcua", "mqtt"]
    host: str
    port: int


class LabStatus(msgspec.Struct, frozen=True):
    """One lab, as `lab ps` lists it. `state` is `failed` while a crashed lab is not back.

    `subnets` (zone → subnet) are those that it has, which may be others than its line's files say. `machines` are those
    of the swarm that carry it, the main one first; none of a lab that is on this one.
    """

    name: str
    line: str
    runtime: str
    state: Literal["starting", "running", "failed"]
    pid: int | None
    seed: int
    started_unix_s: float
    restarts: int
    detail: str = ""
    subnets: dict[str, str] = {}
    machines: list[str] = []


class Job(msgspec.Struct, frozen=True):
    """A probe or an attack to be run inside a zone of a lab, in a process of its own that ends at `limit_s`."""

    lab: str
    kind: Literal["probe", "attack"]
    name: str
    zone: str
    arguments: dict[str, Any] = {}
    limit_s: float = 10.0


Progress = Callable[[dict[str, Any]], None]


class Connection(Protocol):
    """An authenticated way into one lab. Close it; it is a context manager."""

    def request(self, verb: str, **arguments: Any) -> Any:
        """One verb of the control channel (`simulators.control`). Raises: UsineError: the lab's own answer."""
        ...

    def stream(self) -> Iterator[Snapshot]:
        """The lab's snapshots, one a second, until the lab or this connection closes."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> "Connection": ...

    def __exit__(self, *exc: object) -> None: ...


class Labs(Protocol):
    """The supervisor, seen by those who have no rights of their own."""

    def list(self) -> list[LabStatus]: ...

    def attach(self, name: str) -> Connection:
        """Raises: NotFoundError: no such lab, with those that run."""
        ...

    def start(
        self,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        progress: Progress = ...,
        runtime: str = "",
        spread: bool = False,
    ) -> LabStatus:
        """Start a lab; returns when all its devices answer. `progress` is told each device. Raises: UsineError.

        Without a `runtime` it is the supervisor's own choice. `spread`: over several machines, where the runtime can.
        """
        ...

    def terminal(self, name: str, zone: str, columns: int, rows: int) -> socket.socket:
        """One end of a terminal on the student's machine in a zone, which speaks in `simulators.workstation.frames`.

        Raises:
            UsineError: no such lab or zone, or its runtime has no such machine.
        """
        ...

    def stop(self, name: str, forget: bool = False) -> None:
        """End a lab; with `forget`, delete its files. Raises: NotFoundError: never heard of."""
        ...

    def run(self, job: Job, progress: Progress = ...) -> Any:
        """Run a job to its end; returns its result (a Finding of a probe, null of an attack, as JSON).

        The job ends with this call: a caller that goes away ends it.

        Raises:
            UsineError: no such lab, or what the job itself refused.
            TimeLimitError: it was not done in time, and was ended.
        """
        ...


def stands_still() -> StartError:
    """What is to be said of a lab whose time does not pass."""
    return StartError(
        "le temps du labo ne passe pas ; est-il en pause ? voyez « lab resume »",
        "the lab's time does not pass; is it paused? see 'lab resume'",
    )
