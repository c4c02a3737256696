"""Overloaded functions and literals whose type depends on what takes them: TRUNC, and the bits of literals."""

from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import Rack, body, result

VARIABLES = """x : REAL := 100.9; y : LREAL := -3.9; i : INT := 5; d : DINT := 100000; n : UINT := 1; w : WORD := 16#FFFF;
a : ARRAY [-3..5] OF INT := [9(7)]; b : BOOL := TRUE;"""
TRUNCATED: list[tuple[str, str, Any]] = [
    *((of, "TRUNC(x)", 100) for of in ("SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT")),
    ("INT", "TRUNC(y)", -3),
    ("INT", "TRUNC(-2.9)", -2),
    ("INT", "TRUNC(x) + i", 105),
    ("INT", "-TRUNC(x) * 2 + i MOD TRUNC(3.5)", -198),
    ("UINT", "(TRUNC(x) / 3) + n", 34),
    ("INT", "ABS(TRUNC(y))", 3),
    ("INT", "MAX(i, TRUNC(x), 7)", 100),
    ("INT", "LIMIT(0, TRUNC(x), 50)", 50),
    ("INT", "SEL(b, i, TRUNC(x))", 100),
    ("INT", "MUX(TRUNC(1.2), i, TRUNC(x))", 100),
    ("INT(0..200)", "TRUNC(x)", 100),
    ("DINT", "TRUNC(x) + d", 100100),
    ("DINT", "i + TRUNC(x * 1000.0)", 100905),
    ("INT", "DINT_TO_INT(TRUNC(x * 1000.0))", 100900 - 65536 * 2),
    ("LREAL", "INT_TO_LREAL(TRUNC(x))", 100),
    ("INT", "a[TRUNC(y)]", 7),
    ("INT", "TRUNC_INT(x)", 100),
    ("UDINT", "TRUNC_UDINT(y + 10.0)", 6),
    ("SINT", "REAL_TRUNC_SINT(x)", 100),
    ("INT", "LREAL_TRUNC_INT(x)", 100),
    ("STRING", "TO_STRING(TRUNC(x))", "100"),
]


@pytest.mark.parametrize(("of", "expression", "expected"), TRUNCATED)
def test_trunc_gives_the_integer_that_is_wanted(of: str, expression: str, expected: Any) -> None:
    assert result(of, expression, VARIABLES) == expected


def test_so_do_the_other_places_that_want_one() -> None:
    source = """
FUNCTION Twice : INT VAR_INPUT n : INT; END_VAR Twice := n * 2; END_FUNCTION
FUNCTION_BLOCK Keep VAR_INPUT n : SINT; END_VAR VAR_OUTPUT m : SINT; END_VAR m := n; END_FUNCTION_BLOCK
""" + body(
        "x : REAL := 3.7; k : Keep; c : CTU; p : INT := TRUNC(9.9); a : ARRAY [0..1] OF INT := [TRUNC(1.5), 2]; t, s, i : INT; big : BOOL;",
        """k(n := TRUNC(x)); c(PV := TRUNC(x)); t := Twice(TRUNC(x)); a[TRUNC(x) - 2] := TRUNC(x);
        FOR i := TRUNC(x) TO TRUNC(x) + 2 BY TRUNC(x) - 2 DO s := s * 10 + i; END_FOR;
        big := TRUNC(x * 100000.0) > i;""",
    )
    rack = Rack(source).run()
    assert (rack["k"].v_m, rack["c"].v_pv, rack["t"], rack["p"], rack["a"]) == (3, 3, 6, 9, [1, 3])
    assert (rack["s"], rack["big"]) == (345, True)


@pytest.mark.parametrize(
    ("of", "low", "high"),
    [("SINT", -128, 127), ("USINT", 0, 255), ("INT", -32768, 32767), ("UINT", 0, 65535)],
)
def test_trunc_faults_where_the_other_conversions_do(of: str, low: int, high: int) -> None:
    for name in ("TRUNC", f"TRUNC_{of}", f"REAL_TRUNC_{of}"):
        rack = Rack(body(f"out : {of}; x : REAL;", f"out := {name}(x);"))
        for value, expected in ((high + 0.5, high), (low - 0.5, low)):
            rack["x"] = value
            assert rack.run()["out"] == expected
        for value in (high + 1.0, low - 1.0):
            rack["x"] = value
            with pytest.raises(StFaultError, match=rf"{low}\.\.{high}"):
                rack.run()


TURNED: list[tuple[str, str, int]] = [
    ("BYTE", "NOT 16#0F", 0xF0),
    ("WORD", "w AND NOT 16#0F", 0xFFF0),
    ("DWORD", "NOT(1)", 0xFFFF_FFFE),
    ("WORD", "SHL(1, 3) OR SHL(1, i)", 0x28),
    ("BYTE", "ROR(1, i - 4)", 0x80),
    ("BYTE", "SHL(16#81, 1)", 2),
    ("INT", "WORD_TO_INT(NOT 16#FFFE)", 1),
    ("WORD", "SEL(b, 0, NOT 0)", 0xFFFF),
    ("BOOL", "(w AND NOT 16#0F) = 16#FFF0", True),
    ("BOOL", "NOT 0", True),
]


@pytest.mark.parametrize(("of", "expression", "expected"), TURNED)
def test_functions_of_bits_take_the_width_of_what_is_around(of: str, expression: str, expected: int) -> None:
    assert result(of, expression, VARIABLES) == expected


WRONG: list[tuple[str, str, str, str]] = [
    ("INT", "TRUNC(x) + d", "6:17", "expected INT, found DINT; convert with DINT_TO_INT"),
    ("REAL", "TRUNC(x)", "6:8", "expected REAL, found DINT; convert with DINT_TO_REAL"),
    ("WORD", "TRUNC(x)", "6:8", "expected WORD, found DINT; convert with DINT_TO_WORD"),
    ("INT", "TRUNC(i)", "6:8", "TRUNC does not apply to (INT)"),
    ("INT", "TRUNC(40000.5)", "6:8", "TRUNC: 40000.5 does not fit in -32768..32767"),
    ("INT", "REAL_TO_INT(40000.5)", "6:8", "REAL_TO_INT: 40000.5 does not fit in -32768..32767"),
    ("INT", "TRUNC_UINT(x)", "6:8", "expected INT, found UINT"),
    ("INT", "REAL_TRUNC_INT(y)", "6:8", "expected REAL, found LREAL"),
    ("REAL", "TRUNC_REAL(x)", "6:8", "TRUNC_REAL does not apply to (REAL)"),
    ("WORD", "NOT 16#1FFFF", "6:8", "NOT does not apply to ANY_INT; write its type, for example WORD#16#FF"),
    ("INT", "SHL(1, i)", "6:8", "SHL does not apply to (ANY_INT, INT)"),
]


@pytest.mark.parametrize(("of", "expression", "place", "words"), WRONG)
def test_what_does_not_suit_is_said(of: str, expression: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        result(of, expression, VARIABLES)
    (diagnostic,) = caught.value.diagnostics
    assert f"{diagnostic.line}:{diagnostic.column}" == place
    assert words in diagnostic.text.en


def test_a_target_that_calls_is_worked_out_after_the_value() -> None:
    source = """
FUNCTION Next : INT VAR_INPUT step : INT; END_VAR VAR_IN_OUT n : INT; END_VAR n := n + step; Next := n; END_FUNCTION
""" + body("a : ARRAY [0..9] OF INT; n : INT;", "a[Next(1, n)] := Next(2, n) * 10;")  # fmt: skip
    assert Rack(source).run()["a"] == [0, 0, 0, 20, 0, 0, 0, 0, 0, 0]
