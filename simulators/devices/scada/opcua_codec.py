"""The Read service in few operations: the same nodes are asked for every second, and nearly all are scalars.

Encoding of OPC 10000-6, 5.2. A message that holds anything else is left to asyncua, twenty times slower.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, struct_to_binary

_VALUE, _STATUS, _DATES, _PICOSECONDS = 0x01, 0x02, (0x04, 0x08), (0x10, 0x20)
_SCALARS = {
    number: struct.Struct("<" + code)
    for number, code in enumerate(("", "?", "b", "B", "h", "H", "i", "I", "q", "Q", "f", "d"))
}
# A NodeId in its four-byte form.
_READ = struct.pack("<BBH", 1, 0, ObjectIds.ReadRequest_Encoding_DefaultBinary)


class Reading(NamedTuple):
    """One node's answer. `value` is None where there is none, or none that is a number."""

    good: bool
    value: bool | int | float | None
    kind: int
    """The number of its built-in type."""


class PackedRead:
    """A Read request whose body is encoded once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.RequestHeader = ua.RequestHeader()

    def binary(self) -> bytes:
        return b"".join((_READ, struct_to_binary(self.RequestHeader), self._body))


def read_body(nodes: Sequence[ua.NodeId]) -> bytes:
    """The body of a request for the values of `nodes`, without time stamps."""
    parameters = ua.ReadParameters()
    parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
    for node in nodes:
        item = ua.ReadValueId()
        item.NodeId = node
        item.AttributeId = ua.UInt32(AttributeIds.Value)
        parameters.NodesToRead.append(item)
    return struct_to_binary(parameters)


def readings(message: Buffer) -> list[Reading]:
    """The answers of a ReadResponse.

    Raises:
        asyncua.ua.UaError: the service was refused.
        struct.error, IndexError, ValueError: not a ReadResponse.
    """
    rest = message.copy()
    nodeid_from_binary(rest)
    struct_from_binary(ua.ResponseHeader, rest).ServiceResult.check()
    found = _scalars(bytes(rest))
    return found if found is not None else _any(message)


def _scalars(data: bytes) -> list[Reading] | None:
    """None where something is no scalar."""
    (count,) = struct.unpack_from("<i", data)
    at = 4
    found = []
    for _ in range(count):
        mask, at = data[at], at + 1
        value, kind, status = None, 0, 0
        if mask & _VALUE:
            kind, at = data[at], at + 1
            layout = _SCALARS.get(kind)
            if layout is None:
                return None
            if kind:
                (value,) = layout.unpack_from(data, at)
                at += layout.size
        if mask & _STATUS:
            (status,) = struct.unpack_from("<I", data, at)
            at += 4
        at += 8 * sum(bool(mask & bit) for bit in _DATES) + 2 * sum(bool(mask & bit) for bit in _PICOSECONDS)
        found.append(Reading(not status >> 30, value, kind))
    return found


def _any(message: Buffer) -> list[Reading]:
    response = struct_from_binary(ua.ReadResponse, message)
    return [_reading(answer) for answer in response.Results]


def _reading(answer: ua.DataValue) -> Reading:
    good = answer.StatusCode is None or answer.StatusCode.is_good()
    if answer.Value is None or not isinstance(answer.Value.Value, bool | int | float):
        return Reading(good, None, 0)
    return Reading(good, answer.Value.Value, int(answer.Value.VariantType.value))
