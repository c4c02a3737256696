"""MQTT 3.1.1 and 5 packets as `mqtt` rows."""

from typing import ClassVar

from simulators.network.cutter import Cutter, Garbage, Message
from simulators.network.dissect.row import Row

KEEP_BYTES = 2048  # of a packet: its topic and the beginning of its payload
PAYLOAD_CHARS = 512
_NAMES = (
    "", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
    "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth",
)  # fmt: skip
_FLAGS = {6: 2, 8: 2, 10: 2}  # the packets whose flags are fixed and not zero (MQTT 5.0, 2.1.3)


class _Bytes:
    """Reads fields in order. Raises: IndexError: too short."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise IndexError
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def text(self) -> str:
        return self.take(self.u16()).decode("utf-8", "replace")

    def varint(self) -> int:
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError

    @property
    def left(self) -> int:
        return len(self.data) - self.at


class MqttDecoder:
    """Every row says which client and user the flow is of, once its CONNECT was seen. Pings are left out."""

    LOG: ClassVar[str] = "mqtt"

    def __init__(self) -> None:
        self._cutters = {True: Cutter(_measure, KEEP_BYTES), False: Cutter(_measure, KEEP_BYTES)}
        self._client: Row = {}
        self._version = 4

    def feed(self, from_client: bool, data: bytes) -> list[Row]:
        try:
            messages = self._cutters[from_client].feed(data)
        except Garbage as garbage:
            self.lost(from_client)
            messages = list(garbage.before)
        return [row for message in messages if (row := self._row(message)) is not None]

    def lost(self, from_client: bool) -> None:
        self._cutters[from_client].forget()

    def _row(self, message: Message) -> Row | None:
        kind, flags = message.head[0] >> 4, message.head[0] & 15
        row: Row = {"action": _NAMES[kind], "msg_size": message.size}
        packet = _Bytes(message.head)
        try:
            packet.u8()
            packet.varint()
            if kind == 1:
                self._connect(packet, row)
            elif kind == 2:
                packet.u8()
                row["status"] = packet.u8()
            elif kind == 3:
                self._publish(packet, flags, message.size, row)
            elif kind in {8, 10}:
                self._topics(packet, kind == 8, row)
            elif kind in {9, 11, 4, 5}:
                self._acknowledged(packet, kind, row)
            elif kind in {12, 13, 6, 7}:
                return None
            elif kind == 14:
                row["status"] = packet.u8() if packet.left else 0
        except IndexError:
            pass  # what was read so far stands
        return row | self._client

    def _connect(self, packet: _Bytes, row: Row) -> None:
        packet.text()
        self._version = packet.u8()
        flags = packet.u8()
        packet.u16()
        self._properties(packet)
        self._client = {"client_id": packet.text(), "proto_version": self._version}
        if flags & 0x04:
            self._properties(packet)
            row["topic"] = packet.text()  # of the will
            packet.take(packet.u16())
        if flags & 0x80:
            self._client["user"] = packet.text()

    def _publish(self, packet: _Bytes, flags: int, size: int, row: Row) -> None:
        row["qos"], row["retain"] = flags >> 1 & 3, bool(flags & 1)
        row["topic"] = packet.text()
        if flags & 0x06:
            packet.u16()
        self._properties(packet)
        row["payload_len"] = size - packet.at
        payload = packet.take(packet.left)
        row["payload"] = _text(payload)

    def _topics(self, packet: _Bytes, with_qos: bool, row: Row) -> None:
        packet.u16()
        self._properties(packet)
        topics: list[str] = []
        qos = 0
        try:
            while packet.left:
                topics.append(packet.text())
                qos = max(qos, packet.u8() & 3) if with_qos else 0
        finally:
            row["topic"] = ",".join(topics)
            if with_qos:
                row["qos"] = qos

    def _acknowledged(self, packet: _Bytes, kind: int, row: Row) -> None:
        packet.u16()
        if kind in {9, 11}:
            self._properties(packet)
        # The worst of the codes: 0x80 and above refuse.
        row["status"] = (
            max(packet.take(packet.left), default=0) if kind in {9, 11} else (packet.left and packet.u8())
        )

    def _properties(self, packet: _Bytes) -> None:
        if self._version == 5:
            packet.take(packet.varint())


def _measure(head: bytes) -> int:
    kind, flags = head[0] >> 4, head[0] & 15
    if kind == 0 or (kind == 3 and flags & 6 == 6) or (kind != 3 and flags != _FLAGS.get(kind, 0)):
        raise Garbage
    value = 0
    for index, byte in enumerate(head[1:5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value + 2 + index
    if len(head) >= 5:
        raise Garbage
    return 0


def _text(payload: bytes) -> str:
    """The payload when it is text, else nothing: vibration windows are not for reading."""
    cut = payload[:PAYLOAD_CHARS]
    try:
        return cut.decode()
    except UnicodeDecodeError as error:
        # Cutting may have split the last character.
        return cut[: error.start].decode() if error.start >= len(cut) - 3 and error.start else ""
