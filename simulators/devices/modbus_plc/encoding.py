"""Cells of the image as Modbus registers: big-endian, high word first.

Integers and bit strings are two's complement of the registers' width, REAL and LREAL are IEEE 754, TIME is in
milliseconds (the image keeps nanoseconds).
"""

import math
import struct

from simulators.plc.image import Value

_BITS = {
    "SINT": 8, "USINT": 8, "BYTE": 8, "INT": 16, "UINT": 16, "WORD": 16, "DINT": 32, "UDINT": 32, "DWORD": 32,
    "LINT": 64, "ULINT": 64, "LWORD": 64, "TIME": 64,
}  # fmt: skip
_SIGNED = {"SINT", "INT", "DINT", "LINT", "TIME"}
_FLOAT = {2: struct.Struct(">f"), 4: struct.Struct(">d")}
_NS_PER_MS = 1_000_000


def encode(iec_type: str, count: int, value: Value) -> bytes:
    """`value` of `iec_type` in `count` registers; what does not fit keeps its low bits, as in a PLC."""
    if iec_type in ("REAL", "LREAL") and count in _FLOAT:
        return _encode_float(_FLOAT[count], float(value))
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        whole = 0
    if iec_type == "TIME":
        whole //= _NS_PER_MS
    return (whole & ((1 << 16 * count) - 1)).to_bytes(2 * count, "big")


def _encode_float(layout: struct.Struct, value: float) -> bytes:
    try:
        return layout.pack(value)
    except OverflowError:
        return layout.pack(math.copysign(math.inf, value))


def decode(iec_type: str, data: bytes) -> Value | None:
    """The value of `iec_type` in the registers `data`; None for what no program could use (NaN, infinity)."""
    count = len(data) // 2
    if iec_type in ("REAL", "LREAL") and count in _FLOAT:
        number: float = _FLOAT[count].unpack(data)[0]
        return number if math.isfinite(number) else None
    if iec_type == "BOOL":
        return any(data)
    whole = _wrap(int.from_bytes(data, "big"), min(_BITS.get(iec_type, 16), 16 * count), iec_type in _SIGNED)
    if iec_type == "TIME":
        return whole * _NS_PER_MS
    return float(whole) if iec_type in ("REAL", "LREAL") else whole


def _wrap(whole: int, bits: int, signed: bool) -> int:
    whole &= (1 << bits) - 1
    return whole - (1 << bits) if signed and whole >> (bits - 1) else whole
