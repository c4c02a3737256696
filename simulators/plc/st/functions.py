"""The standard functions (IEC 61131-3:2013, 6.6.2.5): their names and parameters, and how calls are bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.plc.st import numerical, selection, texts, times, tree
from simulators.plc.st.code import WRONG, Code
from simulators.plc.st.conversions import conversion, converted
from simulators.plc.st.convert import as_bits
from simulators.plc.st.errors import StFaultError
from simulators.plc.st.numerical import Handler
from simulators.plc.st.types import DATE, DT, TIME, TOD, Type

if TYPE_CHECKING:
    from simulators.plc.st.expressions import Expressions

MANY = 1000


def standard(lowering: Expressions, name: str, node: tree.Call, wanted: Type | None) -> Code | None:
    """The call of a standard function, None if `name` is not one; `wanted` is the type of what takes it."""
    key = name.upper()
    around: Callable[[int], Type | None]
    if key in _TABLE:
        parameters, least, handler = _TABLE[key]
        through = _THROUGH.get(key, range(0))

        def around(index: int) -> Type | None:
            return wanted if index in through else None

    else:
        found = conversion(key)
        if found is None:
            return None
        parameters, least = ("IN",), 1

        def around(_index: int) -> Type | None:
            return found.source

        def handler(lowering: Expressions, node: tree.Call, arguments: list[Code]) -> Code | None:
            code = arguments[0]
            if found.source is not None:
                code = lowering.fit(code, found.source, node.place, key, key)
            return WRONG if code.wrong else converted(code, found, wanted)

    arguments = _bind(lowering, key, node, parameters, least, around)
    if arguments is None or any(a.wrong for a in arguments):
        return WRONG
    if key in _TURNS_BITS:
        arguments[0] = as_bits(arguments[0], wanted)
    result = _handled(lowering, key, node, handler, arguments)
    if result is None:
        types = ", ".join(str(a.type) for a in arguments)
        lowering.scope.error(
            node.place, f"{key} ne s'applique pas à ({types})", f"{key} does not apply to ({types})"
        )
        return WRONG
    return result


def _handled(
    lowering: Expressions, key: str, node: tree.Call, handler: Handler, arguments: list[Code]
) -> Code | None:
    try:
        return handler(lowering, node, arguments)
    except (ZeroDivisionError, OverflowError, ValueError):
        lowering.scope.error(node.place, f"{key} : constante impossible", f"{key}: impossible constant")
        return WRONG
    except StFaultError as error:
        lowering.scope.error(node.place, f"{key} : {error.text.fr}", f"{key}: {error.text.en}")
        return WRONG


def _bind(
    lowering: Expressions,
    key: str,
    node: tree.Call,
    parameters: tuple[str, ...],
    least: int,
    around: Callable[[int], Type | None],
) -> list[Code] | None:
    """The arguments in the order of `parameters`; a last one that ends in `*` may be repeated (IN1, IN2, …).

    `around` says what type is wanted of each.
    """
    found: dict[int, Code] = {}
    for position, argument in enumerate(node.arguments):
        index = position
        if argument.way != "positional":
            named = _index_of(argument.name.upper(), parameters) if argument.way == "input" else None
            if named is None:
                known = ", ".join(p.replace("*", "1, …") for p in parameters)
                lowering.scope.error(
                    argument.place,
                    f"{key} n'a pas de paramètre {argument.name} ; il a : {known}",
                    f"{key} has no parameter {argument.name}; it has: {known}",
                )
                return None
            index = named
        found[index] = lowering.value(argument.value, around(index))
    most = MANY if parameters and parameters[-1].endswith("*") else len(parameters)
    if (
        not least <= len(found) <= most
        or sorted(found) != list(range(len(found)))
        or len(found) != len(node.arguments)
    ):
        wanted = str(least) if least == most else f"{least}…" if most == MANY else f"{least}-{most}"
        lowering.scope.error(
            node.place,
            f"{key} prend {wanted} argument(s), {len(node.arguments)} donné(s)",
            f"{key} takes {wanted} argument(s), {len(node.arguments)} given",
        )
        return None
    return [found[index] for index in sorted(found)]


def _index_of(name: str, parameters: tuple[str, ...]) -> int | None:
    if name in parameters:
        return parameters.index(name)
    repeated = parameters[-1] if parameters else ""
    match = re.fullmatch(r"IN(\d{1,3})", name)
    if match and repeated == "IN*":
        first = 0 if len(parameters) > 1 else 1  # MUX counts its inputs from 0
        return len(parameters) - 1 + int(match.group(1)) - first
    return None


_TWO = ("IN1", "IN2")
_TABLE: dict[str, tuple[tuple[str, ...], int, Handler]] = {
    "ABS": (("IN",), 1, numerical.absolute),
    **{name: (("IN",), 1, numerical.real(function)) for name, function in (
        ("SQRT", "m_sqrt"), ("LN", "m_log"), ("LOG", "m_log10"), ("EXP", "m_exp"), ("SIN", "m_sin"), ("COS", "m_cos"),
        ("TAN", "m_tan"), ("ASIN", "m_asin"), ("ACOS", "m_acos"), ("ATAN", "m_atan"))},
    "ATAN2": (("Y", "X"), 2, numerical.real("m_atan2")),
    "ADD": (("IN*",), 2, numerical.fold("PLUS")),
    "MUL": (("IN*",), 2, numerical.fold("STAR")),
    "SUB": (_TWO, 2, numerical.fold("MINUS")),
    "DIV": (_TWO, 2, numerical.fold("SLASH")),
    "MOD": (_TWO, 2, numerical.fold("MOD")),
    "EXPT": (_TWO, 2, numerical.fold("POWER")),
    "MOVE": (("IN",), 1, numerical.move),
    **{name: (("IN", "N"), 2, numerical.shift("rt_" + name.lower())) for name in ("SHL", "SHR", "ROL", "ROR")},
    **{name: (("IN*",), 2, numerical.fold(name)) for name in ("AND", "OR", "XOR")},
    "NOT": (("IN",), 1, numerical.negate),
    "SEL": (("G", "IN0", "IN1"), 3, selection.sel),
    "MAX": (("IN*",), 2, selection.extreme("max", ">=")),
    "MIN": (("IN*",), 2, selection.extreme("min", "<=")),
    "LIMIT": (("MN", "IN", "MX"), 3, selection.limit),
    "MUX": (("K", "IN*"), 2, selection.mux),
    **{name: (("IN*",), 2, numerical.compare(name)) for name in ("GT", "GE", "EQ", "LE", "LT")},
    "NE": (_TWO, 2, numerical.compare("NE")),
    "LEN": (("IN",), 1, texts.length),
    "LEFT": (("IN", "L"), 2, texts.text("rt_left", "si", texts.same)),
    "RIGHT": (("IN", "L"), 2, texts.text("rt_right", "si", texts.same)),
    "MID": (("IN", "L", "P"), 3, texts.text("rt_mid", "sii", texts.same)),
    "CONCAT": (("IN*",), 2, texts.concat),
    "INSERT": (("IN1", "IN2", "P"), 3, texts.text("rt_insert", "ssi", texts.both)),
    "DELETE": (("IN", "L", "P"), 3, texts.text("rt_delete", "sii", texts.same)),
    "REPLACE": (("IN1", "IN2", "L", "P"), 4, texts.text("rt_replace", "ssii", texts.both)),
    "FIND": (_TWO, 2, texts.find),
    "TIME": ((), 0, times.now),
    "ADD_TIME": (_TWO, 2, times.timed("PLUS", TIME, "time")),
    "ADD_TOD_TIME": (_TWO, 2, times.timed("PLUS", TOD, "time")),
    "ADD_DT_TIME": (_TWO, 2, times.timed("PLUS", DT, "time")),
    "SUB_TIME": (_TWO, 2, times.timed("MINUS", TIME, "time")),
    "SUB_DATE_DATE": (_TWO, 2, times.timed("MINUS", DATE, "date")),
    "SUB_TOD_TIME": (_TWO, 2, times.timed("MINUS", TOD, "time")),
    "SUB_TOD_TOD": (_TWO, 2, times.timed("MINUS", TOD, "tod")),
    "SUB_DT_TIME": (_TWO, 2, times.timed("MINUS", DT, "time")),
    "SUB_DT_DT": (_TWO, 2, times.timed("MINUS", DT, "dt")),
    "MULTIME": (_TWO, 2, times.timed("STAR", TIME, "int", "real")),
    "MUL_TIME": (_TWO, 2, times.timed("STAR", TIME, "int", "real")),
    "DIVTIME": (_TWO, 2, times.timed("SLASH", TIME, "int", "real")),
    "DIV_TIME": (_TWO, 2, times.timed("SLASH", TIME, "int", "real")),
    "CONCAT_DATE_TOD": (_TWO, 2, times.concat_date_tod),
    "CONCAT_DATE": (("YEAR", "MONTH", "DAY"), 3, times.concat("rt_concat_date", DATE)),
    "CONCAT_TOD": (("HOUR", "MINUTE", "SECOND", "MILLISECOND"), 4, times.concat("rt_concat_tod", TOD)),
    "CONCAT_DT": (("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND"), 7,
                  times.concat("rt_concat_dt", DT)),
    "DAY_OF_WEEK": (("IN",), 1, times.day_of_week),
}  # fmt: skip
NAMES = frozenset(_TABLE) | {name.upper() for name in times.SPLITS}
# Functions that give what some of their arguments are, so that what wants the one wants the others.
_THROUGH = {
    **dict.fromkeys(("ABS", "ADD", "MUL", "SUB", "DIV", "MOD", "MOVE", "MAX", "MIN", "LIMIT"), range(MANY)),
    **dict.fromkeys(("AND", "OR", "XOR", "NOT"), range(MANY)),
    **dict.fromkeys(("SHL", "SHR", "ROL", "ROR"), range(1)),
    **dict.fromkeys(("SEL", "MUX"), range(1, MANY)),
}
_TURNS_BITS = frozenset(("NOT", "SHL", "SHR", "ROL", "ROR"))
