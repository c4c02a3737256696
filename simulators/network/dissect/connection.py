"""What is known of one connection, and its `conn` row."""

from simulators.network.dissect.row import Row
from simulators.network.frames import ACK, FIN, RST, SYN, End, Packet

_WRAP = 1 << 32


class Connection:
    """Ends, sizes and state of a connection; `decode` is told its bytes by who feeds it."""

    def __init__(self, uid: str, unix_s: float, client: End, server: End, proto: str, service: str) -> None:
        self.uid, self.client, self.server = uid, client, server
        self.proto, self.service = proto, service
        self.zone = self.conduit = ""
        self.state = "OTH"
        self._first_s = self._last_s = unix_s
        self._bytes = {True: 0, False: 0}

    def seen(self, unix_s: float, from_client: bool = True, size: int = 0) -> None:
        """Bytes, or a sign of life, at that date."""
        self._last_s = unix_s
        self._bytes[from_client] += size

    def base(self, unix_s: float, log: str) -> Row:
        """The columns that every row of this connection has."""
        return {
            "ts": round(unix_s, 6),
            "log": log,
            "uid": self.uid,
            "id.orig_h": self.client[0],
            "id.orig_p": self.client[1],
            "id.resp_h": self.server[0],
            "id.resp_p": self.server[1],
            "proto": self.proto,
            "service": self.service,
            "zone": self.zone,
            "conduit": self.conduit,
        }

    def row(self) -> Row:
        """The connection as a whole."""
        return self.base(self._first_s, "conn") | {
            "duration": round(self._last_s - self._first_s, 6),
            "orig_bytes": self._bytes[True],
            "resp_bytes": self._bytes[False],
            "conn_state": self.state,
        }


class TcpStreams:
    """Puts the segments of one TCP connection in order, and follows its state.

    A loopback neither loses nor reorders: a segment ahead of its turn means that a capture lost some.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.over = False
        self._next: dict[bool, int | None] = {True: None, False: None}
        self._ended: set[bool] = set()

    def take(self, packet: Packet, from_client: bool) -> tuple[bytes, bool]:
        """The bytes that are new, and whether some are missing before them."""
        self._follow(packet, from_client)
        start = packet.seq + bool(packet.flags & SYN)
        expected = self._next[from_client]
        after = (start + len(packet.data) + bool(packet.flags & FIN)) % _WRAP
        if expected is None or packet.flags & SYN:
            self._next[from_client] = after
            return packet.data, False
        ahead = (start - expected) % _WRAP
        if ahead == 0:
            self._next[from_client] = after
            return packet.data, False
        if ahead < _WRAP // 2:
            self._next[from_client] = after
            return packet.data, bool(packet.data)
        fresh = packet.data[_WRAP - ahead :]
        if fresh:
            self._next[from_client] = after
        return fresh, False

    def _follow(self, packet: Packet, from_client: bool) -> None:
        connection, flags = self.connection, packet.flags
        if flags & RST:
            if connection.state == "S0":
                connection.state = "REJ" if not from_client else "RSTOS0"
            else:
                connection.state = "RSTO" if from_client else "RSTR"
            self.over = True
        elif flags & SYN:
            connection.state = "S1" if flags & ACK else "S0"
        elif flags & FIN:
            self._ended.add(from_client)
            if len(self._ended) == 2:
                self.over = True
                connection.state = "SF" if connection.state == "S1" else connection.state
