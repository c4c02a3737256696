"""Labs that start a few at a time, in the order in which they were asked for."""

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from lab.runtimes.docker import starts
from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.orders import Orders
from lab.runtimes.docker.settings import settings
from lab.runtimes.docker.starts import Starts
from lab.runtimes.docker.steward import STARTS_AT_ONCE, Steward
from simulators.host.plan import Plan
from tests.waiting import HANG_S


class Yard:
    """Labs that start until they are let go."""

    def __init__(self, at_once: int) -> None:
        self.starts = Starts(at_once)
        self.told: dict[str, list[int]] = {}
        self.begun: list[str] = []
        self.go: dict[str, asyncio.Event] = {}
        self.given_up: dict[str, asyncio.Event] = {}

    def ask(self, name: str) -> asyncio.Task[bool]:
        self.told[name], self.go[name], self.given_up[name] = [], asyncio.Event(), asyncio.Event()
        return asyncio.create_task(self._start(name))

    async def _start(self, name: str) -> bool:
        async with self.starts.turn(self.told[name].append, self.given_up[name]) as wanted:
            if wanted:
                self.begun.append(name)
                await self.go[name].wait()
            return wanted


async def test_first_come_first_served_and_who_waits_is_told_how_many_are_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starts, "TELL_S", 0.01)
    yard = Yard(2)
    asked = {name: yard.ask(name) for name in "abcd"}
    await asyncio.sleep(0.1)
    assert yard.begun == ["a", "b"]
    assert (yard.told["a"], yard.told["b"]) == ([], []), "whose turn it is waits for nobody"
    assert (set(yard.told["c"]), set(yard.told["d"])) == ({2}, {3})
    assert len(yard.told["c"]) > 2, "again and again: whoever asked knows that it goes on"
    yard.go["b"].set()
    await asyncio.sleep(0.1)
    assert yard.begun == ["a", "b", "c"]
    assert yard.told["d"][-1] == 2
    for go in yard.go.values():
        go.set()
    assert await asyncio.wait_for(asyncio.gather(*asked.values()), HANG_S) == [True] * 4
    assert yard.begun == ["a", "b", "c", "d"]


async def test_who_gives_up_makes_room() -> None:
    yard = Yard(1)
    first, second, third = (yard.ask(name) for name in "abc")
    await asyncio.sleep(0.05)
    yard.given_up["b"].set()
    assert await asyncio.wait_for(second, HANG_S) is False
    yard.go["a"].set()
    yard.go["c"].set()
    assert await asyncio.wait_for(first, HANG_S)
    assert await asyncio.wait_for(third, HANG_S)
    assert yard.begun == ["a", "c"]


async def test_a_start_that_fails_or_is_cancelled_makes_room() -> None:
    yard = Yard(1)
    first, second, third = (yard.ask(name) for name in "abc")
    await asyncio.sleep(0.05)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    yard.go["c"].set()
    assert await asyncio.wait_for(third, HANG_S)


class Started:
    """In the steward's place of a lab: it starts until it is let go."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.lost, self.begun, self.go = plan, asyncio.Event(), False, asyncio.Event()

    async def start(self, _report: object) -> None:
        self.begun = True
        await self.go.wait()

    async def end(self, graceful: bool = True) -> None:
        self.lost.set()


async def test_the_steward_starts_three_and_lets_the_others_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def closed(_steward: Steward) -> None:
        """The host, already."""

    monkeypatch.setattr(Steward, "_close_host", closed)
    monkeypatch.setattr(Steward, "_carried", lambda _steward, _shape, plan: plan["lab"])
    orders, other = socket.socketpair()
    steward = Steward(Engine("unix:///nonexistent/docker.sock"), settings(tmp_path, {}), Orders(orders))
    labs, heard, lives, running = [], [], [], []
    for number in range(5):
        plan = Plan(name=f"lab{number}", line="", seed=1, folder="", control="", token="")
        labs.append(Started(plan))
        (news, said), (life, kept) = socket.socketpair(), socket.socketpair()
        said.setblocking(False)
        heard.append(said)
        lives.append(kept)
        launch = steward._launch([news.detach(), life.detach()], "docker", {"lab": labs[-1]}, False)
        running.append(asyncio.create_task(launch))
    await asyncio.sleep(0.1)
    assert [lab.begun for lab in labs] == [True] * STARTS_AT_ONCE + [False] * 2
    told = [msgspec.json.decode(said.recv(1000).splitlines()[0]) for said in heard[STARTS_AT_ONCE:]]
    assert told == [{"queued": 3}, {"queued": 4}]
    await labs[3].end()
    labs[0].go.set()
    await asyncio.sleep(0.1)
    assert [lab.begun for lab in labs] == [True, True, True, False, True], (
        "the one that was ended never starts"
    )
    for lab in labs:
        lab.go.set()
        await lab.end()
    await asyncio.wait_for(asyncio.gather(*running), HANG_S)
    steward._gate.close()
    for end in (*heard, *lives, orders, other):
        end.close()
