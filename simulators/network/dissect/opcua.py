"""OPC UA binary messages as `opcua_binary` rows (OPC 10000-6). What is encrypted shows its type and size only."""

import struct
from typing import ClassVar

from simulators.network.cutter import Cutter, Garbage, Message
from simulators.network.dissect.row import Row

KEEP_BYTES = 8192
NODES_MAX = 32  # of one request
MESSAGE_MAX = 16 << 20
TEXT_MAX = 256

# Binary encoding identifiers of the requests; the answer's is 3 more.
_REQUESTS = {
    422: "FindServers", 428: "GetEndpoints", 437: "RegisterServer", 446: "OpenSecureChannel",
    452: "CloseSecureChannel", 461: "CreateSession", 467: "ActivateSession", 473: "CloseSession", 479: "Cancel",
    488: "AddNodes", 494: "AddReferences", 500: "DeleteNodes", 506: "DeleteReferences", 527: "Browse",
    533: "BrowseNext", 554: "TranslateBrowsePathsToNodeIds", 560: "RegisterNodes", 566: "UnregisterNodes",
    615: "QueryFirst", 621: "QueryNext", 631: "Read", 664: "HistoryRead", 673: "Write", 700: "HistoryUpdate",
    712: "Call", 751: "CreateMonitoredItems", 763: "ModifyMonitoredItems", 769: "SetMonitoringMode",
    775: "SetTriggering", 781: "DeleteMonitoredItems", 787: "CreateSubscription", 793: "ModifySubscription",
    799: "SetPublishingMode", 826: "Publish", 832: "Republish", 841: "TransferSubscriptions",
    847: "DeleteSubscriptions",
}  # fmt: skip
_FAULT = 397
SERVICES = {
    _FAULT: "ServiceFault",
    **{number: f"{name}Request" for number, name in _REQUESTS.items()},
    **{number + 3: f"{name}Response" for number, name in _REQUESTS.items()},
}
_TYPES = {b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"CLO", b"MSG"}
_SCALARS = {1: "<?", 2: "<b", 3: "<B", 4: "<h", 5: "<H", 6: "<i", 7: "<I", 8: "<q", 9: "<Q", 10: "<f", 11: "<d",
            13: "<q", 19: "<I"}  # fmt: skip
Scalar = int | float | bool | str


class _Bytes:
    """Reads little-endian fields in order. Raises: IndexError: too short, or not readable."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise IndexError
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str) -> Scalar:
        value: Scalar = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def text(self) -> str:
        """A string or byte string; empty for a null one."""
        length = int.from_bytes(self.take(4), "little", signed=True)
        return self.take(length).decode("utf-8", "replace")[:TEXT_MAX] if length > 0 else ""

    def node(self) -> str:
        """A NodeId as people write it (`ns=2;s=Filler.SetPoint`)."""
        form = self.u8() & 0x0F
        if form == 0:
            return f"i={self.u8()}"
        space = self.u8() if form == 1 else self.u16()
        prefix = f"ns={space};" if space else ""
        if form == 1:
            return f"{prefix}i={self.u16()}"
        if form == 2:
            return f"{prefix}i={self.u32()}"
        if form == 3:
            return f"{prefix}s={self.text()}"
        if form == 4:
            return f"{prefix}g={self.take(16).hex()}"
        if form == 5:
            return f"{prefix}b={self.text()}"
        raise IndexError

    def extension(self) -> None:
        """Skip an ExtensionObject."""
        self.node()
        if self.u8():
            self.text()

    def count(self) -> int:
        """The length of an array, at most what a row says of it."""
        return max(0, min(int.from_bytes(self.take(4), "little", signed=True), NODES_MAX))

    def variant(self) -> Scalar:
        """A scalar; an array is only named."""
        kind = self.u8()
        if kind & 0xC0:
            raise IndexError
        if kind in {12, 15}:
            return self.text()
        return self.number(_SCALARS[kind]) if kind in _SCALARS else ""


class OpcuaDecoder:
    """Reads the headers of every message, and the nodes of the requests that name them."""

    LOG: ClassVar[str] = "opcua_binary"

    def __init__(self) -> None:
        self._cutters = {True: Cutter(_measure, KEEP_BYTES), False: Cutter(_measure, KEEP_BYTES)}
        self._inside = {True: False, False: False}  # a message of several chunks

    def feed(self, from_client: bool, data: bytes) -> list[Row]:
        try:
            messages = self._cutters[from_client].feed(data)
        except Garbage as garbage:
            self.lost(from_client)
            messages = list(garbage.before)
        return [self._row(message, from_client) for message in messages]

    def lost(self, from_client: bool) -> None:
        self._cutters[from_client].forget()
        self._inside[from_client] = False

    def _row(self, message: Message, from_client: bool) -> Row:
        kind, final = message.head[:3].decode(), message.head[3:4] == b"F"
        row: Row = {"msg_type": kind, "is_final": final, "msg_size": message.size}
        packet = _Bytes(message.head, 8)
        continued, self._inside[from_client] = self._inside[from_client], not final
        try:
            if kind in {"HEL", "RHE"}:
                packet.take(20 if kind == "HEL" else 0)
                row["endpoint_url"] = packet.text()
            elif kind == "ERR":
                row["status"] = _status(packet.u32())
            elif kind in {"OPN", "MSG", "CLO"}:
                _secured(packet, kind, continued, row)
        except (IndexError, struct.error):
            pass  # what was read so far stands
        return row


def _measure(head: bytes) -> int:
    if len(head) >= 3 and head[:3] not in _TYPES:
        raise Garbage
    if len(head) < 8:
        return 0
    size = int.from_bytes(head[4:8], "little")
    if head[3:4] not in {b"F", b"C", b"A"} or not 8 <= size <= MESSAGE_MAX:
        raise Garbage
    return size


def _secured(packet: _Bytes, kind: str, continued: bool, row: Row) -> None:
    row["sec_channel_id"] = packet.u32()
    clear = True
    if kind == "OPN":
        policy = packet.text()
        row["sec_policy_uri"] = policy
        packet.text()
        packet.text()
        clear = policy.endswith("#None")
    else:
        packet.u32()  # the token
    sequence = packet.at
    packet.take(8)
    begun = packet.at
    service = _service(packet) if clear and not continued else None
    row["encrypted"] = service is None and not continued
    if row["encrypted"]:
        return
    row["seq_number"] = int.from_bytes(packet.data[sequence : sequence + 4], "little")
    row["request_id"] = int.from_bytes(packet.data[sequence + 4 : begun], "little")
    if service is not None:
        row["identifier"], row["identifier_str"] = service, SERVICES[service]
        _body(packet, service, row)


def _service(packet: _Bytes) -> int | None:
    """The identifier of the body's type; None when that is no service, and so is encrypted."""
    if packet.take(2) != b"\x01\x00":
        return None
    number = packet.u16()
    return number if number in SERVICES else None


def _body(packet: _Bytes, service: int, row: Row) -> None:
    if service not in _REQUESTS:
        packet.take(12)
        row["status"] = _status(packet.u32())
        if service == 676:  # WriteResponse
            _results(packet, row)
        return
    packet.node()
    packet.take(16)
    packet.text()
    packet.take(4)
    packet.extension()
    reader = {527: _browsed, 631: _read, 673: _written, 712: _called, 751: _monitored}.get(service)
    if reader is not None:
        nodes: list[str] = []
        written: list[str] = []
        try:
            reader(packet, nodes, written)
        finally:
            row["node_ids"] = ",".join(nodes)
            if written:
                row["values"] = ",".join(written)


def _results(packet: _Bytes, row: Row) -> None:
    if packet.u8():
        return  # diagnostics, which nobody here asks for
    for _ in range(packet.count()):
        packet.text()
    packet.extension()
    row["results"] = ",".join(_status(packet.u32()) for _ in range(packet.count()))


def _value_id(packet: _Bytes) -> str:
    node = packet.node()
    packet.take(4)
    packet.text()
    packet.take(2)
    packet.text()
    return node


def _read(packet: _Bytes, nodes: list[str], _values: list[str]) -> None:
    packet.take(12)
    nodes.extend(_value_id(packet) for _ in range(packet.count()))


def _written(packet: _Bytes, nodes: list[str], values: list[str]) -> None:
    for _ in range(packet.count()):
        nodes.append(packet.node())
        packet.take(4)
        packet.text()
        mask = packet.u8()
        values.append(str(packet.variant()) if mask & 1 else "")
        packet.take(4 * bool(mask & 2) + 8 * bool(mask & 4) + 8 * bool(mask & 8))
        packet.take(2 * bool(mask & 16) + 2 * bool(mask & 32))


def _called(packet: _Bytes, nodes: list[str], values: list[str]) -> None:
    for _ in range(packet.count()):
        packet.node()
        nodes.append(packet.node())
        values.extend(str(packet.variant()) for _ in range(packet.count()))


def _browsed(packet: _Bytes, nodes: list[str], _values: list[str]) -> None:
    packet.node()
    packet.take(16)
    for _ in range(packet.count()):
        nodes.append(packet.node())
        packet.take(4)
        packet.node()
        packet.take(9)


def _monitored(packet: _Bytes, nodes: list[str], _values: list[str]) -> None:
    packet.take(8)
    for _ in range(packet.count()):
        nodes.append(_value_id(packet))
        packet.take(16)
        packet.extension()
        packet.take(5)


def _status(code: int) -> str:
    return f"0x{code:08X}"
