"""Modbus/TCP frames as they come in a stream, and what a request asks for (Modbus application protocol V1.1b3)."""

import struct
from typing import NamedTuple

from simulators.network.cutter import Garbage

HEADER = struct.Struct(">HHHB")  # transaction, protocol (0), length, unit
LENGTH_MAX = 254  # unit and 253 bytes of function and data
ILLEGAL_FUNCTION = 1

_READS = {1, 2, 3, 4}
_WRITES_ONE = {5, 6, 22}
_WRITES_MANY = {15, 16}
NAMES = {
    1: "READ_COILS", 2: "READ_DISCRETE_INPUTS", 3: "READ_HOLDING_REGISTERS", 4: "READ_INPUT_REGISTERS",
    5: "WRITE_SINGLE_COIL", 6: "WRITE_SINGLE_REGISTER", 7: "READ_EXCEPTION_STATUS", 8: "DIAGNOSTICS",
    11: "GET_COMM_EVENT_COUNTER", 12: "GET_COMM_EVENT_LOG", 15: "WRITE_MULTIPLE_COILS",
    16: "WRITE_MULTIPLE_REGISTERS", 17: "REPORT_SLAVE_ID", 20: "READ_FILE_RECORD", 21: "WRITE_FILE_RECORD",
    22: "MASK_WRITE_REGISTER", 23: "READ_WRITE_MULTIPLE_REGISTERS", 24: "READ_FIFO_QUEUE",
    43: "ENCAP_INTERFACE_TRANSPORT",
}  # fmt: skip


class Frame(NamedTuple):
    """One request or answer: `pdu` is the function code and its data, `raw` the whole of it."""

    transaction: int
    unit: int
    pdu: bytes
    raw: bytes

    @property
    def function(self) -> int:
        return self.pdu[0]


class Access(NamedTuple):
    """Addresses that a request reads and writes: (first, count) or None."""

    read: tuple[int, int] | None
    write: tuple[int, int] | None


class Stream:
    """Cuts one direction of a connection into frames, whatever the segments are."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """What came of a frame that is not whole yet."""
        return self._rest

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises: Garbage: never call again, except after `forget`."""
        data = self._rest + data if self._rest else data
        frames: list[Frame] = []
        at, size = 0, len(data)
        while size - at >= 7:
            transaction, protocol, length, unit = HEADER.unpack_from(data, at)
            if protocol != 0 or not 2 <= length <= LENGTH_MAX:
                raise Garbage(frames)
            end = at + 6 + length
            if end > size:
                break
            frames.append(Frame(transaction, unit, data[at + 7 : end], data[at:end]))
            at = end
        self._rest = data[at:]
        if 4 <= len(self._rest) < 7 and self._rest[2:4] != b"\0\0":
            raise Garbage(frames)
        return frames

    def forget(self) -> None:
        """Begin again at the next segment."""
        self._rest = b""


def access(pdu: bytes) -> Access:
    """What a request reads and writes; nothing when its function has no address or it is too short."""
    function = pdu[0]
    if function in _READS and len(pdu) >= 5:
        return Access((_u16(pdu, 1), _u16(pdu, 3)), None)
    if function in _WRITES_MANY and len(pdu) >= 5:
        return Access(None, (_u16(pdu, 1), _u16(pdu, 3)))
    if function in _WRITES_ONE and len(pdu) >= 3:
        return Access(None, (_u16(pdu, 1), 1))
    if function == 23 and len(pdu) >= 9:
        return Access((_u16(pdu, 1), _u16(pdu, 3)), (_u16(pdu, 5), _u16(pdu, 7)))
    if function == 24 and len(pdu) >= 3:
        return Access((_u16(pdu, 1), 1), None)
    return Access(None, None)


def exception(request: Frame, code: int) -> bytes:
    """The answer that refuses the request."""
    return HEADER.pack(request.transaction, 0, 3, request.unit) + bytes((request.function | 0x80, code))


def values(pdu: bytes, at: int) -> list[int]:
    """The registers from byte `at` to the end."""
    return [_u16(pdu, i) for i in range(at, len(pdu) - 1, 2)]


def bits(pdu: bytes, at: int, count: int) -> list[int]:
    """`count` bits from byte `at`, lowest first, fewer if they are not there."""
    return [(byte >> bit) & 1 for byte in pdu[at:] for bit in range(8)][:count]


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
