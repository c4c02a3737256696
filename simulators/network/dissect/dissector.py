"""From records to rows: relayed flows and real frames alike."""

from collections.abc import Iterator

from simulators.model import Line
from simulators.network.addresses import AddressBook
from simulators.network.dissect import DECODERS, Decoder
from simulators.network.dissect.connection import Connection, TcpStreams
from simulators.network.dissect.row import Row
from simulators.network.frames import ICMP, SYN, TCP, End, Packet, read
from simulators.network.record import Conversation, Kind, Record
from simulators.network.services import SERVICES

CONNECTIONS_MAX = 5000  # followed at once
_TLS_HANDSHAKE = b"\x16\x03"
_HOW = {b"closed": "SF", b"client_reset": "RSTO", b"server_reset": "RSTR"}
_Key = tuple[str, int, End, End]


class _Tracked:
    """A connection with the decoder of its protocol, if it has one."""

    def __init__(self, connection: Connection, streams: TcpStreams | None = None) -> None:
        self.connection, self.streams = connection, streams
        self.decoder: Decoder | None = None
        self.told = False  # its `conn` row went out; a last acknowledgement may still come
        self._begun = False

    def feed(self, unix_s: float, from_client: bool, data: bytes, lost: bool = False) -> Iterator[Row]:
        connection = self.connection
        connection.seen(unix_s, from_client, len(data))
        if not data:
            return
        if not self._begun:
            self._begun = True
            if data.startswith(_TLS_HANDSHAKE):
                connection.service = "ssl"
            elif connection.service in DECODERS:
                self.decoder = DECODERS[connection.service]()
        if self.decoder is None:
            return
        if lost:
            self.decoder.lost(from_client)
        for row in self.decoder.feed(from_client, data):
            yield connection.base(unix_s, self.decoder.LOG) | {"is_orig": from_client} | row


class Dissector:
    """Feed it records in their order; `finish` when no more come."""

    def __init__(self, line: Line) -> None:
        self._book = AddressBook(line)
        self._ports = {
            (device.address, device.port): SERVICES.get(device.kind, "")
            for device in line.devices
            if device.port is not None
        }
        self._relayed: dict[str, _Tracked] = {}
        self._framed: dict[_Key, _Tracked] = {}
        self._frames = 0

    def rows(self, record: Record) -> Iterator[Row]:
        """The rows that the record completes."""
        if isinstance(record.flow, Conversation):
            yield from self._relay(record, record.flow)
        else:
            packet = read(record.data)
            if packet is not None:
                yield from self._packet(record.unix_s, record.flow, packet)

    def finish(self) -> Iterator[Row]:
        """The `conn` rows of what is still open, which is then forgotten."""
        for tracked in (*self._relayed.values(), *self._framed.values()):
            if not tracked.told:
                yield tracked.connection.row()
        self._relayed.clear()
        self._framed.clear()

    def _relay(self, record: Record, flow: Conversation) -> Iterator[Row]:
        tracked = self._relayed.get(flow.uid)
        if tracked is None:
            connection = Connection(flow.uid, record.unix_s, flow.client, flow.server, "tcp", flow.service)
            connection.zone, connection.conduit = flow.zone, flow.conduit
            tracked = self._relayed[flow.uid] = _Tracked(connection)
            yield from self._forget_oldest(self._relayed)
        connection, kind = tracked.connection, record.kind
        if kind is Kind.OPENED:
            connection.state = "S1"
        elif kind is Kind.FROM_CLIENT or kind is Kind.FROM_SERVER:
            yield from tracked.feed(record.unix_s, kind is Kind.FROM_CLIENT, record.data)
        elif kind is Kind.CLOSED:
            connection.seen(record.unix_s)
            if connection.state == "S1":
                connection.state = _HOW.get(record.data, "RSTR")
            yield self._relayed.pop(flow.uid).connection.row()
        else:
            whole = kind is Kind.REFUSED
            yield connection.base(record.unix_s, "gateway") | {
                "action": "deny_flow" if whole else "deny_request",
                "reason": record.data.decode("utf-8", "replace"),
            }
            if whole:
                connection.state = "REJ"
                yield self._relayed.pop(flow.uid).connection.row()

    def _packet(self, unix_s: float, zone: str, packet: Packet) -> Iterator[Row]:
        key, from_client = self._key(zone, packet)
        tracked = self._framed.get(key)
        if tracked is not None and tracked.told and packet.flags & SYN:
            del self._framed[key]
            tracked = None
        if tracked is None:
            tracked = self._framed[key] = self._new(unix_s, zone, packet, key)
            yield from self._forget_oldest(self._framed)
        if tracked.streams is None:
            tracked.connection.seen(unix_s, from_client, len(packet.data))
            return
        data, lost = tracked.streams.take(packet, from_client)
        yield from tracked.feed(unix_s, from_client, data, lost)
        if tracked.streams.over and not tracked.told:
            tracked.told = True
            yield tracked.connection.row()

    def _key(self, zone: str, packet: Packet) -> tuple[_Key, bool]:
        """The connection, named from its client, and whether the packet is the client's."""
        forth: _Key = (zone, packet.protocol, packet.source, packet.target)
        back: _Key = (zone, packet.protocol, packet.target, packet.source)
        if packet.protocol == ICMP:
            # An answer's type and code are not its request's: both count for who asked first.
            hosts = sorted((packet.source[0], packet.target[0]))
            both: _Key = (zone, ICMP, (hosts[0], 0), (hosts[1], 0))
            return both, packet.source[1] != 0
        if forth in self._framed:
            return forth, True
        if back in self._framed:
            return back, False
        # Joined late: the client is who speaks to a port that a device serves, else who speaks first.
        if not packet.flags & SYN and packet.source in self._ports:
            return back, False
        return forth, True

    def _new(self, unix_s: float, zone: str, packet: Packet, key: _Key) -> _Tracked:
        _, protocol, client, server = key
        if protocol == ICMP:
            client, server = packet.source, packet.target
        self._frames += 1
        proto = {TCP: "tcp", ICMP: "icmp"}.get(protocol, "udp")
        service = self._ports.get(server, "")
        connection = Connection(f"F{self._frames:08d}", unix_s, client, server, proto, service)
        connection.zone = zone
        return _Tracked(connection, TcpStreams(connection) if protocol == TCP else None)

    def _forget_oldest(self, table: dict[_Key, _Tracked] | dict[str, _Tracked]) -> Iterator[Row]:
        if len(table) > CONNECTIONS_MAX:
            oldest = table.pop(next(iter(table)))  # type: ignore[call-overload]
            if not oldest.told:
                yield oldest.connection.row()
