"""Standard functions that choose: SEL, MAX, MIN, LIMIT, MUX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    COMPARE,
    LOOSE,
    Code,
    call,
    canonical,
    constant,
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
        return [_literal(a, of) for a in arguments]
    result = [implicit(canonical(a), of) for a in arguments]
    return None if None in result else [code for code in result if code is not None]


def _literal(code: Code, of: Type) -> Code:
    if of is ANY_REAL and isinstance(code.constant, int | float):
        return constant(of, float(code.constant))
    return Code(code.text, of, code.precedence, code.constant, code.low, code.high, exact=False)


def sel(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """SEL: IN1 if G, else IN0."""
    selector = implicit(arguments[0], BOOL)
    values = unify(arguments[1:])
    if selector is None or values is None:
        return None
    zero, one = values
    if selector.constant is not None and _constants(values) is not None:
        return one if selector.constant else zero
    text = f"{one.at(LOOSE + 1)} if {selector.at(LOOSE + 1)} else {zero.at(LOOSE + 1)}"
    return _chosen(text, values)


def _constants(values: list[Code]) -> list[Any] | None:
    """What they are worth, None unless all of them are constants."""
    found = [v.constant for v in values if v.constant is not None]
    return found if len(found) == len(values) else None


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
        constants = _constants(values)
        if constants is not None:
            return values[constants.index(pick(constants))]
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
    constants = _constants(values)
    if constants is not None:
        return values[constants.index(min(max(constants[1], constants[0]), constants[2]))]
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
    if isinstance(selector.constant, int) and not 0 <= selector.constant < len(values):
        raise ValueError
    if isinstance(selector.constant, int) and _constants(values) is not None:
        return values[selector.constant]
    return _chosen(f"rt_pick({selector.text}, ({', '.join(v.text for v in values)},))", values)
