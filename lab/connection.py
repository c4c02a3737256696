"""Blocking clients of the two Unix sockets: the supervisor's, and a lab's control channel."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from lab.labs import Job, LabStatus
from lab.paths import Paths
from simulators.control import REQUEST_LIMIT_BYTES
from simulators.errors import InputError, NotFoundError, UsineError
from simulators.host.plan import Plan
from simulators.host.refusal import refused
from simulators.os_errors import os_words
from simulators.snapshot import Snapshot

ANSWER_LIMIT_S = 60.0
# A lab sends a snapshot a second.
SILENCE_LIMIT_S = 5.0
FD_LIMIT = 4
CONNECT_LIMIT_S = 2.0
# Thirty labs may be starting or ending side by side, each in many containers.
LONG_LIMIT_S = 400.0
# The workstation's container may have to be started first.
TERMINAL_LIMIT_S = 60.0

Progress = Callable[[dict[str, Any]], None]


class Wire:
    """Newline-delimited JSON over a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.fds: list[int] = []
        self._buffer = b""

    def send(self, message: Any) -> None:
        self.socket.sendall(msgspec.json.encode(message) + b"\n")

    def receive(self, limit_s: float | None) -> bytes:
        """One line. Raises: OSError: closed, or silent for `limit_s`."""
        self.socket.settimeout(limit_s)
        while b"\n" not in self._buffer:
            data, fds, _flags, _address = socket.recv_fds(self.socket, 1 << 16, FD_LIMIT)
            self.fds += fds
            if not data:
                raise ConnectionError("closed")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def close(self) -> None:
        self.socket.close()


class LabConnection:
    """A way into one lab (`lab.labs.Connection`)."""

    def __init__(self, name: str, connected: socket.socket) -> None:
        self._name = name
        self._wire = Wire(connected)
        self._last_id = 0

    def request(self, verb: str, **arguments: Any) -> Any:
        """Raises: UsineError: the lab's own answer; InputError: more than a lab reads at once."""
        self._last_id += 1
        data = msgspec.json.encode({"id": self._last_id, "verb": verb, "arguments": arguments}) + b"\n"
        if len(data) > REQUEST_LIMIT_BYTES:
            raise InputError(
                f"{verb} : demande de {len(data) >> 10} Kio, {REQUEST_LIMIT_BYTES >> 10} au plus ; envoyez moins",
                f"{verb}: a request of {len(data) >> 10} KiB, {REQUEST_LIMIT_BYTES >> 10} at most; send less",
            )
        try:
            self._wire.socket.sendall(data)
            while True:
                answer = msgspec.json.decode(self._wire.receive(ANSWER_LIMIT_S))
                if answer.get("id") == self._last_id:
                    return _result(answer)
        except OSError as error:
            raise self._lost() from error

    def stream(self) -> Iterator[Snapshot]:
        self.request("subscribe")
        while True:
            try:
                line = self._wire.receive(SILENCE_LIMIT_S)
            except OSError:
                return
            message = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            if "snapshot" in message:
                yield msgspec.json.decode(message["snapshot"], type=Snapshot)

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> "LabConnection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _lost(self) -> UsineError:
        return NotFoundError(
            f"{self._name} ne répond plus ; voyez « lab ps »",
            f"{self._name} does not answer any more; see 'lab ps'",
        )


class SupervisorClient:
    """The supervisor (`lab.labs.Labs`), one connection a call."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def running(self) -> bool:
        """Whether a supervisor answers."""
        try:
            self._call("ping")
        except UsineError:
            return False
        return True

    def list(self) -> list[LabStatus]:
        if not self.running():
            return []
        return msgspec.convert(self._call("list"), list[LabStatus])

    def start(
        self,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        progress: Progress = lambda _message: None,
        runtime: str = "",
        spread: bool = False,
    ) -> LabStatus:
        """Start a lab; returns when all its devices answer. Raises: UsineError.

        Without a `runtime` it is the supervisor's own choice.
        """
        answer = self._call(
            "start",
            progress,
            LONG_LIMIT_S,
            line=line,
            name=name,
            seed=seed,
            speed=speed,
            flat=flat,
            runtime=runtime,
            spread=spread,
        )
        return msgspec.convert(answer, LabStatus)

    def stop(self, name: str, forget: bool = False) -> None:
        """End a lab; one that does not run any more is no error. Raises: NotFoundError: never heard of."""
        self._call("stop", silence_s=LONG_LIMIT_S, name=name, forget=forget)

    def run(self, job: Job, progress: Progress = lambda _message: None) -> Any:
        """Run a job to its end (`lab.labs.Labs.run`). Raises: UsineError; TimeLimitError."""
        wire = self._open()
        try:
            wire.send({"id": 1, "verb": "run", "arguments": msgspec.to_builtins(job)})
            return _answer(wire, progress, job.limit_s + ANSWER_LIMIT_S)
        except OSError as error:
            raise _silent(error) from error
        finally:
            wire.close()

    def shutdown(self, labs: bool) -> None:
        """End the supervisor, and the labs too if `labs`."""
        self._call("shutdown", silence_s=LONG_LIMIT_S, labs=labs)

    def terminal(self, name: str, zone: str, columns: int, rows: int) -> socket.socket:
        """One end of a terminal (`lab.labs.Labs.terminal`). Raises: UsineError."""
        end = self._handed("terminal", name=name, zone=zone, columns=columns, rows=rows)
        try:
            said = msgspec.json.decode(_first_line(end), type=dict[str, Any])
            _result({"result": None} if "open" in said else said)
        except OSError as error:
            end.close()
            raise _silent(error) from error
        except UsineError:
            end.close()
            raise
        return end

    def _handed(self, verb: str, **arguments: Any) -> socket.socket:
        """The descriptor that the supervisor answers with."""
        wire = self._open()
        try:
            wire.send({"id": 1, "verb": verb, "arguments": arguments})
            _result(msgspec.json.decode(wire.receive(ANSWER_LIMIT_S)))
            return socket.socket(fileno=wire.fds[0])
        except OSError as error:
            raise _silent(error) from error
        finally:
            wire.close()

    def attach(self, name: str) -> LabConnection:
        return LabConnection(name, self._handed("attach", name=name))

    def _call(
        self,
        verb: str,
        progress: Progress = lambda _message: None,
        silence_s: float = ANSWER_LIMIT_S,
        **arguments: Any,
    ) -> Any:
        wire = self._open()
        try:
            wire.send({"id": 1, "verb": verb, "arguments": arguments})
            return _answer(wire, progress, silence_s)
        except OSError as error:
            raise _silent(error) from error
        finally:
            wire.close()

    def _open(self) -> Wire:
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(str(self._paths.supervisor_socket))
            connected.sendall(self._paths.token().encode() + b"\n")
        except OSError as error:
            connected.close()
            raise NotFoundError(
                "aucun labo ne tourne ; lancez « lab start bottling » ou « lab up »",
                "no lab runs; use 'lab start bottling' or 'lab up'",
            ) from error
        return Wire(connected)


def connect(plan: Plan) -> socket.socket:
    """An authenticated connection to a lab's control channel.

    Raises:
        NotFoundError: the lab does not answer.
    """
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(CONNECT_LIMIT_S)
    try:
        connected.connect(plan.control)
        connected.sendall(plan.token.encode() + b"\n")
    except OSError as error:
        connected.close()
        why = os_words(error)
        raise NotFoundError(
            f"le labo {plan.name} ne répond pas ({why.fr})", f"lab {plan.name} does not answer ({why.en})"
        ) from error
    connected.settimeout(None)
    return connected


def _first_line(end: socket.socket) -> bytes:
    """Byte by byte, for what follows is the terminal's. Raises: OSError: it is over, or nothing comes."""
    end.settimeout(TERMINAL_LIMIT_S)
    line = b""
    while not line.endswith(b"\n"):
        byte = end.recv(1)
        if not byte:
            raise ConnectionError("closed")
        line += byte
    end.settimeout(None)
    return line


def _silent(error: OSError) -> UsineError:
    why = os_words(error)
    return NotFoundError(
        f"le superviseur ne répond plus ({why.fr}) ; voyez « lab doctor »",
        f"the supervisor does not answer any more ({why.en}); see 'lab doctor'",
    )


def _answer(wire: Wire, progress: Progress, silence_s: float) -> Any:
    """The result of what was asked; `progress` is told what comes before. Raises: OSError; UsineError."""
    while True:
        answer = msgspec.json.decode(wire.receive(silence_s))
        if "progress" not in answer:
            return _result(answer)
        progress(answer["progress"])


def _result(answer: dict[str, Any]) -> Any:
    if "error" not in answer:
        return answer.get("result")
    raise refused(answer["error"])
