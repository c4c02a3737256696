"""Standard functions that choose: SEL, MAX, MIN, LIMIT, MUX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    COMPARE,
    LOOSE,
    Code,
    call,
    canonical,
)
from simulators.plc.st.convert import common, implicit
from simulators.plc.st.numerical import Handler
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    BOOL,
    Elementary,
    Text,
    Type,
    is_kind,
)

if TYPE_CHECKING:
    from simulators.plc.st.expressions import Expressions


def unify(arguments: list[Code]) -> list[Code] | None:
    """All of them in one type."""
    meeting = arguments[0]
    for argument in arguments[1:]:
        of = common(meeting, argument)
        if of is None:
            return None
        low, high = min(meeting.low, argument.low), max(meeting.high, argument.high)
        kept = meeting.constant if meeting.type is of else argument.constant
        meeting = Code("", of, ATOM, kept if of in (ANY_INT, ANY_REAL) else None, low, high)
    of = meeting.type
    if of in (ANY_INT, ANY_REAL):
        return [Code(a.text, of, a.precedence, a.constant, a.low, a.high, exact=False) for a in arguments]
    result = [implicit(canonical(a), of) for a in arguments]
    return None if None in result else [code for code in result if code is not None]


def sel(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """SEL: IN1 if G, else IN0."""
    selector = implicit(arguments[0], BOOL)
    values = unify(arguments[1:])
    if selector is None or values is None:
        return None
    zero, one = values
    text = f"{one.at(LOOSE + 1)} if {selector.at(LOOSE + 1)} else {zero.at(LOOSE + 1)}"
    return _chosen(text, values)


def _chosen(text: str, values: list[Code]) -> Code:
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Code(f"({text})", values[0].type, ATOM, None, low, high, all(v.exact for v in values))


def extreme(name: str, sign: str) -> Handler:
    """MAX or MIN."""

    def handler(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
        values = unify(arguments)
        if values is None or not _ordered(values[0].type):
            return None
        pick = max if name == "max" else min
        low, high = pick(v.low for v in values), pick(v.high for v in values)
        exact = all(v.exact for v in values)
        if len(values) == 2 and all(v.plain for v in values):
            a, b = (v.at(COMPARE + 1) for v in values)
            return Code(f"({a} if {a} {sign} {b} else {b})", values[0].type, ATOM, None, low, high, exact)
        return Code(call(name, *values), values[0].type, ATOM, None, low, high, exact)

    return handler


def _ordered(of: Type) -> bool:
    return isinstance(of, Elementary | Text)


def limit(lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """LIMIT."""
    values = unify(arguments)
    if values is None or not _ordered(values[0].type):
        return None
    least, value, most = values
    low, high = min(least.low, most.low), max(least.high, most.high)
    exact = all(v.exact for v in values)
    if not (least.plain and most.plain):
        return Code(
            f"min(max({value.text}, {least.text}), {most.text})", value.type, ATOM, None, low, high, exact
        )
    first = again = value.at(COMPARE + 1)
    if not value.plain:
        again = lowering.scope.temporary()
        first = f"({again} := {value.text})"
    text = f"({least.text} if {first} < {least.text} else {most.text} if {again} > {most.text} else {again})"
    return Code(text, value.type, ATOM, None, low, high, exact)


def mux(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """MUX: the K-th input, from 0."""
    selector, values = canonical(arguments[0]), unify(arguments[1:])
    if not is_kind(selector.type, "int") or values is None:
        return None
    return _chosen(f"rt_pick({selector.text}, ({', '.join(v.text for v in values)},))", values)
