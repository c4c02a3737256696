"""Labs that start a few at a time, in the order in which they were asked for."""

import asyncio

import pytest

from lab.runtimes.docker import starts
from lab.runtimes.docker.starts import Starts


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
    assert await asyncio.wait_for(asyncio.gather(*asked.values()), 5) == [True] * 4
    assert yard.begun == ["a", "b", "c", "d"]


async def test_who_gives_up_makes_room() -> None:
    yard = Yard(1)
    first, second, third = (yard.ask(name) for name in "abc")
    await asyncio.sleep(0.05)
    yard.given_up["b"].set()
    assert await asyncio.wait_for(second, 5) is False
    yard.go["a"].set()
    yard.go["c"].set()
    assert await asyncio.wait_for(first, 5)
    assert await asyncio.wait_for(third, 5)
    assert yard.begun == ["a", "c"]


async def test_a_start_that_fails_or_is_cancelled_makes_room() -> None:
    yard = Yard(1)
    first, second, third = (yard.ask(name) for name in "abc")
    await asyncio.sleep(0.05)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    yard.go["c"].set()
    assert await asyncio.wait_for(third, 5)
