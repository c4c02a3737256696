"""A listener that hands over accepted sockets, a few in each turn of the loop."""

import asyncio
import errno
import socket
from collections.abc import Callable

ACCEPTED_AT_ONCE = 16  # so that a flood of connections leaves turns to the others
REST_S = 0.5  # before a new try when the process has no more file descriptors
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Door:
    """Calls `opened(socket, (address, port))` for each connection to the listener, which it owns."""

    def __init__(
        self, listener: socket.socket, opened: Callable[[socket.socket, tuple[str, int]], None]
    ) -> None:
        self._listener = listener
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Stop listening; harmless twice."""
        if self._rest is not None:
            self._rest.cancel()
        if self._listener.fileno() != -1:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()

    def _watch(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, peer = self._listener.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._loop.remove_reader(self._listener.fileno())
                    self._rest = self._loop.call_later(REST_S, self._watch)
                return
            sock.setblocking(False)
            self._opened(sock, (peer[0], peer[1]) if peer else ("", 0))
            if self._listener.fileno() == -1:
                return
