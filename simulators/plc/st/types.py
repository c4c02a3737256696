"""The data types of a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["bool", "int", "bits", "real", "time", "date", "tod", "dt", "error"]
STRING_DEFAULT, STRING_LIMIT = 80, 1024
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Elementary:
    """An elementary type; `low` and `high` bound what an integer of it may be, times being nanoseconds."""

    name: str
    kind: Kind
    bits: int
    low: int = 0
    high: int = 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Text:
    """STRING[length]."""

    length: int

    def __str__(self) -> str:
        return f"STRING[{self.length}]"


@dataclass(slots=True, eq=False)
class Enumeration:
    """Kept as the integers, of type `base`, of its labels (their lower-case names)."""

    name: str
    labels: dict[str, int]
    initial: int
    base: Elementary

    @property
    def is_unnamed(self) -> bool:
        """Was it declared with a variable?"""
        return self.name.startswith("(")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Subrange:
    """An integer type narrowed to `low` … `high`."""

    base: Elementary
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.base}({self.low}..{self.high})"


@dataclass(frozen=True, slots=True)
class Array:
    """`bounds` per dimension, inclusive; kept flat, the last index moving fastest."""

    bounds: tuple[tuple[int, int], ...]
    element: Type

    @property
    def size(self) -> int:
        """How many elements it holds."""
        total = 1
        for low, high in self.bounds:
            total *= high - low + 1
        return total

    def __str__(self) -> str:
        bounds = ", ".join(f"{low}..{high}" for low, high in self.bounds)
        return f"ARRAY [{bounds}] OF {self.element}"


@dataclass(slots=True, eq=False)
class Field:
    """A field of a structure, with the Python text of its initial value."""

    name: str
    type: Type
    initial: str


@dataclass(slots=True, eq=False)
class Structure:
    name: str
    fields: dict[str, Field] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class Parameter:
    """An input, output or in-out of a block or function; `default` is Python text."""

    name: str
    type: Type
    section: str
    default: str = ""


@dataclass(slots=True, eq=False)
class Block:
    """A function block type; `python` names its class in the generated module."""

    name: str
    parameters: dict[str, Parameter]
    python: str
    cells: int = 8
    weight: int = 5
    variables: dict[str, Type] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


Type = Elementary | Text | Enumeration | Subrange | Array | Structure | Block


def _integer(name: str, bits: int, signed: bool) -> Elementary:
    half = 1 << (bits - 1)
    return Elementary(name, "int", bits, -half if signed else 0, half - 1 if signed else 2 * half - 1)


def _bits(name: str, bits: int) -> Elementary:
    return Elementary(name, "bits", bits, 0, (1 << bits) - 1)


_INT64 = (-(1 << 63), (1 << 63) - 1)
BOOL = Elementary("BOOL", "bool", 1, 0, 1)
SINT, INT, DINT, LINT = (
    _integer(n, b, True) for n, b in (("SINT", 8), ("INT", 16), ("DINT", 32), ("LINT", 64))
)
USINT, UINT, UDINT, ULINT = (
    _integer(n, b, False) for n, b in (("USINT", 8), ("UINT", 16), ("UDINT", 32), ("ULINT", 64))
)
BYTE, WORD, DWORD, LWORD = (_bits(n, b) for n, b in (("BYTE", 8), ("WORD", 16), ("DWORD", 32), ("LWORD", 64)))
REAL = Elementary("REAL", "real", 32)
LREAL = Elementary("LREAL", "real", 64)
TIME = Elementary("TIME", "time", 64, *_INT64)
DATE = Elementary("DATE", "date", 64, *_INT64)
TOD = Elementary("TOD", "tod", 64, 0, DAY_NS - 1)
DT = Elementary("DT", "dt", 64, *_INT64)
STRING = Text(STRING_DEFAULT)
# Pseudo types: of an untyped literal, which takes the type of what is around it, and of what is wrong already.
ANY_INT = Elementary("ANY_INT", "int", 0, *_INT64)
ANY_REAL = Elementary("ANY_REAL", "real", 0)
ERROR = Elementary("?", "error", 0)
VOID = Elementary("VOID", "error", 1)

SIGNED = (SINT, INT, DINT, LINT)
UNSIGNED = (USINT, UINT, UDINT, ULINT)
INTEGERS = (*SIGNED, *UNSIGNED)
BIT_STRINGS = (BYTE, WORD, DWORD, LWORD)
_ELEMENTARY = (BOOL, *INTEGERS, *BIT_STRINGS, REAL, LREAL, TIME, DATE, TOD, DT)
NAMED: dict[str, Type] = {
    **{t.name.lower(): t for t in _ELEMENTARY},
    "string": STRING,
    "wstring": STRING,
    "ltime": TIME,
    "ldate": DATE,
    "ltod": TOD,
    "time_of_day": TOD,
    "ldt": DT,
    "date_and_time": DT,
    "char": Text(1),
}


def base(of: Type) -> Type:
    """The type that values of `of` have in an expression."""
    return of.base if isinstance(of, Subrange) else of


def is_kind(of: Type, *kinds: str) -> bool:
    """Is it elementary and of one of these kinds?"""
    return isinstance(of, Elementary) and of.kind in kinds


def holds_block(of: Type) -> bool:
    """Is it, or is in it, a function block instance, which cannot be copied?"""
    if isinstance(of, Array):
        return holds_block(of.element)
    if isinstance(of, Structure):
        return any(holds_block(f.type) for f in of.fields.values())
    return isinstance(of, Block)


def cells(of: Type) -> int:
    """How many elementary values it holds: what limits on memory count."""
    if isinstance(of, Array):
        return of.size * cells(of.element)
    if isinstance(of, Structure):
        return 1 + sum(cells(f.type) for f in of.fields.values())
    if isinstance(of, Block):
        return of.cells
    return 1
