"""Modbus requests: a PDU becomes a `Request` that says what it touches, then an answer.

Source: MODBUS Application Protocol Specification V1.1b3, the state diagrams of chapter 6. The order there is kept:
function known (01), quantities and length right (03), addresses right (02).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from simulators.plc.address import Table

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
DEVICE_BUSY, GATEWAY_NO_RESPONSE = 6, 11
PDU_MAX = 253

READ_BITS: dict[int, Table] = {1: "coil", 2: "discrete_input"}
READ_REGISTERS: dict[int, Table] = {3: "holding_register", 4: "input_register"}
DIAGNOSTICS, SERVER_ID, MASK_WRITE, READ_WRITE, ENCAPSULATED = 8, 17, 22, 23, 43
ECHO, RESTART, DIAGNOSTIC_REGISTER, LISTEN_ONLY, CLEAR, CLEAR_OVERRUN = 0, 1, 2, 4, 10, 20
COUNTERS = range(11, 19)
_DEVICE_IDENTIFICATION = 14
_CHANGING = {RESTART, LISTEN_ONLY, CLEAR, CLEAR_OVERRUN}

_HH = struct.Struct(">HH")
_HHB = struct.Struct(">HHB")
_HHHHB = struct.Struct(">HHHHB")


class Touch(NamedTuple):
    """Bits or registers that a request reads or writes."""

    table: Table
    start: int
    size: int
    write: bool


@dataclass(frozen=True, slots=True)
class Request:
    """`touches` in the order of execution; `data` is what is written, or the rest of the PDU."""

    function: int
    touches: tuple[Touch, ...] = ()
    data: bytes = b""
    sub: int = 0
    writes: bool = False


class Refusal(Exception):  # noqa: N818 -- the protocol's word is exception
    """The request gets a Modbus exception; `code` is the specification's, `logged` if the audit log has it."""

    def __init__(self, code: int, logged: bool = False) -> None:
        super().__init__(code)
        self.code, self.logged = code, logged


def exception(function: int, code: int) -> bytes:
    """The exception response to `function`."""
    return bytes((function & 0x7F | 0x80, code))


def parse(pdu: bytes) -> Request:
    """What `pdu` (at least one byte) asks for.

    Raises:
        Refusal: 01 unknown function, 03 quantity or length, 02 beyond address 65535.
    """
    reader = _READERS.get(pdu[0])
    if reader is None:
        raise Refusal(ILLEGAL_FUNCTION)
    try:
        request = reader(pdu[0], pdu[1:])
    except struct.error:
        raise Refusal(ILLEGAL_VALUE) from None
    if any(touch.start + touch.size > 0x10000 for touch in request.touches):
        raise Refusal(ILLEGAL_ADDRESS)
    return request


def _require(condition: bool) -> None:
    if not condition:
        raise Refusal(ILLEGAL_VALUE)


def _read_bits(function: int, rest: bytes) -> Request:
    start, count = _HH.unpack(rest)
    _require(1 <= count <= 2000)
    return Request(function, (Touch(READ_BITS[function], start, count, False),))


def _read_registers(function: int, rest: bytes) -> Request:
    start, count = _HH.unpack(rest)
    _require(1 <= count <= 125)
    return Request(function, (Touch(READ_REGISTERS[function], start, count, False),))


def _write_coil(function: int, rest: bytes) -> Request:
    start, value = _HH.unpack(rest)
    _require(value in (0x0000, 0xFF00))
    return Request(function, (Touch("coil", start, 1, True),), b"\x01" if value else b"\x00", writes=True)


def _write_register(function: int, rest: bytes) -> Request:
    start, _ = _HH.unpack(rest)
    return Request(function, (Touch("holding_register", start, 1, True),), rest[2:], writes=True)


def _write_coils(function: int, rest: bytes) -> Request:
    start, count, size = _HHB.unpack(rest[:5])
    _require(1 <= count <= 1968 and size == (count + 7) // 8 == len(rest) - 5)
    return Request(function, (Touch("coil", start, count, True),), rest[5:], writes=True)


def _write_registers(function: int, rest: bytes) -> Request:
    start, count, size = _HHB.unpack(rest[:5])
    _require(1 <= count <= 123 and size == 2 * count == len(rest) - 5)
    return Request(function, (Touch("holding_register", start, count, True),), rest[5:], writes=True)


def _mask_write(function: int, rest: bytes) -> Request:
    _require(len(rest) == 6)
    start = int.from_bytes(rest[:2], "big")
    return Request(function, (Touch("holding_register", start, 1, True),), rest[2:], writes=True)


def _read_write(function: int, rest: bytes) -> Request:
    read_start, read_count, start, count, size = _HHHHB.unpack(rest[:9])
    _require(1 <= read_count <= 125 and 1 <= count <= 121 and size == 2 * count == len(rest) - 9)
    touches = (
        Touch("holding_register", start, count, True),
        Touch("holding_register", read_start, read_count, False),
    )
    return Request(function, touches, rest[9:], writes=True)


def _diagnostics(function: int, rest: bytes) -> Request:
    _require(len(rest) >= 4 and len(rest) % 2 == 0)
    sub, data = int.from_bytes(rest[:2], "big"), rest[2:]
    if sub not in _SUBS:
        raise Refusal(ILLEGAL_FUNCTION)
    if sub == RESTART:
        _require(data in (b"\x00\x00", b"\xff\x00"))
    elif sub != ECHO:
        _require(data == b"\x00\x00")
    return Request(function, data=data, sub=sub, writes=sub in _CHANGING)


def _server_id(function: int, rest: bytes) -> Request:
    _require(not rest)
    return Request(function)


def _encapsulated(function: int, rest: bytes) -> Request:
    _require(len(rest) >= 1)
    if rest[0] != _DEVICE_IDENTIFICATION:
        raise Refusal(ILLEGAL_FUNCTION)
    _require(len(rest) == 3 and 1 <= rest[1] <= 4)
    return Request(function, data=rest[1:], sub=_DEVICE_IDENTIFICATION)


_SUBS = {ECHO, RESTART, DIAGNOSTIC_REGISTER, LISTEN_ONLY, CLEAR, CLEAR_OVERRUN, *COUNTERS}
_READERS: dict[int, Callable[[int, bytes], Request]] = {
    1: _read_bits,
    2: _read_bits,
    3: _read_registers,
    4: _read_registers,
    5: _write_coil,
    6: _write_register,
    DIAGNOSTICS: _diagnostics,
    15: _write_coils,
    16: _write_registers,
    SERVER_ID: _server_id,
    MASK_WRITE: _mask_write,
    READ_WRITE: _read_write,
    ENCAPSULATED: _encapsulated,
}
FUNCTIONS = frozenset(_READERS)
