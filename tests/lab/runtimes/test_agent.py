"""The agent of a zone: a process of its own that does jobs, each for as long as its asker stays."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.catalog import find_line
from lab.labs import Job
from lab.runtimes.docker.agent import JOBS_MAX, Lines
from simulators.errors import NotFoundError
from simulators.host.refusal import refusal
from tests.waiting import within

ANSWER_S = 20.0
AGENT = """
import socket, sys, time
from lab.probes.place import Seated
from lab.runtimes.docker.agent import Agent
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])

def place(line, zone):
    if zone == "enterprise":
        time.sleep(60)
    return Seated(line, zone, "10.20.1.250")

Agent(listener, place, float(sys.argv[2])).serve()
"""
LINE = find_line("bottling")
# An attack asks the lab first, to be labelled there.
ATTACK = Job("demo", "attack", "rogue_master", "control", {"target": "plc1", "count": 1}, 10.0)


class Agent:
    """The process, and connections to it."""

    def __init__(self, path: Path, idle_s: float) -> None:
        self._path = path
        self.process = subprocess.Popen([sys.executable, "-c", AGENT, str(path), str(idle_s)])
        self._opened: list[socket.socket] = []
        within(ANSWER_S, self._reachable)

    def _reachable(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return self._path.exists() and probe.connect_ex(str(self._path)) == 0

    def connect(self) -> socket.socket:
        connected = socket.socket(socket.AF_UNIX)
        self._opened.append(connected)
        connected.settimeout(ANSWER_S)
        connected.connect(str(self._path))
        return connected

    def asked(self, job: Job) -> tuple[socket.socket, Lines]:
        connected = self.connect()
        wire = Lines(connected)
        wire.send({"job": job, "line": LINE})
        return connected, wire

    def children(self) -> str:
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()

    def close(self) -> None:
        for connected in self._opened:
            connected.close()
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "a.sock", 60.0)
    yield made
    made.close()


def said(wire: Lines) -> dict[str, Any]:
    return msgspec.json.decode(wire.receive(), type=dict[str, Any])


def test_a_job_asks_the_lab_through_its_own_connection_and_answers(agent: Agent) -> None:
    _connected, wire = agent.asked(ATTACK)
    first = said(wire)
    assert first.get("ask", {}).get("verb"), first
    wire.send({"error": refusal(NotFoundError("plus là", "gone"))})
    assert said(wire)["error"]["en"] == "gone"
    within(ANSWER_S, lambda: agent.children() == "")


def test_a_job_that_does_not_exist_is_refused(agent: Agent) -> None:
    _connected, wire = agent.asked(Job("demo", "probe", "nothing.at_all", "control"))
    assert "nothing.at_all" in said(wire)["error"]["fr"]


def test_a_job_ends_with_its_asker(agent: Agent) -> None:
    connected, wire = agent.asked(ATTACK)
    assert "ask" in said(wire)
    assert agent.children() != ""
    connected.close()
    within(ANSWER_S, lambda: agent.children() == "")
    assert agent.process.poll() is None


def test_a_job_that_does_not_listen_is_ended_with_its_asker_too(agent: Agent) -> None:
    connected, _wire = agent.asked(msgspec.structs.replace(ATTACK, zone="enterprise"))
    within(ANSWER_S, lambda: agent.children() != "")
    connected.close()
    within(ANSWER_S, lambda: agent.children() == "")


def test_what_is_no_order_ends_that_connection_only(agent: Agent) -> None:
    connected = agent.connect()
    connected.sendall(b"nonsense\n")
    assert connected.recv(100) == b""
    _connected, wire = agent.asked(ATTACK)
    assert "ask" in said(wire)


def test_there_are_only_so_many_jobs_at_once(agent: Agent) -> None:
    within(ANSWER_S, lambda: agent.children() == "")
    for _ in range(JOBS_MAX):
        agent.connect()
    within(ANSWER_S, lambda: len(agent.children().split()) == JOBS_MAX)
    assert agent.connect().recv(1) == b""


def test_without_jobs_it_ends_by_itself(tmp_path: Path) -> None:
    idle = Agent(tmp_path / "a.sock", 0.5)
    try:
        assert idle.process.wait(ANSWER_S) == 0
    finally:
        idle.close()
