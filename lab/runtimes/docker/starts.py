"""Labs start a few at a time: of thirty at once, none would be ready for minutes, and all would be given up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

TELL_S = 2.0


class Starts:
    """First come, first served, `at_once` at a time; in one event loop (`lab.turns` is for threads)."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._busy = 0
        self._waiting: list[asyncio.Event] = []

    @asynccontextmanager
    async def turn(self, waiting: Callable[[int], None], given_up: asyncio.Event) -> AsyncIterator[bool]:
        """The block runs when its turn has come, or at once if it is given up meanwhile: then what is yielded is False.

        Who waits is told now, and every two seconds, how many are before, those at work among them.
        """
        ticket = asyncio.Event()
        self._waiting.append(ticket)
        self._call()
        try:
            await self._until_called(ticket, waiting, given_up)
            yield not given_up.is_set()
        finally:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            else:
                self._busy -= 1
            self._call()

    async def _until_called(
        self, ticket: asyncio.Event, waiting: Callable[[int], None], given_up: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        ends = [loop.create_task(ticket.wait()), loop.create_task(given_up.wait())]
        try:
            while not ticket.is_set() and not given_up.is_set():
                waiting(self._busy + self._waiting.index(ticket))
                await asyncio.wait(ends, timeout=TELL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def _call(self) -> None:
        while self._waiting and self._busy < self._at_once:
            self._busy += 1
            self._waiting.pop(0).set()
