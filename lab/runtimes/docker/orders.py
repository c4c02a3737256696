"""What a supervisor tells its steward: a packet an order, with descriptors; and the work that each order begins."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import msgspec

from simulators.errors import UsineError
from simulators.host.refusal import refusal

PACKET_BYTES = 1 << 20
FDS_MAX = 4
Work = Coroutine[Any, Any, None]
# Of the descriptors that came with an order, and its words: `do` says which.
Verb = Callable[[list[int], dict[str, Any]], Work | None]


class Orders:
    """Until the supervisor goes; labs stay then."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._tasks: set[asyncio.Task[None]] = set()
        self.gone = asyncio.Event()

    def listen(self, obey: Verb) -> None:
        """Have `obey` called with each order; the work that it gives is begun."""

        def hear() -> None:
            try:
                data, fds, _flags, _address = socket.recv_fds(self._connected, PACKET_BYTES, FDS_MAX)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            if not data:
                self.gone.set()
                return
            work = obey(fds, json.loads(data))
            if work is not None:
                self.spawn(work)

        self._connected.setblocking(False)
        asyncio.get_running_loop().add_reader(self._connected.fileno(), hear)

    def spawn(self, work: Work) -> None:
        """Begin it; what goes wrong is printed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Nothing that was begun goes on."""
        for task in list(self._tasks):
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error)


class Obeying(Protocol):
    """Who takes orders."""

    orders: Orders

    def listen(self) -> None: ...


class Refusing:
    """In a steward's place, where none can be: whoever asks is told why. Labs that run are not given up for that."""

    def __init__(self, orders: Orders, why: UsineError) -> None:
        self.orders, self._why = orders, why
        self._kept: list[int] = []

    def listen(self) -> None:
        """Hear the supervisor."""
        self.orders.listen(self._refuse)

    def _refuse(self, fds: list[int], order: dict[str, Any]) -> None:
        if order["do"] == "adopt":
            self._kept += fds
            return
        for number, descriptor in enumerate(fds):
            # The first is what news go to; a launch's other one is its lifeline.
            if number == 0:
                sayer(descriptor)({"error": refusal(self._why)})
            os.close(descriptor)


def sayer(descriptor: int) -> Callable[[dict[str, Any]], None]:
    """Writes JSON lines; to nobody, where the reader has gone."""

    def say(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            os.write(descriptor, msgspec.json.encode(message) + b"\n")

    return say


async def serve(connected: socket.socket, home: Path, made: Callable[[Orders, Path], Obeying]) -> None:
    """Have who `made` gives obey, until the supervisor goes; where it raises a UsineError, all are refused with that."""
    orders = Orders(connected)
    obeying: Obeying
    try:
        obeying = made(orders, home)
    except UsineError as error:
        sys.stderr.write(f"{error.text.en}\n")
        obeying = Refusing(orders, error)
    obeying.listen()
    await orders.gone.wait()


def run(made: Callable[[Orders, Path], Obeying]) -> None:
    """As a program of its own, `DESCRIPTOR HOME`, which never returns."""
    connected, home = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    # Threads that wait for an engine or a lab must not keep who has no supervisor any more: no end of a runner, which does.
    asyncio.new_event_loop().run_until_complete(serve(connected, home, made))
    sys.stderr.flush()
    os._exit(0)
