"""Standard functions on numbers and bit strings, and those that are written as operators too."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
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
from simulators.plc.st.convert import implicit
from simulators.plc.st.runtime import NAMESPACE
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    LREAL,
    REAL,
    Elementary,
    is_kind,
)

if TYPE_CHECKING:
    from simulators.plc.st.expressions import Expressions

Handler = Callable[["Expressions", tree.Call, list[Code]], Code | None]


def fold(op: str) -> Handler:
    """An operator over all the arguments."""

    def handler(lowering: Expressions, node: tree.Call, arguments: list[Code]) -> Code | None:
        result = arguments[0]
        for argument in arguments[1:]:
            result = lowering.combine(op, result, argument, node.place)
        return result

    return handler


def compare(op: str) -> Handler:
    """`GT(a, b, c)` is a > b AND b > c."""

    def handler(lowering: Expressions, node: tree.Call, arguments: list[Code]) -> Code | None:
        pairs = pairwise(arguments)
        result: Code | None = None
        for a, b in pairs:
            one = lowering.combine(op, a, b, node.place)
            result = one if result is None else lowering.combine("AND", result, one, node.place)
        return result

    return handler


def negate(lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """NOT."""
    return lowering.negated(arguments[0])


def move(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """MOVE: the argument itself."""
    return arguments[0]


def absolute(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """ABS."""
    code = canonical(arguments[0])
    if not is_kind(code.type, "int", "real", "time"):
        return None
    assert isinstance(code.type, Elementary)
    if isinstance(code.constant, int | float):
        return constant(code.type, abs(code.constant))
    if is_kind(code.type, "real"):
        return Code(call("abs", code), code.type, exact=code.exact)
    return calculated(code.type, call("abs", code), ATOM, 0, max(abs(code.low), abs(code.high)))


def _as_real(code: Code) -> Code | None:
    """An argument of a function on reals: integers become the real that holds them."""
    if code.type is ANY_INT or code.type is ANY_REAL:
        return implicit(code, LREAL)
    if is_kind(code.type, "real"):
        return code
    return implicit(code, REAL) or implicit(code, LREAL)


def _meeting(arguments: list[Code], reals: list[Code]) -> Elementary:
    """Of the result: literals leave it to the other arguments, and to what is around when there are none."""
    typed = [r.type for a, r in zip(arguments, reals, strict=True) if a.type not in (ANY_INT, ANY_REAL)]
    if not typed:
        return ANY_REAL
    return LREAL if LREAL in typed else REAL


def real(name: str) -> Handler:
    """A function of Python's `math` on reals."""

    def handler(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
        codes = [_as_real(a) for a in arguments]
        if None in codes:
            return None
        known = [code for code in codes if code is not None]
        of = _meeting(arguments, known)
        values = [float(code.constant) for code in known if code.constant is not None]
        if len(values) == len(known):
            function: Callable[..., float] = NAMESPACE[name]
            return constant(of, function(*values))
        return Code(call(name, *known), of, exact=of is LREAL)

    return handler


# Bit strings


def shift(name: str) -> Handler:
    """SHL, SHR, ROL, ROR; a constant SHL or SHR is written in place."""

    def handler(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
        value, count = arguments[0], canonical(arguments[1])
        if not is_kind(value.type, "bits") or not is_kind(count.type, "int"):
            return None
        assert isinstance(value.type, Elementary)
        bits = value.type.bits
        if name in ("rt_shl", "rt_shr") and isinstance(count.constant, int) and 0 <= count.constant < bits:
            return _constant_shift(name, value, count.constant, bits)
        extra = () if name == "rt_shr" else (str(bits),)
        return Code(call(name, value, count, *extra), value.type, ATOM, None, 0, value.type.high)

    return handler


def _constant_shift(name: str, value: Code, count: int, bits: int) -> Code:
    mask = (1 << bits) - 1
    if name == "rt_shr":
        return Code(f"{value.at(SUM)} >> {count}", value.type, 8, None, 0, mask >> count)
    return Code(f"{value.at(SUM)} << {count} & {mask}", value.type, 7, None, 0, mask)
