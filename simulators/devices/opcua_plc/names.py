"""Node ids and status codes from the plain numbers and words that they are.

The library annotates its constructors with wrapper types (`ua.Int32`) that nothing, itself included, makes.
"""

from datetime import UTC, datetime
from typing import Any, cast

from asyncua import ua

NAMESPACE = 2


def standard(number: int) -> ua.NodeId:
    """A node of the standard (namespace 0)."""
    return ua.NodeId(cast("Any", number))


def ours(name: str) -> ua.NodeId:
    """A node of the line: `ns=2;s=Filler.SetPoint`."""
    return ua.NodeId(cast("Any", name), cast("Any", NAMESPACE))


def session_id(number: int) -> ua.NodeId:
    """A session's public name."""
    return ua.NodeId(cast("Any", number), cast("Any", 1))


def secret_id(secret: bytes) -> ua.NodeId:
    """A session's authentication token."""
    return ua.NodeId(cast("Any", secret))


def below(parent: ua.NodeId, name: str) -> ua.NodeId:
    """The node named after `parent`: `ns=2;s=Filler.SetPoint.EURange`."""
    return ours(f"{cast('str', parent.Identifier)}.{name}")


def status(code: int) -> ua.StatusCode:
    return ua.StatusCode(cast("Any", code))


def date(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def dated(value: ua.Variant, at: datetime) -> ua.DataValue:
    """`value` as it was at the datetime `at`."""
    stamp = cast("Any", at)
    return ua.DataValue(value, SourceTimestamp=stamp, ServerTimestamp=stamp)
