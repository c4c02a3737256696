"""Conversion functions: `INT_TO_REAL`, `TO_DINT`, `REAL_TRUNC_INT`, `TRUNC`, between any two elementary types; those to
and from binary coded decimal: `WORD_BCD_TO_UINT`, `BCD_TO_UINT`, `UINT_TO_BCD_WORD`, `TO_BCD_WORD`, `UINT_TO_BCD`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulators.plc.st.code import (
    ATOM,
    COMPARE,
    LOOSE,
    PRODUCT,
    Code,
    boolean,
    call,
    canonical,
    constant,
    retyped,
)
from simulators.plc.st.convert import implicit, natural
from simulators.plc.st.runtime import bcd_to_int, int_to_bcd, real_to_int, trunc
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    BIT_STRINGS,
    BOOL,
    DATE,
    DAY_NS,
    DINT,
    DT,
    LWORD,
    NAMED,
    STRING,
    TIME,
    TOD,
    ULINT,
    UNSIGNED,
    Elementary,
    Enumeration,
    Text,
    Type,
    base,
    is_kind,
)

_NAME = re.compile(
    r"(?:(?P<source>(?!BCD_)[A-Z_]+?)_)?(?P<way>BCD_TO|TO_BCD|TO|TRUNC)(?:(?<=BCD)|_(?P<target>[A-Z_]+))"
)
# Which of the types, by kind and sign, a way of converting takes and gives (table 22 of the standard); others do so at the call.
_ENDS = {"BCD_TO": (BIT_STRINGS, UNSIGNED), "TO_BCD": (UNSIGNED, BIT_STRINGS)}
BCD_NAMES = tuple(
    f"{source}{way}_{target}"
    for way, (sources, targets) in _ENDS.items()
    for source in ("", *(f"{of}_" for of in sources))
    for target in targets
)
_MS = 1_000_000
_SECOND = 1_000_000_000
_TEXT_OF = {"time": "rt_time_to_string", "date": "rt_date_to_string", "tod": "rt_tod_to_string",
            "dt": "rt_dt_to_string", "bits": "rt_bits_to_string"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversion:
    """`way` is TO, TRUNC, BCD_TO or TO_BCD; no `source`: any; no `target`: what takes the result says it."""

    source: Type | None
    target: Type | None
    way: str


def conversion(name: str) -> Conversion | None:
    """The conversion called `name`, None if it is none."""
    if name == "TRUNC":
        return Conversion(None, None, "TRUNC")
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    way = match["way"]
    source, target = NAMED.get((match["source"] or "").lower()), NAMED.get((match["target"] or "").lower())
    if (match["source"] and source is None) or (target is None and (match["target"] or way != "TO_BCD")):
        return None
    if way in _ENDS:
        sources, targets = _ENDS[way]
        if (source is not None and source not in sources) or (target is not None and target not in targets):
            return None
    return Conversion(source, target, way)


def converted(code: Code, by: Conversion, wanted: Type | None) -> Code | None:
    """`code` converted; None where the standard has no such conversion."""
    if by.way in _ENDS:
        return _from_bcd(code, by.target) if by.way == "BCD_TO" else _to_bcd(code, by.target, wanted)
    code = natural(code)
    code = canonical(code)
    if isinstance(code.type, Enumeration):
        code = retyped(code, code.type.base)
    if not isinstance(code.type, Elementary | Text):
        return None
    if by.way == "TRUNC":
        return _truncated(code, by.target or _integer(wanted))
    if isinstance(by.target, Text):
        return _to_text(code)
    assert isinstance(by.target, Elementary)
    if isinstance(code.type, Text):
        return _from_text(code, by.target)
    return _elementary(code, by.target)


def _integer(wanted: Type | None) -> Elementary:
    """What TRUNC gives: the integer that is wanted, DINT where none is."""
    of = base(wanted) if wanted is not None else DINT
    return of if isinstance(of, Elementary) and of.kind == "int" and of is not ANY_INT else DINT


def _truncated(code: Code, target: Type) -> Code | None:
    if not is_kind(code.type, "real") or not is_kind(target, "int"):
        return None
    assert isinstance(target, Elementary)
    if isinstance(code.constant, float):
        return constant(target, trunc(code.constant, target.low, target.high))
    text = call("rt_trunc", code, str(target.low), str(target.high))
    return Code(text, target, ATOM, None, target.low, target.high)


def _from_bcd(code: Code, target: Type | None) -> Code | None:
    if code.type is ANY_INT:
        code = implicit(code, LWORD) or code
    if code.type not in BIT_STRINGS or not isinstance(target, Elementary):
        return None
    if isinstance(code.constant, int):
        return constant(target, bcd_to_int(code.constant, target.high))
    text = call("rt_bcd_to_int", code, str(target.high))
    assert isinstance(code.type, Elementary)
    return Code(text, target, ATOM, None, 0, min(target.high, 10 ** (code.type.bits // 4) - 1))


def _to_bcd(code: Code, target: Type | None, wanted: Type | None) -> Code | None:
    if code.type is ANY_INT:
        code = implicit(code, ULINT) or code
    if code.type not in UNSIGNED:
        return None
    code = canonical(code)
    if target is None:
        own = BIT_STRINGS[UNSIGNED.index(code.type)]
        target = wanted if wanted in BIT_STRINGS else own
    assert isinstance(target, Elementary)
    if isinstance(code.constant, int):
        return constant(target, int_to_bcd(code.constant, target.bits // 4))
    return Code(call("rt_int_to_bcd", code, str(target.bits // 4)), target, ATOM, None, 0, target.high)


def _elementary(code: Code, target: Elementary) -> Code | None:
    of = code.type
    assert isinstance(of, Elementary)
    if target.kind == "bool":
        return _to_bool(code)
    if target.kind in ("int", "bits"):
        return _to_integer(code, of, target)
    if target.kind == "real":
        return _to_real(code, of, target)
    return _to_time(code, of, target)


def _to_bool(code: Code) -> Code:
    if code.type is BOOL:
        return code
    if code.constant is not None:
        return constant(BOOL, code.constant != 0)
    return boolean(f"{code.at(COMPARE + 1)} != 0", COMPARE)


def _to_integer(code: Code, of: Elementary, target: Elementary) -> Code | None:
    if of.kind == "bool" and isinstance(code.constant, bool):
        return constant(target, int(code.constant))
    if of.kind == "bool":
        return Code(f"(1 if {code.at(LOOSE + 1)} else 0)", target, ATOM, None, 0, 1)
    if of.kind == "real":
        if isinstance(code.constant, float):
            return constant(target, real_to_int(code.constant, target.low, target.high))
        text = call("rt_real_to_int", code, str(target.low), str(target.high))
        return Code(text, target, ATOM, None, target.low, target.high)
    if of.kind in ("time", "tod", "date", "dt"):
        scale = _MS if of.kind in ("time", "tod") else _SECOND
        text = call("rt_div", code, str(scale))
        return _modulo(Code(text, of, ATOM, None, of.low // scale, of.high // scale), target)
    return _modulo(code, target)


def _modulo(code: Code, target: Elementary) -> Code:
    """The low bits of an integer."""
    if isinstance(code.constant, int):
        span = 1 << target.bits
        return constant(target, (code.constant - target.low) % span + target.low)
    if target.kind == "bits" and not (code.low >= 0 and code.high <= target.high):
        return Code(f"{code.at(7)} & {target.high}", target, 7, None, 0, target.high)
    return canonical(retyped(code, target))


def _to_real(code: Code, of: Elementary, target: Elementary) -> Code | None:
    if of.kind == "bool":
        return Code(f"(1.0 if {code.at(LOOSE + 1)} else 0.0)", target)
    if of.kind in ("time", "tod"):
        return Code(f"{code.at(PRODUCT)} / 1e6", target, PRODUCT, exact=target.bits == 64)
    if of.kind in ("date", "dt"):
        return Code(f"{code.at(PRODUCT)} / 1e9", target, PRODUCT, exact=target.bits == 64)
    if isinstance(code.constant, int | float):
        return implicit(constant(ANY_REAL, float(code.constant)), target)
    exact = of.kind == "real" and code.exact and target.bits >= of.bits
    return Code(code.text, target, code.precedence, exact=exact)


def _to_time(code: Code, of: Elementary, target: Elementary) -> Code | None:
    if target is of:
        return code
    if target is TIME and of.kind in ("int", "bits"):
        text = f"{code.at(PRODUCT)} * {_MS}"
        return canonical(Code(text, TIME, PRODUCT, None, code.low * _MS, code.high * _MS))
    if target is TIME and of.kind == "real":
        text = f"rt_real_to_int({code.at(PRODUCT)} * 1e6, {TIME.low}, {TIME.high})"
        return Code(text, TIME, ATOM, None, TIME.low, TIME.high)
    if of is DT and target is TOD:
        return Code(f"{code.at(PRODUCT)} % {DAY_NS}", TOD, PRODUCT, None, 0, DAY_NS - 1)
    if of is DT and target is DATE:
        return Code(f"{code.at(PRODUCT)} // {DAY_NS} * {DAY_NS}", DATE, PRODUCT, None, DATE.low, DATE.high)
    if of is DATE and target is DT:
        return retyped(code, DT)
    return None


def _to_text(code: Code) -> Code | None:
    of = code.type
    if isinstance(of, Text):
        return code
    assert isinstance(of, Elementary)
    if of.kind == "bool":
        return Code(f"('TRUE' if {code.at(LOOSE + 1)} else 'FALSE')", Text(5))
    if of.kind == "int":
        return Code(call("str", code), Text(20))
    if of.kind == "real":
        return Code(call("rt_real_to_string" if of.bits == 32 else "str", code), Text(24))
    name = _TEXT_OF.get(of.kind)
    return Code(call(name, code), STRING) if name else None


def _from_text(code: Code, target: Elementary) -> Code | None:
    if target.kind == "bool":
        return Code(call("rt_string_to_bool", code), BOOL)
    if target.kind in ("int", "bits"):
        text = call("rt_string_to_int", code, str(target.low), str(target.high))
        return Code(text, target, ATOM, None, target.low, target.high)
    if target.kind == "real":
        return Code(call("rt_string_to_real", code), target, exact=target.bits == 64)
    text = call("rt_string_to_moment", code, repr(target.kind))
    return Code(text, target, ATOM, None, target.low, target.high)
