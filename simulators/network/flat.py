"""Where there are no namespaces: every place of the line is a port of 127.0.0.1 that the system chose."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from simulators.model import Line
from simulators.network import linux
from simulators.network.addresses import AddressBook
from simulators.network.ends import connected, listening
from simulators.network.taps import Taps

LOOPBACK = "127.0.0.1"
PEERS = 8192  # client ports whose host is remembered
Place = tuple[str, str, int]


class FlatNetwork:
    """Loopback in place of zones (contracts.Network): works on any system and keeps nothing apart.

    A place is (zone, address, port). Its real port is chosen when it is first named, and stays the same when
    the device restarts. Seen from another zone, the same address is another place: the gateway's.
    """

    enforces_zones = False

    def __init__(self, line: Line) -> None:
        self._book = AddressBook(line)
        self._ports: dict[Place, int] = {}
        self._reserved: list[socket.socket] = []
        self._peers: dict[int, str] = {}
        self.taps = Taps(line)

    def enter(self) -> None:
        """Nothing to enter: the process stays in the host's network."""

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        """A listening, non-blocking TCP socket. Raises: StartError: taken; InputError: not of the line."""
        host, real = self.place(zone, address, port)
        return listening(
            _bindable(), (host, real), self._book.owner(address), f"{address}:{port} ({zone}, {host}:{real})"
        )

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """A connected, non-blocking TCP socket. Raises: OSError; InputError: not of the line."""
        self._book.check(zone, source)
        place = self.place(zone, address, port)
        client = socket.socket()
        client.setblocking(False)
        return await connected(client, LOOPBACK, place, lambda own: self._remember(own[1], source))

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        """The port of 127.0.0.1 that stands for it. Raises: InputError: not of the line."""
        key = (zone, address, port)
        if key not in self._ports:
            self._book.check(zone, address)
            self._ports[key] = self._reserve()
        return LOOPBACK, self._ports[key]

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on the host, which is every zone; under Linux it ends with this process at the latest. Raises: OSError."""
        self._book.check_zone(zone)
        if sys.platform == "linux":
            options.setdefault("preexec_fn", linux.die_with_parent)
        return subprocess.Popen(list(command), **options)

    def source_of(self, port: int) -> str | None:
        """The line's address that the client at this port of 127.0.0.1 has, None if it is not the line's."""
        return self._peers.get(port)

    def close(self) -> None:
        """Give the reserved ports back."""
        while self._reserved:
            self._reserved.pop().close()

    def _reserve(self) -> int:
        # Bound and not listening: connections are refused, the system gives the port to nobody, and under
        # Linux the place's owner can bind it as well, again and again.
        reservation = _bindable()
        reservation.bind((LOOPBACK, 0))
        port: int = reservation.getsockname()[1]
        if sys.platform == "linux":
            self._reserved.append(reservation)
        else:
            reservation.close()
        return port

    def _remember(self, port: int, source: str) -> None:
        self._peers.pop(port, None)
        self._peers[port] = source
        if len(self._peers) > PEERS:
            del self._peers[next(iter(self._peers))]


def _bindable() -> socket.socket:
    new = socket.socket()
    if sys.platform != "win32":  # there it would let two programs share a port
        new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return new
