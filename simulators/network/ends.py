"""The two ends of a TCP connection, as every network makes them: a socket that listens, one that connects."""

import asyncio
import errno
import socket
from collections.abc import Callable

from simulators.errors import StartError
from simulators.network.addresses import taken

BACKLOG = 128
Bound = Callable[[tuple[str, int]], object]


def listening(end: socket.socket, at: tuple[str, int], owner: str, place: str) -> socket.socket:
    """Have `end` listen `at` an address, without blocking; `owner` and `place` are who and where errors name.

    Raises:
        StartError: something else has the port; `end` is closed.
        OSError: refused; `end` is closed.
    """
    try:
        end.setblocking(False)
        end.bind(at)
        end.listen(BACKLOG)
    except OSError as error:
        end.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise StartError(*taken(owner, place)) from error
    return end


async def connected(
    end: socket.socket, source: str, to: tuple[str, int], bound: Bound | None = None
) -> socket.socket:
    """Connect `end`, which does not block, from the host `source`; `bound` is told its own address before.

    Raises:
        OSError: refused or not reachable; `end` is closed.
    """
    try:
        end.bind((source, 0))
        if bound is not None:
            bound(end.getsockname())
        await asyncio.get_running_loop().sock_connect(end, to)
    except BaseException:
        end.close()
        raise
    return end
