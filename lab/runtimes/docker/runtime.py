"""The supervisor's side of the docker runtime: what it asks of its steward, and the descriptors that it waits on."""

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from lab.labs import Job
from lab.runtimes.contract import Handle
from lab.runtimes.docker.link import StewardLink
from lab.runtimes.news import News
from simulators.host.plan import Plan
from simulators.host.refusal import refused
from simulators.model import Line

# What a lifeline says, before it closes, of a lab that was to be adopted and is not there.
NONE_THERE = b"none"
# What it says of a lab whose machine is lost, before the machine's name.
LOST = b"lost "
LAST_WORDS_BYTES = 200


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

    start_limit_s = 300.0
    stop_limit_s = 90.0
    # An agent's container, and its interpreter, may have to be started first.
    job_start_s = 40.0

    def __init__(self, name: str, home: Path, steward: StewardLink) -> None:
        """`name` is a shape that the steward knows (`docker`: a container a device, `docker-compact`: one a line)."""
        self.name, self._steward = name, steward
        self._used = home / name
        self._lifelines: dict[str, int] = {}
        self._last_words: dict[str, int] = {}

    def prepare(self, line: Line) -> None:
        """Nothing that containers could share."""

    def launch(self, plan: Plan, line: Line, restarts: int) -> DockerLaunch:
        del line
        news, theirs = socket.socketpair()
        watched, lifeline = os.pipe()
        order = {"do": "launch", "shape": self.name, "plan": msgspec.to_builtins(plan), "again": restarts > 0}
        self._steward.order(order, [theirs.fileno(), lifeline])
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
            self._steward.order(
                {"do": "adopt", "shape": self.name, "plan": msgspec.to_builtins(handle.plan)}, [lifeline]
            )
            os.close(lifeline)
            self._keep(name, watched)
        watched = self._lifelines.pop(name)
        self._last_words[name] = os.dup(watched)
        return watched

    def reached(self, handle: Handle) -> bool:
        """One that is on another machine is led to from here."""
        return Path(handle.plan.control).exists()

    def end(self, handle: Handle, force: bool) -> None:
        if not force:
            self._steward.order({"do": "end", "lab": handle.plan.name}, [])

    def reap(self, handle: Handle) -> str:
        last = self._last_words.pop(handle.plan.name, None)
        if last is not None:
            said = os.read(last, LAST_WORDS_BYTES)
            os.close(last)
            if said == NONE_THERE:
                return ""
            if said.startswith(LOST):
                return f"machine {said.removeprefix(LOST).decode(errors='replace')} is lost"
        return "containers ended" if self._steward.alive else "steward ended"

    def job(self, handle: Handle, line: Line, job: Job) -> DockerErrand:
        del line
        news, theirs = socket.socketpair()
        order = {"do": "job", "lab": handle.plan.name, "job": msgspec.to_builtins(job)}
        self._steward.order(order, [theirs.fileno()])
        theirs.close()
        return DockerErrand(news.detach())

    def terminal(self, handle: Handle, zone: str, columns: int, rows: int) -> socket.socket:
        """One end of a terminal: a JSON line `{"open"}` or `{"error"}` comes first."""
        ours, theirs = socket.socketpair()
        order = {
            "do": "terminal", "lab": handle.plan.name, "zone": zone, "columns": columns, "rows": rows,
        }  # fmt: skip
        self._steward.order(order, [theirs.fileno()])
        theirs.close()
        return ours

    def found(self) -> list[Handle]:
        """The labs that run on the engine, by what their containers say. Raises: UsineError: no engine answers.

        An engine that never carried a lab of this orchestrator is not asked.
        """
        if not self._used.exists():
            return []
        reader, writer = os.pipe()
        self._steward.order({"do": "found"}, [writer])
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            said = [msgspec.json.decode(line, type=dict[str, Any]) for line in answer]
        handles = []
        for message in said:
            if "error" in message:
                raise refused(message["error"])
            if message["shape"] == self.name:
                plan = msgspec.convert(message["plan"], Plan)
                handles.append(Handle(plan, 0, 0, time.time(), 0, self.name))
        return handles

    def close(self) -> None:
        """The steward goes; labs stay."""
        self._steward.close()

    def _keep(self, name: str, watched: int) -> None:
        former = self._lifelines.pop(name, None)
        if former is not None:
            os.close(former)
        self._lifelines[name] = watched
