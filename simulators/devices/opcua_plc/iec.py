"""IEC 61131-3 types on the wire, as OPC 30000 (PLCopen) maps them; TIME is a Duration in milliseconds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from simulators.plc.image import Value

_FLOAT_MAX = 3.4028234663852886e38
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class WireType:
    """How a cell travels: `variant` and `datatype` say its type, `shown` and `cell` convert it."""

    variant: ua.VariantType
    datatype: int
    shown: Callable[[Value], Value]
    cell: Callable[[Value], Value]


def _wrapped(bits: int, signed: bool) -> Callable[[Value], Value]:
    """A cell that something wrote too large still has to travel: it wraps, as it would in the PLC."""
    low = -(1 << bits - 1) if signed else 0
    span = 1 << bits

    def shown(value: Value) -> Value:
        number = int(value)
        return number if low <= number < low + span else (number - low) % span + low

    return shown


def _single(value: Value) -> Value:
    number = float(value)
    return math.copysign(math.inf, number) if abs(number) > _FLOAT_MAX else number


def _integer(variant: ua.VariantType, bits: int, signed: bool) -> WireType:
    return WireType(variant, variant.value, _wrapped(bits, signed), int)


def _milliseconds(value: Value) -> Value:
    return float(value) / _NS_PER_MS


def _nanoseconds(value: Value) -> Value:
    return round(float(value) * _NS_PER_MS)


_V = ua.VariantType
WIRE: dict[str, WireType] = {
    "BOOL": WireType(_V.Boolean, _V.Boolean.value, bool, bool),
    "SINT": _integer(_V.SByte, 8, True),
    "INT": _integer(_V.Int16, 16, True),
    "DINT": _integer(_V.Int32, 32, True),
    "LINT": _integer(_V.Int64, 64, True),
    "USINT": _integer(_V.Byte, 8, False),
    "UINT": _integer(_V.UInt16, 16, False),
    "UDINT": _integer(_V.UInt32, 32, False),
    "ULINT": _integer(_V.UInt64, 64, False),
    "BYTE": _integer(_V.Byte, 8, False),
    "WORD": _integer(_V.UInt16, 16, False),
    "DWORD": _integer(_V.UInt32, 32, False),
    "LWORD": _integer(_V.UInt64, 64, False),
    "REAL": WireType(_V.Float, _V.Float.value, _single, float),
    "LREAL": WireType(_V.Double, _V.Double.value, float, float),
    "TIME": WireType(_V.Double, ObjectIds.Duration, _milliseconds, _nanoseconds),
}
