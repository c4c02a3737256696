"""The network that this process was put into: a zone's namespace, or a container's own interface."""

import asyncio
import errno
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from simulators.errors import StartError
from simulators.model import Line
from simulators.network.addresses import AddressBook, taken
from simulators.network.linux import die_with_parent
from simulators.network.taps import Taps

BACKLOG = 128


class PlainNetwork:
    """Addresses are real here, and so are zones: whoever made this network separated them (contracts.Network)."""

    enforces_zones = True

    def __init__(self, line: Line) -> None:
        self._book = AddressBook(line)
        self.taps = Taps(line)

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setblocking(False)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise StartError(*taken(self._book.owner(address), f"{address}:{port} ({zone})")) from error
        return listener

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        self._book.check(zone, source)
        client = socket.socket()
        client.setblocking(False)
        try:
            client.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(client, (address, port))
        except BaseException:
            client.close()
            raise
        return client

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        self._book.check(zone, address)
        return address, port

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        del zone  # the one this process is in
        if sys.platform == "linux":
            options.setdefault("preexec_fn", die_with_parent)
        return subprocess.Popen(list(command), **options)
