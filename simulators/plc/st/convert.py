"""Which type may stand for which: implicit widening (IEC 61131-3:2013, figure 11) and literals."""

import math

from simulators.plc.st.code import LOOSE, Code, canonical, constant, retyped, round_constant
from simulators.plc.st.literals import Constant
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    BOOL,
    DINT,
    ERROR,
    INTEGERS,
    LREAL,
    REAL,
    SIGNED,
    Array,
    Elementary,
    Enumeration,
    Subrange,
    Text,
    Type,
    base,
    is_kind,
)


def common(a: Code, b: Code) -> Type | None:
    """The type in which two operands meet, None if there is none."""
    ta, tb = base(a.type), base(b.type)
    if ta is tb:
        return ta
    if isinstance(ta, Text) and isinstance(tb, Text):
        return ta if ta.length >= tb.length else tb
    if isinstance(ta, Enumeration) or isinstance(tb, Enumeration):
        return _common_enumeration(a, b)
    if not (isinstance(ta, Elementary) and isinstance(tb, Elementary)):
        return None
    if "real" in (ta.kind, tb.kind):
        return _common_real(ta, tb)
    if tb is ANY_INT:
        return _with_literal(ta, b)
    if ta is ANY_INT:
        return _with_literal(tb, a)
    if ta.kind == tb.kind == "int":
        return _widest(min(ta.low, tb.low), max(ta.high, tb.high))
    if ta.kind == tb.kind == "bits":
        return ta if ta.bits >= tb.bits else tb
    return None


def _common_enumeration(a: Code, b: Code) -> Type | None:
    """A label meets integers as one of its own integer type."""
    if isinstance(a.type, Enumeration) and is_kind(b.type, "int"):
        return common(retyped(a, a.type.base), b)
    if isinstance(b.type, Enumeration) and is_kind(a.type, "int"):
        return common(a, retyped(b, b.type.base))
    return None


def _common_real(ta: Elementary, tb: Elementary) -> Type | None:
    for of, other in ((ta, tb), (tb, ta)):
        if of.kind == "real" and other.kind == "int":
            if other is ANY_INT or other.bits <= 16:
                return REAL if of is ANY_REAL and other is not ANY_INT else of
            return LREAL if other.bits <= 32 else None
    if ta.kind != tb.kind:
        return None
    if ANY_REAL in (ta, tb):
        return tb if ta is ANY_REAL else ta
    return LREAL


def _with_literal(of: Elementary, literal: Code) -> Type | None:
    low, high = literal.low, literal.high
    if of.kind == "bool":
        return of if literal.constant in (0, 1) else None
    if of.kind == "bits":
        return of if low >= 0 and high <= of.high else None
    if of.kind == "int":
        return of if of.low <= low and high <= of.high else _widest(min(of.low, low), max(of.high, high))
    return None


def _widest(low: int, high: int) -> Elementary | None:
    fitting = [t for t in INTEGERS if t.low <= low and high <= t.high]
    return min(fitting, key=lambda t: (t.bits, t not in SIGNED)) if fitting else None


def natural(code: Code) -> Code:
    """An untyped literal where nothing says its type: DINT (LINT if need be) or LREAL."""
    if code.type is ANY_INT and isinstance(code.constant, int):
        of = DINT if DINT.low <= code.constant <= DINT.high else _widest(code.constant, code.constant)
        return constant(of or ERROR, code.constant)
    if code.type is ANY_REAL and code.constant is not None:
        return constant(LREAL, float(code.constant))
    if code.type in (ANY_INT, ANY_REAL):
        return implicit(code, DINT if code.type is ANY_INT else LREAL) or code
    return code


def as_bits(code: Code, wanted: Type | None) -> Code:
    """An untyped literal as the bit string that is wanted: what turns its bits around must know how many there are."""
    if code.type is not ANY_INT or wanted is None or not is_kind(wanted, "bits"):
        return code
    return implicit(code, wanted) or code


def implicit(code: Code, to: Type) -> Code | None:
    """`code` as a value of `to` where the standard lets it become one unsaid, else None."""
    to_base = base(to)
    of = code.type
    if code.wrong or is_kind(to_base, "error"):
        return code
    if of is to_base:
        return canonical(code)
    if isinstance(to_base, Text):
        return _as_text(code, to_base)
    if isinstance(of, Array) and isinstance(to_base, Array):
        return code if of == to_base else None
    if isinstance(of, Enumeration):
        suits = is_kind(to_base, "int") or to_base is of.base
        return retyped(code, to_base) if suits and _holds(to_base, code) else None
    if not (isinstance(of, Elementary) and isinstance(to_base, Elementary)):
        return None
    if code.constant is None and of in (ANY_INT, ANY_REAL):
        return _unsaid(code, of, to_base)
    if of is ANY_INT or of is ANY_REAL:
        value = literal_as(code.constant, to_base)
        return None if value is None else constant(to_base, value)
    return _widened(code, of, to_base)


def _unsaid(code: Code, of: Elementary, to: Elementary) -> Code | None:
    """A choice between untyped literals, such as SEL(g, 1, 2)."""
    if to.kind == "real":
        return Code(code.text, to, code.precedence, exact=to is LREAL and of is ANY_REAL and code.exact)
    return retyped(code, to) if of is ANY_INT and to.kind in ("int", "bits") and _holds(to, code) else None


def _holds(of: Type, code: Code) -> bool:
    return isinstance(of, Elementary) and of.low <= code.low and code.high <= of.high


def _as_text(code: Code, to: Text) -> Code | None:
    if not isinstance(code.type, Text):
        return None
    if isinstance(code.constant, str):
        return constant(to, code.constant[: to.length])
    if code.type.length <= to.length:
        return retyped(code, to)
    return Code(f"{code.at(13)}[:{to.length}]", to)


def _widened(code: Code, of: Elementary, to: Elementary) -> Code | None:
    if of.kind == to.kind == "int" and to.low <= of.low and of.high <= to.high:
        return retyped(canonical(code), to)
    if of.kind == to.kind == "bits" and of.bits <= to.bits:
        return retyped(code, to)
    if to.kind == "real" and of.kind == "int" and of.bits <= to.bits // 2:
        if code.constant is not None:
            return constant(to, float(code.constant))
        return Code(canonical(code).at(LOOSE), to, canonical(code).precedence, exact=False)
    if of is REAL and to is LREAL:
        if code.constant is not None:
            return constant(to, code.constant)
        return Code(code.text, to, code.precedence, exact=code.exact)
    return None


def literal_as(value: Constant | None, to: Elementary) -> Constant | None:
    """An untyped literal's value as one of `to`, None if `to` does not have it."""
    if to.kind == "real" and isinstance(value, int | float):
        result = round_constant(float(value), to)
        return None if math.isinf(result) and not math.isinf(value) else result
    if not isinstance(value, int):
        return None
    if to is BOOL:
        return bool(value) if value in (0, 1) else None
    if to.kind in ("int", "bits"):
        return value if to.low <= value <= to.high else None
    return None


def remedy(of: Type, to: Type) -> str:
    """The conversion function that would help, empty if there is none."""
    of, to = base(of), base(to)
    known = (Elementary, Text)
    if not (isinstance(of, known) and isinstance(to, known)) or of in (ANY_INT, ANY_REAL):
        return ""
    if isinstance(of, Elementary) and isinstance(to, Elementary) and not _converts(of, to):
        return ""
    source = "STRING" if isinstance(of, Text) else of.name
    target = "STRING" if isinstance(to, Text) else to.name
    return f"{source}_TO_{target}" if source != target else ""


def _converts(of: Elementary, to: Elementary) -> bool:
    if to.kind == "time":
        return of.kind in ("int", "bits", "real")
    return to.kind not in ("date", "tod", "dt") or (of.kind, to.kind) in _MOMENTS


_MOMENTS = (("dt", "date"), ("dt", "tod"), ("date", "dt"))

__all__ = ["Subrange", "as_bits", "common", "implicit", "literal_as", "natural", "remedy"]
