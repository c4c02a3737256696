"""Does probes and attacks in a zone, in a container of its own: `python -m lab.runtimes.docker.agent SOCKET`.

A connection is a job: its first line is `{"job", "line"}`, then come what the job reports and what it asks of the lab,
`{"ask": {"verb", "arguments"}}`, which is answered by `{"result"}` or `{"error"}`. Each job is a process forked from this one;
it is told to end when the connection closes. Without a job for long the agent ends.
"""

import contextlib
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from lab.labs import Job
from lab.probes.contract import Where
from lab.probes.place import Seated, Zoned
from lab.runtimes.perform import perform
from simulators.errors import NotFoundError
from simulators.host.refusal import refused
from simulators.model import Line
from simulators.network import linux
from simulators.snapshot import Snapshot

IDLE_LIMIT_S = 180.0
GRACE_S = 8.0
ENTER_VARIABLE = "USINE_ENTER"
CPU_SPARE_S = 5
JOBS_MAX = 8
FIRST_LINE_LIMIT_BYTES = 4 << 20


class Order(msgspec.Struct, frozen=True):
    """What a connection begins with."""

    job: Job
    line: Line


class FarControl:
    """The lab's control channel, asked through the connection that the job came by (`lab.labs.Connection`)."""

    def __init__(self, wire: "Lines") -> None:
        self._wire = wire

    def request(self, verb: str, **arguments: Any) -> Any:
        self._wire.send({"ask": {"verb": verb, "arguments": arguments}})
        try:
            answer = msgspec.json.decode(self._wire.receive(), type=dict[str, Any])
        except (OSError, msgspec.MsgspecError) as error:
            raise NotFoundError("le labo ne répond plus", "the lab does not answer any more") from error
        if "error" in answer:
            raise refused(answer["error"])
        return answer.get("result")

    def stream(self) -> Iterator[Snapshot]:
        raise NotFoundError("un agent ne suit pas les instantanés", "an agent follows no snapshots")

    def close(self) -> None:
        """The connection stays the job's."""

    def __enter__(self) -> "FarControl":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Lines:
    """JSON lines over a socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._buffer = b""

    def send(self, message: Any) -> None:
        self._connected.sendall(msgspec.json.encode(message) + b"\n")

    def receive(self) -> bytes:
        """One line. Raises: OSError: closed, or too long."""
        while b"\n" not in self._buffer:
            data = self._connected.recv(1 << 16)
            if not data or len(self._buffer) > FIRST_LINE_LIMIT_BYTES:
                raise OSError("closed")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class Running:
    """A job's process, and the connection that it ends with."""

    def __init__(self, pid: int, connected: socket.socket) -> None:
        self.pid, self.connected = pid, connected
        self.kill_at_s = float("inf")


class Agent:
    """Serves one socket."""

    def __init__(
        self, listener: socket.socket, place: Callable[[Line, str], Where], idle_limit_s: float = IDLE_LIMIT_S
    ) -> None:
        """`listener` is bound and not yet listening; `place` gives where jobs are done, of a line and a zone."""
        self._place, self._idle_limit_s = place, idle_limit_s
        self._running: dict[int, Running] = {}
        self._used_s = time.monotonic()
        self._listener = listener
        self._listener.listen(16)

    def serve(self) -> None:
        """Until nobody has had a job for long."""
        while self._running or time.monotonic() - self._used_s < self._idle_limit_s:
            poll = select.poll()
            poll.register(self._listener, select.POLLIN)
            for running in self._running.values():
                if running.kill_at_s == float("inf"):
                    poll.register(running.connected, select.POLLRDHUP)
            for descriptor, _event in poll.poll(200):
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._left(descriptor)
            self._press()

    def _accept(self) -> None:
        connected, _peer = self._listener.accept()
        self._used_s = time.monotonic()
        if len(self._running) >= JOBS_MAX:
            connected.close()
            return
        pid = os.fork()
        if pid == 0:
            self._listener.close()
            _child(connected, self._place)
        self._running[connected.fileno()] = Running(pid, connected)

    def _left(self, descriptor: int) -> None:
        """Who asked has gone: the job may undo what it did, and ends."""
        running = self._running[descriptor]
        running.kill_at_s = time.monotonic() + GRACE_S
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)

    def _press(self) -> None:
        for descriptor, running in list(self._running.items()):
            if time.monotonic() > running.kill_at_s:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(running.pid, signal.SIGKILL)
            if os.waitpid(running.pid, os.WNOHANG)[0]:
                running.connected.close()
                del self._running[descriptor]
                self._used_s = time.monotonic()


def _child(connected: socket.socket, place: Callable[[Line, str], Where]) -> None:
    """Never returns: the parent's code must not run twice."""
    status = 1
    try:
        wire = Lines(connected)
        order = msgspec.json.decode(wire.receive(), type=Order)
        seconds = int(order.job.limit_s) + CPU_SPARE_S
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        where = place(order.line, order.job.zone)
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            perform(order.job, lambda: (where, FarControl(wire)), wire.send)
            status = 0
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
    finally:
        os._exit(status)


def preload() -> None:
    """What jobs need most, imported once for all of them."""
    from lab.attacks.engine import attacks
    from lab.probes.contract import probes

    probes()
    attacks()


def _place() -> Callable[[Line, str], Where]:
    """On a machine with one address in its zone, or in a zone's namespaces of the process that `$USINE_ENTER` names."""
    entry = os.environ.get(ENTER_VARIABLE)
    if not entry:
        own = os.environ["USINE_ADDRESS"]
        return lambda line, zone: Seated(line, zone, own)
    pid, user, net = (None if word == "None" else int(word) for word in entry.split(":"))
    for number, kind in ((user, linux.NEWUSER), (net, linux.NEWNET)):
        if number is not None:
            descriptor = os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY)
            linux.setns(descriptor, kind)
            os.close(descriptor)
    return Zoned


def main() -> int:
    """Returns the process's exit status."""
    preload()
    # Before the namespaces: afterwards the process is another user's, as seen from its own files.
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    agent = Agent(listener, _place())
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    agent.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
