"""The supervisor's side of the docker runtime: what it asks of its steward, and the descriptors that it waits on."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from lab.labs import Job
from lab.runtimes.contract import Handle
from simulators.errors import StartError
from simulators.host.plan import Plan
from simulators.host.refusal import refused
from simulators.model import Line

OUTPUT_LIMIT_BYTES = 8 << 20


class News:
    """JSON lines from the steward, until it closes (contract.Launch and contract.Errand)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._heard = 0
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        return self._descriptor

    def news(self) -> list[dict[str, Any]] | None:
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self._heard += len(data)
        if not data or self._heard > OUTPUT_LIMIT_BYTES:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]

    def close(self) -> None:
        os.close(self._descriptor)


class DockerLaunch(News):
    """A start under way."""

    def __init__(self, handle: Handle, descriptor: int) -> None:
        super().__init__(descriptor)
        self.handle = handle


class DockerErrand(News):
    """A job under way, in an agent's container: it ends with this connection."""

    def end(self, force: bool) -> None:
        del force
        with contextlib.suppress(OSError):
            socket.socket(fileno=os.dup(self._descriptor)).shutdown(socket.SHUT_RDWR)

    def gone(self) -> bool:
        return True


class DockerRuntime:
    """Labs as containers of an engine on this machine. The steward is started when first needed, and again if it ends."""

    name = "docker"
    start_limit_s = 300.0
    stop_limit_s = 90.0
    # An agent's container, and its interpreter, may have to be started first.
    job_start_s = 40.0

    def __init__(self, home: Path, log: Path) -> None:
        self._home, self._log = home, log
        self._used = home / "docker"
        self._orders: socket.socket | None = None
        self._steward: subprocess.Popen[bytes] | None = None
        self._lifelines: dict[str, int] = {}

    def prepare(self, line: Line) -> None:
        """Nothing that containers could share."""

    def launch(self, plan: Plan, line: Line, restarts: int) -> DockerLaunch:
        del line
        news, theirs = socket.socketpair()
        watched, lifeline = os.pipe()
        order = {"do": "launch", "plan": msgspec.to_builtins(plan), "again": restarts > 0}
        self._order(order, [theirs.fileno(), lifeline])
        self._used.touch()
        theirs.close()
        os.close(lifeline)
        self._keep(plan.name, watched)
        handle = Handle(plan, 0, 0, time.time(), restarts, self.name)
        return DockerLaunch(handle, news.detach())

    def settle(self, handle: Handle) -> None:
        """Its containers have their limits from the beginning."""

    def watch(self, handle: Handle) -> int | None:
        name = handle.plan.name
        if name not in self._lifelines:
            watched, lifeline = os.pipe()
            self._order({"do": "adopt", "plan": msgspec.to_builtins(handle.plan)}, [lifeline])
            os.close(lifeline)
            self._keep(name, watched)
        return self._lifelines.pop(name)

    def end(self, handle: Handle, force: bool) -> None:
        if not force:
            self._order({"do": "end", "lab": handle.plan.name}, [])

    def reap(self, handle: Handle) -> str:
        del handle
        ended = self._steward is None or self._steward.poll() is not None
        return "steward ended" if ended else "containers ended"

    def job(self, handle: Handle, line: Line, job: Job) -> DockerErrand:
        del line
        news, theirs = socket.socketpair()
        order = {"do": "job", "lab": handle.plan.name, "job": msgspec.to_builtins(job)}
        self._order(order, [theirs.fileno()])
        theirs.close()
        return DockerErrand(news.detach())

    def terminal(self, handle: Handle, zone: str, columns: int, rows: int) -> socket.socket:
        """One end of a terminal: a JSON line `{"open"}` or `{"error"}` comes first."""
        ours, theirs = socket.socketpair()
        order = {
            "do": "terminal", "lab": handle.plan.name, "zone": zone, "columns": columns, "rows": rows,
        }  # fmt: skip
        self._order(order, [theirs.fileno()])
        theirs.close()
        return ours

    def found(self) -> list[Handle]:
        """The labs that run on the engine, by what their containers say. Raises: UsineError: no engine answers.

        An engine that never carried a lab of this orchestrator is not asked.
        """
        if not self._used.exists():
            return []
        reader, writer = os.pipe()
        self._order({"do": "found"}, [writer])
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            said = [msgspec.json.decode(line, type=dict[str, Any]) for line in answer]
        handles = []
        for message in said:
            if "error" in message:
                raise refused(message["error"])
            handles.append(Handle(msgspec.convert(message["plan"], Plan), 0, 0, time.time(), 0, self.name))
        return handles

    def close(self) -> None:
        """The steward goes; labs stay."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._steward is not None:
            try:
                self._steward.wait(5)
            except subprocess.TimeoutExpired:
                self._steward.kill()
                self._steward.wait()
            self._steward = None

    def _keep(self, name: str, watched: int) -> None:
        former = self._lifelines.pop(name, None)
        if former is not None:
            os.close(former)
        self._lifelines[name] = watched

    def _order(self, order: dict[str, Any], fds: list[int]) -> None:
        """Raises: StartError: there is no steward to take it."""
        packet = msgspec.json.encode(order)
        for _attempt in range(2):
            try:
                socket.send_fds(self._served(), [packet], fds)
            except OSError as error:
                self.close()
                why = error
            else:
                return
        raise StartError(
            f"le moteur de conteneurs n'a plus d'intendant ({why}) ; voyez {self._log}",
            f"the container engine has no steward ({why}); see {self._log}",
        )

    def _served(self) -> socket.socket:
        if self._orders is None or self._steward is None or self._steward.poll() is not None:
            self.close()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with self._log.open("ab") as log:
                self._steward = subprocess.Popen(
                    [sys.executable, "-m", "lab.runtimes.docker.steward", str(theirs.fileno()), str(self._home)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()],
                    start_new_session=True, preexec_fn=_own_signals,
                )  # fmt: skip
            theirs.close()
            self._orders = ours
        return self._orders


def _own_signals() -> None:
    """The supervisor's way with signals is not its steward's, who goes when its socket closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
