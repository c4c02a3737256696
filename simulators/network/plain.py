"""The network that this process was put into: a zone's namespace, or a container's own interface."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.model import Line
from simulators.network.addresses import AddressBook
from simulators.network.ends import connected, listening

if TYPE_CHECKING:
    from simulators.network.taps import Taps


class PlainNetwork:
    """Addresses are real here, and so are zones: whoever made this network separated them (contracts.Network)."""

    enforces_zones = True

    def __init__(self, line: Line) -> None:
        self._line = line
        self._book = AddressBook(line)
        self._spawned: list[subprocess.Popen[bytes]] = []

    @cached_property
    def taps(self) -> "Taps":
        """They see what relays tell them."""
        # Here, for only a gateway relays, and what dissects weighs on every other device.
        from simulators.network.taps import Taps

        return Taps(self._line)

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return listening(listener, (address, port), self._book.owner(address), f"{address}:{port} ({zone})")

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        self._book.check(zone, source)
        client = socket.socket()
        client.setblocking(False)
        return await connected(client, source, (address, port))

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        self._book.check(zone, address)
        return address, port

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        del zone  # the one this process is in
        if sys.platform == "linux":
            # Here, for few devices start a program.
            from simulators.network.linux import die_with_parent

            options.setdefault("preexec_fn", die_with_parent)
        process = subprocess.Popen(list(command), **options)
        self._spawned = [*(p for p in self._spawned if p.returncode is None), process]
        return process

    def spawned(self) -> list[int]:
        """The programs that were started here and have not been seen to end."""
        return [process.pid for process in self._spawned if process.returncode is None]
