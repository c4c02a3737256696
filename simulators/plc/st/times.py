"""Standard functions on times and dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    SUM,
    Code,
    calculated,
    call,
    canonical,
    constant,
)
from simulators.plc.st.numerical import Handler
from simulators.plc.st.runtime import NAMESPACE
from simulators.plc.st.types import (
    ANY_INT,
    DATE,
    DT,
    TIME,
    TOD,
    USINT,
    VOID,
    Elementary,
    Parameter,
    Subrange,
    is_kind,
)
from simulators.plc.st.unit import Function

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


def concat(name: str, of: Elementary) -> Handler:
    """CONCAT_DATE, CONCAT_TOD, CONCAT_DT: from whole numbers."""

    def handler(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
        if not all(is_kind(a.type, "int") for a in arguments):
            return None
        codes = [canonical(a) for a in arguments]
        values = [code.constant for code in codes if code.constant is not None]
        if len(values) == len(codes):
            function: Callable[..., int] = NAMESPACE[name]
            return constant(of, function(*values))
        return Code(call(name, *codes), of, ATOM, None, of.low, of.high)

    return handler


def day_of_week(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """DAY_OF_WEEK: 0 is Sunday."""
    if arguments[0].type is not DATE:
        return None
    return Code(call("rt_day_of_week", canonical(arguments[0])), USINT, ATOM, None, 0, 6)


def _split(name: str, of: Elementary, **outputs: tuple[int, int]) -> Function:
    parameters = {"in": Parameter("IN", of, "VAR_INPUT", "0")}
    for output, (low, high) in outputs.items():
        parameters[output] = Parameter(output.upper(), Subrange(ANY_INT, low, high), "VAR_OUTPUT")
    return Function(name, "rt_" + name.lower(), VOID, parameters)


_DAY = {"year": (1, 9999), "month": (1, 12), "day": (1, 31)}
_CLOCK = {"hour": (0, 23), "minute": (0, 59), "second": (0, 59), "millisecond": (0, 999)}
# Functions that are called for their outputs, which fit any integer variable that is large enough.
SPLITS = {
    "split_date": _split("SPLIT_DATE", DATE, **_DAY),
    "split_tod": _split("SPLIT_TOD", TOD, **_CLOCK),
    "split_dt": _split("SPLIT_DT", DT, **_DAY, **_CLOCK),
}
