"""Every standard function, by a table."""

import math
from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from simulators.plc.st.functions import NAMES
from tests.simulators.plc.rack import SECOND, Rack, body, result

VARIABLES = """i : INT := 5; j : INT := -3; d : DINT := 70000; r : REAL := 2.25; l : LREAL := 0.5; b : BOOL := TRUE;
w : WORD := 16#8001; y : BYTE := 16#81; s : STRING := 'PLC lab'; e : STRING; t : TIME := T#1500ms; u : UINT := 65535;"""
CASES: list[tuple[str, str, Any]] = [
    ("INT", "ABS(j)", 3), ("REAL", "ABS(-r)", 2.25), ("REAL", "SQRT(r)", 1.5), ("LREAL", "SQRT(2.0)", math.sqrt(2)),
    ("LREAL", "LN(l)", math.log(0.5)), ("LREAL", "LOG(l * 200.0)", 2.0), ("LREAL", "EXP(l)", math.exp(0.5)),
    ("LREAL", "SIN(l)", math.sin(0.5)), ("LREAL", "COS(l)", math.cos(0.5)), ("LREAL", "TAN(l)", math.tan(0.5)),
    ("LREAL", "ASIN(l)", math.asin(0.5)), ("LREAL", "ACOS(l)", math.acos(0.5)), ("LREAL", "ATAN(l)", math.atan(0.5)),
    ("LREAL", "ATAN2(l, 1.0)", math.atan2(0.5, 1)), ("REAL", "SQRT(i + 4)", 3.0),
    ("INT", "ADD(i, j, 10)", 12), ("INT", "MUL(i, j, 2)", -30), ("INT", "SUB(i, j)", 8), ("INT", "DIV(i, 2)", 2),
    ("INT", "MOD(i, 3)", 2), ("REAL", "EXPT(r, 2)", 5.0625), ("LREAL", "EXPT(IN1 := l, IN2 := 2.0)", 0.25), ("INT", "MOVE(i)", 5),
    ("WORD", "SHL(w, 1)", 2), ("WORD", "SHR(w, 1)", 0x4000), ("WORD", "ROL(w, 1)", 3), ("WORD", "ROR(w, 1)", 0xC000),
    ("WORD", "SHL(w, 16)", 0), ("WORD", "SHR(w, i)", 0x0400), ("BYTE", "ROL(y, 9)", 3), ("WORD", "SHL(IN := w, N := i)", 32),
    ("BOOL", "AND(b, TRUE, FALSE)", False), ("BOOL", "OR(FALSE, b)", True), ("BOOL", "XOR(b, b, b)", True),
    ("BOOL", "NOT(b)", False), ("WORD", "AND(w, 16#00FF)", 1), ("WORD", "NOT w", 0x7FFE),
    ("INT", "SEL(b, 1, 2)", 2), ("INT", "SEL(G := FALSE, IN0 := i, IN1 := j)", 5), ("REAL", "SEL(b, 1.0, r)", 2.25),
    ("STRING", "SEL(b, 'no', 'yes')", "yes"), ("INT", "MAX(i, j, 9)", 9), ("INT", "MIN(i, j)", -3), ("REAL", "MAX(r, i)", 5.0),
    ("INT", "LIMIT(0, j, 10)", 0), ("INT", "LIMIT(MN := 0, IN := i * 3, MX := 10)", 10), ("REAL", "LIMIT(0.0, r, 10.0)", 2.25),
    ("INT", "MUX(1, i, j, 7)", -3), ("INT", "MUX(K := i - 4, IN0 := 10, IN1 := 20)", 20), ("TIME", "MAX(t, T#2s)", 2 * SECOND),
    ("BOOL", "GT(i, 4)", True), ("BOOL", "GT(i, 4, 3)", True), ("BOOL", "GT(i, 4, 4)", False), ("BOOL", "GE(i, 5)", True),
    ("BOOL", "EQ(i, 5)", True), ("BOOL", "LE(i, 4)", False), ("BOOL", "LT(j, i)", True), ("BOOL", "NE(i, 5)", False),
    ("INT", "LEN(s)", 7), ("INT", "LEN(e)", 0), ("STRING", "LEFT(s, 3)", "PLC"), ("STRING", "RIGHT(s, 3)", "lab"),
    ("STRING", "RIGHT(s, 0)", ""), ("STRING", "MID(s, 2, 2)", "LC"), ("STRING", "CONCAT(s, ' ', '1')", "PLC lab 1"),
    ("STRING", "INSERT(s, '-1', 3)", "PLC-1 lab"), ("STRING", "DELETE(s, 4, 1)", "lab"),
    ("STRING", "REPLACE(s, 'lib', 3, 5)", "PLC lib"), ("INT", "FIND(s, 'lab')", 5), ("INT", "FIND(s, 'x')", 0),
    ("STRING", "LEFT(IN := s, L := 100)", "PLC lab"), ("BOOL", "'abc' < 'abd'", True), ("INT", "DAY_OF_WEEK(D#2026-10-17)", 6),
]  # fmt: skip
CONVERSIONS: list[tuple[str, str, Any]] = [
    ("INT", "REAL_TO_INT(2.5)", 2), ("INT", "REAL_TO_INT(3.5)", 4), ("INT", "REAL_TO_INT(-2.5)", -2), ("INT", "REAL_TO_INT(r)", 2),
    ("DINT", "TRUNC(-2.9)", -2), ("INT", "REAL_TRUNC_INT(r)", 2), ("DINT", "TRUNC(r)", 2),
    ("INT", "DINT_TO_INT(d)", 4464), ("SINT", "INT_TO_SINT(i * 100)", -12), ("INT", "UINT_TO_INT(u)", -1), ("UINT", "INT_TO_UINT(j)", 65533),
    ("INT", "WORD_TO_INT(w)", -32767), ("WORD", "INT_TO_WORD(j)", 0xFFFD), ("DWORD", "DINT_TO_DWORD(-1)", 0xFFFF_FFFF),
    ("BYTE", "WORD_TO_BYTE(w)", 1), ("DINT", "WORD_TO_DINT(w)", 32769), ("REAL", "INT_TO_REAL(i)", 5.0), ("REAL", "DINT_TO_REAL(d)", 70000.0),
    ("REAL", "LREAL_TO_REAL(l)", 0.5), ("LREAL", "REAL_TO_LREAL(r)", 2.25), ("BOOL", "INT_TO_BOOL(i)", True), ("INT", "BOOL_TO_INT(b)", 1),
    ("REAL", "BOOL_TO_REAL(b)", 1.0), ("WORD", "BOOL_TO_WORD(b)", 1), ("BOOL", "REAL_TO_BOOL(0.0)", False), ("BOOL", "WORD_TO_BOOL(w)", True),
    ("DINT", "TIME_TO_DINT(t)", 1500), ("REAL", "TIME_TO_REAL(t)", 1500.0), ("TIME", "DINT_TO_TIME(d)", 70 * SECOND),
    ("TIME", "REAL_TO_TIME(r)", 2_250_000), ("TIME", "INT_TO_TIME(i)", 5_000_000), ("INT", "TO_INT(r)", 2), ("REAL", "TO_REAL(i)", 5.0),
    ("STRING", "INT_TO_STRING(j)", "-3"), ("STRING", "BOOL_TO_STRING(b)", "TRUE"), ("STRING", "REAL_TO_STRING(r)", "2.25"),
    ("STRING", "REAL_TO_STRING(i)", "5.0"), ("STRING", "WORD_TO_STRING(w)", "16#8001"), ("STRING", "TIME_TO_STRING(t)", "T#1s500ms"),
    ("STRING", "DATE_TO_STRING(D#2026-01-31)", "D#2026-01-31"), ("STRING", "TOD_TO_STRING(TOD#12:30:00)", "TOD#12:30:00"),
    ("STRING", "DT_TO_STRING(DT#2026-01-31-12:30:00)", "DT#2026-01-31-12:30:00"), ("STRING", "LREAL_TO_STRING(l)", "0.5"),
    ("INT", "STRING_TO_INT('-12')", -12), ("INT", "STRING_TO_INT('16#FF')", 255), ("REAL", "STRING_TO_REAL(' 1.5e1 ')", 15.0),
    ("BOOL", "STRING_TO_BOOL('true')", True), ("DATE", "DT_TO_DATE(DT#1970-01-02-05:00:00)", 86_400 * SECOND),
    ("DINT", "TOD_TO_DINT(TOD#00:00:01)", 1000), ("DINT", "DT_TO_DINT(DT#1970-01-01-00:01:00)", 60), ("UDINT", "TIME_TO_UDINT(t)", 1500),
]  # fmt: skip


@pytest.mark.parametrize(("of", "expression", "expected"), CASES + CONVERSIONS)
def test_standard_functions(of: str, expression: str, expected: Any) -> None:
    got = result(of, expression, VARIABLES)
    assert got == (pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected)
    assert type(got) is type(expected)


def test_every_function_of_the_table_has_a_case() -> None:
    tested = " ".join(expression for _, expression, _ in CASES)
    timed = ("TIME", "DATE", "TOD", "DT")
    assert [n for n in NAMES if n + "(" not in tested and not n.endswith(timed) and n != "NE"] == []


ELEMENTARY = ["BOOL", "SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT", "BYTE", "WORD", "DWORD", "LWORD",
              "REAL", "LREAL", "STRING"]  # fmt: skip


def test_every_pair_of_elementary_types_converts() -> None:
    pairs = [(a, b) for a in ELEMENTARY for b in ELEMENTARY if a != b]
    names = "".join(
        f"a_{of.lower()} : {of} {':= $1$' if of == 'STRING' else ':= 1'};".replace("$1$", "'1'")
        for of in ELEMENTARY
    )
    outs = "".join(f"o_{a}_{b} : {b};" for a, b in pairs)
    rack = Rack(
        body(names + outs, "".join(f"o_{a}_{b} := {a}_TO_{b}(a_{a.lower()});\n" for a, b in pairs))
    ).run()
    for a, b in pairs:
        got = rack[f"o_{a}_{b}"]
        if b == "STRING":
            assert got in ("1", "1.0", "TRUE", "16#1"), (a, b)
        else:
            assert got == 1, (a, b)
            assert type(got) is {"BOOL": bool, "REAL": float, "LREAL": float}.get(b, int), (a, b)


FAULTS = ["REAL_TO_INT(big)", "LREAL_TO_DINT(nan)", "STRING_TO_INT('x')", "STRING_TO_INT('99999')", "MID(s, 1, zero)",
          "MUX(nine, 1, 2)", "LEN(LEFT(s, zero - 1))", "TRUNC(inf)"]  # fmt: skip


@pytest.mark.parametrize("expression", FAULTS)
def test_values_outside_a_function_fault(expression: str) -> None:
    variables = "big : REAL := 1.0e9; nan : LREAL; inf : LREAL := 1.0e300; s : STRING := 'abc'; zero : INT; nine : INT := 9;"
    of = (
        "STRING"
        if expression.startswith("MID")
        else "DINT"
        if "DINT" in expression or "TRUNC" in expression
        else "INT"
    )
    rack = Rack(body(f"out : {of}; {variables}", f"inf := inf * inf; nan := inf - inf; out := {expression};"))
    with pytest.raises((StFaultError, ValueError, OverflowError)):
        rack.run()


def test_wrong_calls_name_the_parameter_and_the_remedy() -> None:
    cases = {
        "LIMIT(0, 5)": "LIMIT takes 3",
        "LIMIT(MN := 0, IN := 1, TOP := 3)": "no parameter TOP; it has: MN, IN, MX",
        "SQTR(2.0)": "did you mean SQRT",
        "SHL(5, 1)": "SHL does not apply to",
        "ABS('x')": "ABS does not apply",
        "REAL_TO_DATE(1.0)": "does not apply",
        "TON(IN := TRUE)": "declare an instance",
        "REAL_TO_INT(LREAL#1.0)": "expected REAL, found LREAL; convert with LREAL_TO_REAL",
    }
    for expression, words in cases.items():
        with pytest.raises(StError) as caught:
            result("REAL", expression)
        assert words in caught.value.diagnostics[0].text.en, expression


def test_time_gives_the_simulated_time() -> None:
    rack = Rack(body("now : TIME;", "now := TIME();"))
    assert rack.run(3 * SECOND)["now"] == 3 * SECOND
