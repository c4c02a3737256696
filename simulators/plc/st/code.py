"""Fragments of generated Python: the text of an expression with what is proved about its value."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from simulators.plc.st.literals import Constant
from simulators.plc.st.runtime import single
from simulators.plc.st.types import ANY_INT, BOOL, ERROR, Elementary, Enumeration, Text, Type, is_kind

# Python's own precedences, loosest first.
LOOSE, OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, SIGN, POWER, ATOM = range(14)
RAW_LIMIT = 1 << 130
_PLAIN = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Code:
    """An expression. `low` … `high` bound an integer or time and may pass its type's range, until `canonical` wraps it:
    sums and products may be wrapped once, at the end. `exact`: a real already has its type's precision.
    """

    text: str
    type: Type
    precedence: int = ATOM
    constant: Constant | None = None
    low: int = 0
    high: int = 0
    exact: bool = True

    def at(self, precedence: int) -> str:
        """The text, in brackets if it binds looser than `precedence`."""
        return self.text if self.precedence >= precedence else f"({self.text})"

    @property
    def wrong(self) -> bool:
        """Was an error reported in it?"""
        return isinstance(self.type, Elementary) and self.type.kind == "error"

    @property
    def plain(self) -> bool:
        """Is it cheap, and safe, to write twice?"""
        return self.constant is not None or _PLAIN.fullmatch(self.text) is not None


WRONG = Code("0", ERROR)


def constant(of: Type, value: Constant) -> Code:
    """The code of a constant."""
    if isinstance(value, float) and math.isinf(value):
        text, precedence = ("1e999" if value > 0 else "-1e999"), ATOM if value > 0 else SIGN
    else:
        text = ascii(value)
        precedence = SIGN if text.startswith("-") else ATOM
    number = int(value) if isinstance(value, int) else 0
    return Code(text, of, precedence, value, number, number)


def variable(text: str, of: Type) -> Code:
    """The code that reads a variable."""
    if isinstance(of, Elementary):
        return Code(text, of, low=of.low, high=of.high)
    if isinstance(of, Enumeration):
        return Code(text, of, low=min(of.labels.values()), high=max(of.labels.values()))
    return Code(text, of)


def canonical(code: Code) -> Code:
    """Bring an integer or time that may overflow back into its type, modulo its width."""
    of = code.type
    if not isinstance(of, Elementary) or of is ANY_INT or of.kind not in ("int", "time", "date", "dt", "tod"):
        return code
    if of.low <= code.low and code.high <= of.high:
        return code
    if of.kind == "tod":
        return Code(f"{code.at(PRODUCT)} % {of.high + 1}", of, PRODUCT, None, of.low, of.high)
    mask = (1 << of.bits) - 1
    if of.low == 0:
        return Code(f"{code.at(BIT_AND)} & {mask}", of, BIT_AND, None, of.low, of.high)
    text = f"({code.at(SUM)} + {-of.low} & {mask}) - {-of.low}"
    return Code(text, of, SUM, None, of.low, of.high)


def wrap(value: int, of: Elementary) -> int:
    """`value` modulo the width of `of`."""
    span = of.high - of.low + 1
    return (value - of.low) % span + of.low


def calculated(of: Elementary, text: str, precedence: int, low: int, high: int) -> Code:
    """An integer or time result; wrapped at once only where its bound grows beyond reason."""
    code = Code(text, of, precedence, None, low, high)
    return canonical(code) if low < -RAW_LIMIT or high > RAW_LIMIT else code


def boolean(text: str, precedence: int) -> Code:
    """A Boolean result."""
    return Code(text, BOOL, precedence, None, 0, 1)


def call(name: str, *arguments: Code | str) -> str:
    """The text of a call of a runtime function."""
    texts = (a if isinstance(a, str) else a.at(LOOSE) for a in arguments)
    return f"{name}({', '.join(texts)})"


def rounded(code: Code) -> Code:
    """A REAL rounded to single precision, or an LREAL made a float, as an expression."""
    if not is_kind(code.type, "real"):
        return code
    assert isinstance(code.type, Elementary)
    if isinstance(code.constant, float):
        return constant(code.type, round_constant(code.constant, code.type))
    if code.exact:
        return code
    name = "rt_single" if code.type.bits == 32 else "float"
    return Code(call(name, code), code.type)


def round_constant(value: float, of: Elementary) -> float:
    """`value` with the precision of `of`."""
    return single(value) if of.bits == 32 else float(value)


def retyped(code: Code, of: Type) -> Code:
    """The same text, seen as another type."""
    return replace(code, type=of)


def size_of_text(code: Code) -> int:
    """The longest string that it may give."""
    return code.type.length if isinstance(code.type, Text) else 0
