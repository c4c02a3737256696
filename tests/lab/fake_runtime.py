"""A runtime without processes: a lab is two descriptors that the test speaks through."""

import os
import selectors
import socket
from typing import Any

import msgspec

from lab.labs import Job
from lab.runtimes.contract import Handle
from simulators.host.plan import Plan
from simulators.model import Line


class FakeLab:
    """One launched lab. `say` is what its process would report, `end` its death."""

    def __init__(self, plan: Plan, pid: int, restarts: int) -> None:
        self.handle = Handle(plan, pid, 1, 0.0, restarts, "fake")
        self.reader, self.writer = os.pipe()
        self.life = os.eventfd(0)
        self.alive = True
        self.hushed = False
        self.asked_to_end: list[bool] = []
        self.settled = False
        self._buffer = b""

    def say(self, message: dict[str, Any]) -> None:
        os.write(self.writer, msgspec.json.encode(message) + b"\n")

    def ready(self) -> None:
        self.say({"device": "plc1", "state": "ok"})
        self.say({"ready": True, "forwards": {"plc1": 5020}, "zones": True})

    def hush(self) -> None:
        """It has nothing more to say, and lives."""
        if not self.hushed:
            self.hushed = True
            os.close(self.writer)

    def end(self) -> None:
        if self.alive:
            self.alive = False
            self.hush()
            os.eventfd_write(self.life, 1)

    def fileno(self) -> int:
        return self.reader

    def news(self) -> list[dict[str, Any]] | None:
        data = os.read(self.reader, 1 << 16)
        return [msgspec.json.decode(line) for line in data.splitlines()] if data else None

    def close(self) -> None:
        os.close(self.reader)


class FakeErrand:
    """One job. `say` is what its process would report, `die` its end."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.reader, self.writer = os.pipe()
        self.alive = True
        self.asked_to_end: list[bool] = []
        self.closed = self.released = False

    def say(self, message: dict[str, Any]) -> None:
        os.write(self.writer, msgspec.json.encode(message) + b"\n")

    def die(self) -> None:
        if self.alive:
            self.alive = False
            os.close(self.writer)

    def fileno(self) -> int:
        return self.reader

    def news(self) -> list[dict[str, Any]] | None:
        data = os.read(self.reader, 1 << 16)
        return [msgspec.json.decode(line) for line in data.splitlines()] if data else None

    def end(self, force: bool) -> None:
        self.asked_to_end.append(force)
        if force:
            self.die()

    def close(self) -> None:
        self.closed = True
        os.close(self.reader)

    def gone(self) -> bool:
        self.released = not self.alive
        return self.released


class FakeRuntime:
    """Keeps `lab.runtimes.contract.Runtime`; `labs` and `jobs` are those launched, oldest first."""

    name = "fake"

    def __init__(self) -> None:
        self.start_limit_s = self.stop_limit_s = 5.0
        self.job_start_s = 0.0
        self.known: list[Handle] = []
        self.closed = False
        self.labs: list[FakeLab] = []
        self.jobs: list[FakeErrand] = []
        self.prepared: list[str] = []
        self.obeys = True
        self.reachable = True

    def prepare(self, line: Line) -> None:
        self.prepared.append(line.id)

    def launch(self, plan: Plan, line: Line, restarts: int) -> FakeLab:
        assert line.id
        self.labs.append(FakeLab(plan, 1000 + len(self.labs), restarts))
        return self.labs[-1]

    def settle(self, handle: Handle) -> None:
        self._lab(handle).settled = True

    def watch(self, handle: Handle) -> int | None:
        lab = self._lab(handle)
        return os.dup(lab.life) if lab is not None and lab.alive else None

    def end(self, handle: Handle, force: bool) -> None:
        lab = self._lab(handle)
        lab.asked_to_end.append(force)
        if force or self.obeys:
            lab.end()

    def reap(self, handle: Handle) -> str:
        return f"ended {handle.pid}"

    def reached(self, handle: Handle) -> bool:
        return self.reachable and self._lab(handle) is not None

    def found(self) -> list[Handle]:
        return self.known

    def close(self) -> None:
        self.closed = True

    def terminal(self, handle: Handle, zone: str, columns: int, rows: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.sendall(f"{handle.plan.name} {zone} {columns} {rows}".encode())
        theirs.close()
        return ours

    def job(self, handle: Handle, line: Line, job: Job) -> FakeErrand:
        self.jobs.append(FakeErrand(job))
        return self.jobs[-1]

    def _lab(self, handle: Handle) -> Any:
        return next((lab for lab in self.labs if lab.handle.pid == handle.pid), None)


def turn(selector: selectors.BaseSelector) -> None:
    """Let everything that is readable be handled, until nothing is."""
    while events := selector.select(timeout=0):
        for key, _mask in events:
            if selector.get_map().get(key.fd) is key:
                key.data()
