"""Attributes as a session may read and write them: by its role, in its language, within type and range."""

import math
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from simulators.devices.opcua_plc.access import READ, WRITE
from simulators.devices.opcua_plc.names import status
from simulators.devices.opcua_plc.nodes import localized
from simulators.devices.opcua_plc.points import Point

if TYPE_CHECKING:
    from simulators.devices.opcua_plc.session import HardenedSession

_At = AttributeIds
_Bad = StatusCodes
_DENIED = ua.DataValue(StatusCode=status(_Bad.BadUserAccessDenied))
_NOT_READABLE = ua.DataValue(StatusCode=status(_Bad.BadNotReadable))


def read(session: "HardenedSession", wanted: ua.ReadValueId) -> ua.DataValue:
    """One attribute; a tag's value is the same object until it changes."""
    server, nodeid, attribute = session.server, wanted.NodeId, wanted.AttributeId
    point = server.points.by_node.get(nodeid)
    if point is not None and attribute in (_At.Value, _At.UserAccessLevel):
        mask = server.access.mask(point.tag.id, session.identity.duty)
        if attribute == _At.UserAccessLevel:
            return ua.DataValue(ua.Variant(mask, ua.VariantType.Byte))
        if mask & READ:
            return point.shown()
        return _DENIED if point.access & READ else _NOT_READABLE
    if attribute in (_At.DisplayName, _At.Description) and session.locale == "en":
        words = server.space.words.get(nodeid)
        if words is not None:
            text = words.name if attribute == _At.DisplayName else words.description
            return ua.DataValue(ua.Variant(localized(text, "en"), ua.VariantType.LocalizedText))
    if attribute == _At.UserExecutable and nodeid in server.methods:
        allowed = server.access.may_call(server.methods[nodeid].name, session.identity.duty)
        return ua.DataValue(ua.Variant(allowed, ua.VariantType.Boolean))
    return server.aspace.read_attribute_value(nodeid, attribute)


def write(session: "HardenedSession", wanted: ua.WriteValue) -> int:
    """Write one value into the image, and keep the trail of it; the status code."""
    server = session.server
    point = server.points.by_node.get(wanted.NodeId)
    if point is None:
        return _Bad.BadNotWritable if wanted.NodeId in server.aspace else _Bad.BadNodeIdUnknown
    value: Any = wanted.Value.Value.Value if wanted.Value.Value is not None else None
    before = point.shown().Value
    code = _check(session, point, wanted)
    if code == _Bad.Good:
        server.points.write(point, value)
    server.audit.record(
        "write", code, session.address, session.identity.name,
        node=wanted.NodeId.to_string(), value=short(value), before=before.Value if before else None,
    )  # fmt: skip
    return code


def _check(session: "HardenedSession", point: Point, wanted: ua.WriteValue) -> int:
    if wanted.AttributeId != _At.Value or not point.access & WRITE:
        return _Bad.BadNotWritable
    if not session.server.access.mask(point.tag.id, session.identity.duty) & WRITE:
        return _Bad.BadUserAccessDenied
    if wanted.IndexRange:
        return _Bad.BadIndexRangeInvalid
    if wanted.Value.StatusCode is not None and wanted.Value.StatusCode.value != _Bad.Good:
        return _Bad.BadWriteNotSupported
    variant = wanted.Value.Value
    if variant is None or variant.is_array or variant.VariantType != point.wire.variant:
        return _Bad.BadTypeMismatch
    in_range = _in_range(point, variant.Value, session.server.configuration.writes.range_check)
    return _Bad.Good if in_range else _Bad.BadOutOfRange


def _in_range(point: Point, value: Any, checked: bool) -> bool:
    """A number that is none is never taken: the program would carry it everywhere."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if not checked or point.range is None or isinstance(value, bool):
        return True
    low, high = point.range
    return low <= float(point.wire.cell(value)) <= high


def short(value: Any) -> Any:
    """A value as the audit log keeps it: a hostile one may be of any size."""
    return value if isinstance(value, (bool, int, float)) or value is None else str(value)[:80]
