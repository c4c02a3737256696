"""Ways in for the user's own tools: a port of the host's 127.0.0.1 for each device that has one."""

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from simulators.errors import StartError
from simulators.model import Device, Line
from simulators.network.addresses import taken, workstation
from simulators.network.door import Door
from simulators.network.record import Conversation, Kind
from simulators.network.relay import READ_BYTES, How, Relay, cut_all, join_later, refuse
from simulators.network.services import SERVICES
from simulators.network.taps import taps_of
from simulators.os_errors import os_words

CONNECTIONS_MAX = 64  # through one forward
CONNECT_S = 5.0
Logger = Callable[..., None]


def host_socket(port: int = 0, owner: str = "lab") -> socket.socket:
    """A listening socket on the host's 127.0.0.1; make it before the process enters the line's network.

    Port 0 lets the system choose. `owner` is who an error names.

    Raises:
        StartError: the port is taken or not allowed.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(CONNECTIONS_MAX)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(*taken(owner, f"127.0.0.1:{port}")) from error
        why = os_words(error)
        raise StartError(
            f"{owner} : 127.0.0.1:{port} impossible ({why.fr}) ; choisissez un port au-dessus de 1024",
            f"{owner}: 127.0.0.1:{port} is not possible ({why.en}); choose a port above 1024",
        ) from error
    listener.setblocking(False)
    return listener


def host_sockets(line: Line, ports: dict[str, int] | None = None) -> dict[str, socket.socket]:
    """A host socket for each device that serves a port, by device; `ports` are those asked for.

    Raises:
        StartError: a port is taken; none is left open.
    """
    made: dict[str, socket.socket] = {}
    try:
        for device in line.devices:
            if device.port is not None:
                made[device.id] = host_socket((ports or {}).get(device.id, 0), device.id)
    except StartError:
        for listener in made.values():
            listener.close()
        raise
    return made


def door_path(folder: Path, device: str) -> Path:
    """The Unix socket that leads to a device of a lab that is in a container."""
    return folder / f"{device}.door"


def door_sockets(line: Line, folder: Path) -> dict[str, socket.socket]:
    """A Unix socket in `folder` for each device that serves a port, by device. Raises: StartError."""
    made: dict[str, socket.socket] = {}
    try:
        for device in line.devices:
            if device.port is not None:
                listener = made[device.id] = socket.socket(socket.AF_UNIX)
                path = door_path(folder, device.id)
                path.unlink(missing_ok=True)
                listener.bind(str(path))
                listener.listen(CONNECTIONS_MAX)
                listener.setblocking(False)
    except OSError as error:
        for listener in made.values():
            listener.close()
        raise StartError(f"{folder} : {error}", f"{folder}: {error}") from error
    return made


class Way(Protocol):
    """What a forward needs of a network."""

    @property
    def enforces_zones(self) -> bool: ...

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """As `contracts.Network`. Raises: OSError."""
        ...


class Forward:
    """Relays a host socket, which it owns, to a device, from the workstation's address in its zone.

    A device that does not listen shows as a reset. Where zones are not namespaces what passes is recorded
    here; elsewhere the zone's own tap sees it.
    """

    def __init__(
        self, line: Line, network: Way, device: Device, listener: socket.socket, log: Logger | None = None
    ) -> None:
        assert device.port is not None
        self.device = device.id
        self.port = _port(listener)
        self._source = workstation(line, device.zone)
        self._target = (device.zone, device.address, device.port)
        self._network = network
        self._log = log or (lambda _event, **_fields: None)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._relays: dict[Relay, Conversation | None] = {}
        self._taps = None if network.enforces_zones else taps_of(network, line)
        self._service = SERVICES.get(device.kind, "")
        self._joining: set[asyncio.Task[None]] = set()
        self._door = Door(listener, self._opened)

    async def stop(self) -> None:
        """Close the port and cut what passes; harmless twice."""
        self._door.close()
        for task in list(self._joining):
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        await cut_all(self._relays)

    def _opened(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        if len(self._relays) + len(self._joining) >= CONNECTIONS_MAX:
            self._log("forward_full", device=self.device, peer=peer[1])
            refuse(sock)
            return
        join_later(self._joining, sock, self._join(sock, peer[1]))

    async def _join(self, client: socket.socket, client_port: int) -> None:
        zone, address, port = self._target
        try:
            async with asyncio.timeout(CONNECT_S):
                server = await self._network.connect(zone, self._source, address, port)
        except (OSError, TimeoutError) as error:
            self._log("forward_refused", device=self.device, reason=str(error))
            refuse(client)
            return
        except BaseException:
            refuse(client)
            raise
        relay = Relay(self, self._buffer)
        self._relays[relay] = self._conversation(client_port)
        self._record(relay, Kind.OPENED)
        await relay.join(client, server)

    def carry(self, relay: Relay, from_client: bool, data: bytes) -> bytes:
        """All of it."""
        self._record(relay, Kind.FROM_CLIENT if from_client else Kind.FROM_SERVER, data)
        return data

    def ended(self, relay: Relay, how: How) -> None:
        """One place more."""
        self._record(relay, Kind.CLOSED, how.encode())
        del self._relays[relay]

    def _conversation(self, client_port: int) -> Conversation | None:
        if self._taps is None:
            return None
        zone, address, port = self._target
        client, server = (self._source, client_port), (address, port)
        return Conversation(self._taps.next_uid(), zone, "", client, server, self._service)

    def _record(self, relay: Relay, kind: Kind, data: bytes = b"") -> None:
        conversation = self._relays.get(relay)
        if self._taps is not None and conversation is not None:
            self._taps.record(conversation, kind, data)


class Forwards:
    """All the forwards of a lab. Owns `ways_in`, a host socket by device."""

    def __init__(self, line: Line, network: Way, ways_in: dict[str, socket.socket]) -> None:
        self._line, self._network, self._ways_in = line, network, ways_in
        self._ports = {device: _port(way_in) for device, way_in in ways_in.items()}
        self._open: list[Forward] = []

    def open(self, log: Logger) -> None:
        """From now on what connects is relayed. Call it in the loop that relays."""
        self._open = [
            Forward(self._line, self._network, self._line.device(device), way_in, log)
            for device, way_in in self._ways_in.items()
        ]

    async def close(self) -> None:
        """Close the ports and cut what passes; harmless twice."""
        for forward in self._open:
            await forward.stop()

    def ports(self) -> dict[str, int]:
        """The port on 127.0.0.1 that leads to each device."""
        return dict(self._ports)


def _port(listener: socket.socket) -> int:
    """0 of a Unix socket."""
    return 0 if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])
