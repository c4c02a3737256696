"""Types, operators and overflow, against tables worked out by hand from the standard."""

import math
from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from simulators.plc.st.runtime import single
from tests.simulators.plc.rack import Rack, body, result

MIN = {"SINT": -128, "INT": -32768, "DINT": -(2**31), "LINT": -(2**63)}
MAX = {"SINT": 127, "INT": 32767, "DINT": 2**31 - 1, "LINT": 2**63 - 1,
       "USINT": 255, "UINT": 65535, "UDINT": 2**32 - 1, "ULINT": 2**64 - 1}  # fmt: skip


@pytest.mark.parametrize("of", MIN)
def test_signed_integers_wrap_around(of: str) -> None:
    top, bottom = MAX[of], MIN[of]
    variables = f"a : {of} := {top}; b : {of} := {bottom}; two : {of} := 2; minus : {of} := -1;"
    assert result(of, "a + 1", variables) == bottom
    assert result(of, "b - 1", variables) == top
    assert result(of, "a * two", variables) == -2
    assert result(of, "-b", variables) == bottom
    assert result(of, "ABS(b)", variables) == bottom
    assert result(of, "b / minus", variables) == bottom
    assert result(of, "a + a - a", variables) == top
    assert result(of, "a * a * a", variables) == _wrapped(top**3, of)
    assert result("BOOL", "a + 1 < a", variables) is True


def _wrapped(value: int, of: str) -> int:
    return (value - MIN[of]) % (MAX[of] - MIN[of] + 1) + MIN[of]


@pytest.mark.parametrize("of", ["USINT", "UINT", "UDINT", "ULINT"])
def test_unsigned_integers_wrap_around(of: str) -> None:
    variables = f"a : {of} := {MAX[of]}; zero : {of}; two : {of} := 2;"
    assert result(of, "a + 1", variables) == 0
    assert result(of, "zero - 1", variables) == MAX[of]
    assert result(of, "a * two", variables) == MAX[of] - 1
    assert result(of, "a / two", variables) == MAX[of] // 2


PRECEDENCE: list[tuple[str, str, Any]] = [
    ("DINT", "2 + 3 * 4", 14),
    ("DINT", "(2 + 3) * 4", 20),
    ("DINT", "20 - 5 - 3", 12),
    ("DINT", "100 / 7 / 2", 7),
    ("DINT", "17 MOD 5 * 2", 4),
    ("DINT", "-7 / 2", -3),
    ("DINT", "-7 MOD 3", -1),
    ("DINT", "7 MOD -3", 1),
    ("LREAL", "2.0 ** 3 ** 2", 64.0),
    ("LREAL", "-2.0 ** 2", 4.0),
    ("LREAL", "3.0 * 2.0 ** 2", 12.0),
    ("BOOL", "1 + 1 = 2 AND 3 > 2", True),
    ("BOOL", "TRUE OR TRUE AND FALSE", True),
    ("BOOL", "TRUE XOR TRUE OR TRUE", True),
    ("BOOL", "TRUE OR TRUE XOR TRUE", True),
    ("BOOL", "TRUE XOR TRUE AND FALSE", True),
    ("BOOL", "NOT FALSE AND FALSE", False),
    ("BOOL", "NOT (FALSE AND FALSE)", True),
    ("BOOL", "1 < 2 = TRUE", True),
    ("BOOL", "3 <> 4 = TRUE", True),
    ("BOOL", "TRUE & FALSE", False),
    ("WORD", "16#F0F0 AND 16#FF00 OR 16#000F", 0xF00F),
    ("WORD", "WORD#16#FF XOR WORD#16#0F", 0xF0),
    ("BYTE", "NOT BYTE#16#0F", 0xF0),
]


@pytest.mark.parametrize(("of", "expression", "expected"), PRECEDENCE)
def test_operators_in_their_precedence(of: str, expression: str, expected: Any) -> None:
    got = result(of, expression)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(("of", "expression", "expected"), PRECEDENCE)
def test_variables_give_what_constants_give(of: str, expression: str, expected: Any) -> None:
    names = iter("abcdefgh")
    variables, text = [], []
    for word in expression.replace("(", "( ").replace(")", " )").split():
        kind = _type_of(word, of)
        if kind is None:
            text.append(word)
            continue
        name = next(names)
        variables.append(f"{name} : {kind} := {word};")
        text.append(name)
    assert result(of, " ".join(text), " ".join(variables)) == expected


def _type_of(word: str, of: str) -> str | None:
    if word in ("TRUE", "FALSE"):
        return "BOOL"
    if word.startswith(("BYTE#", "WORD#", "16#")):
        return of
    if word.lstrip("-").replace(".", "").isdigit():
        return "LREAL" if of == "LREAL" else "DINT"
    return None


LITERALS: list[tuple[str, str, Any]] = [
    ("INT", "16#7F", 127),
    ("INT", "2#1010_1010", 170),
    ("INT", "8#17", 15),
    ("INT", "INT#-5", -5),
    ("INT", "INT#16#1F", 31),
    ("UDINT", "4_000_000_000", 4_000_000_000),
    ("BOOL", "BOOL#1", True),
    ("BOOL", "BOOL#FALSE", False),
    ("BOOL", "1", True),
    ("REAL", "1.5e3", 1500.0),
    ("LREAL", "LREAL#2.5", 2.5),
    ("REAL", "REAL#1", 1.0),
    ("REAL", "3", 3.0),
    ("TIME", "T#1m2s500ms", 62_500_000_000),
    ("TIME", "TIME#1.5s", 1_500_000_000),
    ("TIME", "t#1d_2h_3m_4s_5ms", ((26 * 60 + 3) * 60 + 4) * 10**9 + 5_000_000),
    ("TIME", "T#-5s", -5_000_000_000),
    ("LTIME", "LTIME#10us20ns", 10_020),
    ("DATE", "D#1970-01-02", 86_400 * 10**9),
    ("TOD", "TOD#12:30:15.5", 45_015_500_000_000),
    ("DT", "DT#1970-01-01-00:01:00", 60 * 10**9),
    ("STRING", "'a$'b$$c$N$41'", "a'b$c\nA"),
    ("STRING[3]", "'abcdef'", "abc"),
    ("STRING", '"double"', "double"),
]


@pytest.mark.parametrize(("of", "literal", "expected"), LITERALS)
def test_literals(of: str, literal: str, expected: Any) -> None:
    got = result(of, literal)
    assert got == expected
    assert type(got) is type(expected)


def test_real_keeps_single_precision_and_lreal_double() -> None:
    declarations = "r : REAL := 0.1; l : LREAL := 0.1; s : REAL; same, again : BOOL; c : REAL; n : INT := 3;"
    rack = Rack(
        body(declarations, "s := r * 3.0; same := r = 0.1; c := n / 7.0; again := s = r * 3.0;")
    ).run()
    assert rack["r"] == single(0.1) != 0.1 == rack["l"]
    assert rack["s"] == single(single(0.1) * 3.0)
    assert (rack["same"], rack["again"]) == (True, True)
    assert rack["c"] == single(3 / 7)


def test_real_overflow_is_infinite_and_a_function_out_of_its_domain_is_a_fault() -> None:
    assert result("REAL", "a * a", "a : REAL := 1.0e30;") == math.inf
    for expression in ("SQRT(a)", "LN(a)", "a ** 0.5", "ASIN(a * 2.0)"):
        with pytest.raises(ValueError, match=r"math domain|nonnegative|range"):
            result("REAL", expression, "a : REAL := -1.0;")
    with pytest.raises(ZeroDivisionError):
        result("REAL", "1.0 / a", "a : REAL;")


WIDENING: list[tuple[str, str, Any]] = [
    ("DINT", "SINT", -5), ("LINT", "DINT", 7), ("DINT", "UINT", 65535), ("REAL", "INT", 12.0), ("LREAL", "DINT", 99.0),
    ("LREAL", "REAL", 0.5), ("DWORD", "BYTE", 3),
]  # fmt: skip


@pytest.mark.parametrize(("to", "of", "value"), WIDENING)
def test_widening_needs_no_function(to: str, of: str, value: Any) -> None:
    initial = value if of == "REAL" else int(value)
    got = result(to, "a", f"a : {of} := {initial};")
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("to", "of"),
    [("INT", "DINT"), ("UINT", "INT"), ("SINT", "USINT"), ("REAL", "DINT"), ("REAL", "LREAL"), ("INT", "REAL"),
     ("INT", "WORD"), ("WORD", "UINT"), ("BOOL", "INT"), ("TIME", "DINT"), ("BYTE", "WORD"), ("INT", "STRING")],
)  # fmt: skip
def test_narrowing_needs_a_function_which_the_error_names(to: str, of: str) -> None:
    with pytest.raises(StError) as caught:
        result(to, "a", f"a : {of};")
    (diagnostic,) = caught.value.diagnostics
    assert f"{of}_TO_{to}" in diagnostic.text.en
    assert f"{of}_TO_{to}" in diagnostic.text.fr


def test_operands_meet_in_the_smallest_type_that_holds_both() -> None:
    assert result("DINT", "a + b", "a : INT := 32767; b : UINT := 65535;") == 98302
    assert result("LINT", "a - b", "a : UDINT := 0; b : DINT := 1;") == -1
    assert result("DINT", "a + 100000", "a : INT := 1;") == 100001
    assert result("LREAL", "a * b", "a : DINT := 3; b : REAL := 0.5;") == 1.5


def test_arithmetic_between_types_wraps_in_the_operands_type() -> None:
    # IEC 61131-3: INT + INT is an INT, whatever takes the result.
    assert result("DINT", "a + a", "a : INT := 32767;") == -2
    assert result("DINT", "INT_TO_DINT(a) + a", "a : INT := 32767;") == 65534


DIVISION = [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1), (6, 3, 2, 0), (-6, 3, -2, 0)]


@pytest.mark.parametrize(("a", "b", "quotient", "remainder"), DIVISION)
def test_integer_division_goes_towards_zero(a: int, b: int, quotient: int, remainder: int) -> None:
    variables = f"a : INT := {a}; b : INT := {b};"
    assert result("INT", "a / b", variables) == quotient
    assert result("INT", "a MOD b", variables) == remainder
    assert result("INT", f"a / {b}", variables) == quotient


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        result("INT", "1 / a", "a : INT;")
    assert result("INT", "5 MOD a", "a : INT;") == 0
    with pytest.raises(StError, match=r"test\.st:5:10.*division"):
        result("INT", "1 / 0")


TIMES: list[tuple[str, str, Any]] = [
    ("TIME", "a + T#500ms", 2_500_000_000),
    ("TIME", "a - T#5s", -3_000_000_000),
    ("TIME", "a * 3", 6_000_000_000),
    ("TIME", "3 * a", 6_000_000_000),
    ("TIME", "a * 0.25", 500_000_000),
    ("TIME", "a / 4", 500_000_000),
    ("TIME", "a / 0.5", 4_000_000_000),
    ("BOOL", "a >= T#2s AND a < T#2001ms", True),
    ("TOD", "TOD#23:59:59 + a", 1_000_000_000),
    ("TIME", "DT#2026-01-02-00:00:00 - DT#2026-01-01-23:59:00", 60_000_000_000),
    ("TIME", "ADD_TIME(a, a)", 4_000_000_000),
    ("TIME", "MULTIME(a, 2)", 4_000_000_000),
    ("TIME", "DIV_TIME(a, 2)", 1_000_000_000),
    ("DT", "CONCAT_DATE_TOD(D#1970-01-02, TOD#00:00:01)", 86_401_000_000_000),
    ("TOD", "DT_TO_TOD(DT#2026-01-01-06:00:00)", 6 * 3600 * 10**9),
    ("TIME", "LIMIT(T#0s, a, T#1s)", 1_000_000_000),
]


@pytest.mark.parametrize(("of", "expression", "expected"), TIMES)
def test_time_arithmetic(of: str, expression: str, expected: Any) -> None:
    assert result(of, expression, "a : TIME := T#2s;") == expected


def test_bits_of_bit_strings() -> None:
    rack = Rack(
        body(
            "w : WORD := 16#8001; a, b, c : BOOL;",
            "a := w.0; b := w.1; c := w.15; w.3 := TRUE; w.0 := FALSE;",
        )
    ).run()
    assert (rack["a"], rack["b"], rack["c"]) == (True, False, True)
    assert rack["w"] == 0x8008


def test_subranges_hold() -> None:
    source = body(
        "p : INT(0..100); a : ARRAY [0..100] OF INT; n : INT := 50;", "p := n; a[p] := 7; n := n * 3;"
    )
    rack = Rack(source).run()
    assert rack["p"] == 50
    with pytest.raises(StFaultError, match=r"150.*0\.\.100"):
        rack.run()
    with pytest.raises(StError, match=r"101|hors"):
        Rack(body("p : INT(0..100);", "p := 101;"))


def test_a_bit_or_of_booleans_stops_where_the_left_decides() -> None:
    rack = Rack(body("d : INT; ok : BOOL;", "ok := d <> 0 AND 10 / d > 1;")).run()
    assert rack["ok"] is False
