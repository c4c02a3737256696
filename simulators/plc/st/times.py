"""Standard functions on times and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    SUM,
    Code,
    calculated,
)
from simulators.plc.st.numerical import Handler
from simulators.plc.st.types import (
    DATE,
    DT,
    TIME,
    TOD,
    Elementary,
    is_kind,
)

if TYPE_CHECKING:
    from simulators.plc.st.expressions import Expressions


def now(_lowering: Expressions, _node: tree.Call, _arguments: list[Code]) -> Code | None:
    """TIME: simulated time since the start."""
    return Code("_clock[0]", TIME, ATOM, None, TIME.low, TIME.high)


def timed(op: str, first: Elementary, *second: str) -> Handler:
    """The named forms of time arithmetic, such as ADD_TIME."""

    def handler(lowering: Expressions, node: tree.Call, arguments: list[Code]) -> Code | None:
        if arguments[0].type is not first or not is_kind(arguments[1].type, *second):
            return None
        return lowering.combine(op, arguments[0], arguments[1], node.place)

    return handler


def concat_date_tod(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """CONCAT_DATE_TOD."""
    date, clock = arguments
    if date.type is not DATE or clock.type is not TOD:
        return None
    return calculated(
        DT, f"{date.at(SUM)} + {clock.at(SUM + 1)}", SUM, date.low + clock.low, date.high + clock.high
    )
