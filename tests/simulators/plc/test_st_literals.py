"""Expressions made of untyped literals take the type of what is around them."""

import math
from typing import Any

import pytest

from simulators.plc.st.errors import StError
from simulators.plc.st.runtime import single
from tests.simulators.plc.rack import Rack, body, result

REALS: list[tuple[str, float]] = [
    ("2.0 ** 3.0", 8.0),
    ("EXPT(2.0, 10)", 1024.0),
    ("EXPT(2, 10)", 1024.0),
    ("-(2.0 ** 0.5) * 3", -math.sqrt(2) * 3),
    ("2 ** -1", 0.5),
    ("2 ** 100", 2.0**100),
    ("SQRT(2)", math.sqrt(2)),
    ("ATAN2(1.0, 2) / 2", math.atan2(1, 2) / 2),
    ("ABS(-2.5) + LN(10.0)", 2.5 + math.log(10)),
    ("ADD(1, MUL(2, 0.1), SUB(1.0, DIV(1.0, 3)))", 1 + 0.2 + 2 / 3),
    ("MAX(0.1, MIN(0.2, 3))", 0.2),
    ("LIMIT(0.0, 1 - 0.9, 1)", 0.1),
    ("SEL(TRUE, 1, 0.1)", 0.1),
    ("MUX(1, 5.0, 0.1)", 0.1),
    ("MOVE(0.1)", 0.1),
    ("1 / 3", 0.0),  # integer literals divide as integers
]


@pytest.mark.parametrize(("expression", "expected"), REALS)
def test_they_are_real_or_lreal_as_is_needed(expression: str, expected: float) -> None:
    assert result("LREAL", expression) == pytest.approx(expected, rel=1e-15)
    assert result("REAL", expression) == single(result("LREAL", expression))
    source = (
        f"PROGRAM main VAR CONSTANT k : REAL := {expression}; END_VAR "
        f"VAR a : ARRAY [0..1] OF REAL := [{expression}, 0.0]; t : REAL := 1.0; below : BOOL; END_VAR "
        f"t := t * ({expression}); below := t = k; END_PROGRAM"
    )
    rack = Rack(source).run()
    assert rack["a"][0] == rack["t"] == single(result("LREAL", expression))
    assert rack["below"] is True


VARIABLES = "b : BOOL := TRUE; i : INT := 3; d : DINT := 3; r : REAL := 2.0; l : LREAL := 2.0;"
CHOSEN: list[tuple[str, float]] = [
    ("2.0 ** i", 8.0),
    ("2 ** d", 8.0),
    ("EXPT(2.0, r)", 4.0),
    ("2.0 ** l", 4.0),
    ("SEL(b, 1, 2.5) * 2", 5.0),
    ("SEL(b, 1, 2) ** 2", 4.0),
    ("-SEL(b, 1.0, 2)", -2.0),
    ("SQRT(SEL(b, 1, 4))", 2.0),
    ("ABS(SEL(b, 1.0, -4))", 4.0),
    ("MUX(i, 0, 1, 2.0, 3)", 3.0),
]


@pytest.mark.parametrize(("expression", "expected"), CHOSEN)
def test_so_are_those_that_a_variable_chooses_from_or_raises(expression: str, expected: float) -> None:
    for of in ("REAL", "LREAL"):
        got = result(of, expression, VARIABLES)
        assert got == expected
        assert type(got) is float


def test_a_literal_beside_a_variable_leaves_the_type_to_it() -> None:
    assert result("REAL", "ATAN2(r, 1)", VARIABLES) == single(math.atan2(2, 1))
    assert result("REAL", "r ** 2", VARIABLES) == 4.0
    assert result("LREAL", "l * SQRT(2.0)", VARIABLES) == 2.0 * math.sqrt(2)
    with pytest.raises(StError, match="LREAL_TO_REAL"):
        result("REAL", "ATAN2(l, 1)", VARIABLES)


WRONG: list[tuple[str, str, str, str]] = [
    ("INT", "2.0 ** 3.0", "5:12", "8.0 is not a value of INT"),
    ("INT", "2 ** 15", "5:10", "32768 is not a value of INT"),
    ("INT", "2 ** -1", "5:10", "0.5 is not a value of INT"),
    ("INT", "SQRT(4.0)", "5:8", "2.0 is not a value of INT"),
    ("INT", "MAX(1, 2.0)", "5:8", "2.0 is not a value of INT"),
    ("INT", "SEL(b, 1, 70000)", "5:8", "expected INT, found DINT; convert with DINT_TO_INT"),
    ("INT", "2 ** i", "5:10", "expected INT, found LREAL; convert with LREAL_TO_INT"),
    ("REAL", "1.0e40", "5:8", "1e+40 is not a value of REAL"),
    ("REAL", "10.0 ** 39", "5:13", "1e+39 is not a value of REAL"),
    ("LREAL", "10.0 ** 400", "5:13", "beyond its type"),
    ("REAL", "SQRT(-1.0)", "5:8", "SQRT: impossible constant"),
    ("REAL", "LN(0)", "5:8", "LN: impossible constant"),
    ("REAL", "(-8.0) ** 0.5", "5:15", "** has no result for -8.0 and 0.5"),
    ("REAL", "0.0 ** -1", "5:12", "** has no result for 0.0 and -1"),
    ("INT", "MUX(2, 1, 2)", "5:8", "MUX: impossible constant"),
    ("BOOL", "2.0 ** 1", "5:12", "2.0 is not a value of BOOL"),
]


@pytest.mark.parametrize(("of", "expression", "place", "words"), WRONG)
def test_what_they_cannot_be_is_said(of: str, expression: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        result(of, expression, VARIABLES)
    (diagnostic,) = caught.value.diagnostics
    assert f"{diagnostic.line}:{diagnostic.column}" == place
    assert words in diagnostic.text.en


CONSTANTS: list[tuple[str, str, Any]] = [
    ("REAL", "REAL#0.1 + REAL#0.2", single(single(0.1) + single(0.2))),
    ("REAL", "SQRT(REAL#2.0)", single(math.sqrt(2))),
    ("BOOL", "REAL#0.1 + REAL#0.2 = REAL#0.3", single(single(0.1) + single(0.2)) == single(0.3)),
    ("LREAL", "LREAL#0.1 + 0.2", 0.1 + 0.2),
]


@pytest.mark.parametrize(("of", "expression", "expected"), CONSTANTS)
def test_typed_constants_keep_their_precision(of: str, expression: str, expected: Any) -> None:
    assert result(of, expression) == expected
    rack = Rack(body(f"out : {of} := {expression};", ""))
    assert rack["out"] == expected
