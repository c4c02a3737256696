"""What is being joined when its owner stops."""

import asyncio
import socket

from simulators.network.relay import join_later


async def test_a_socket_whose_joining_never_began_is_closed() -> None:
    async def work() -> None:
        raise AssertionError("it was cancelled before")

    ours, theirs = socket.socketpair()
    with theirs:
        tasks: set[asyncio.Task[None]] = set()
        join_later(tasks, ours, work())
        (task,) = tasks
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        assert ours.fileno() == -1
        assert not tasks
