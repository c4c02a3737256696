"""Conversions to and from binary coded decimal (IEC 61131-3:2013, table 22)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.plc.scan import ScanCycle
from simulators.plc.st.conversions import BCD_NAMES
from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import FakeField, Rack, body, result

DIGITS = {"BYTE": 2, "WORD": 4, "DWORD": 8, "LWORD": 16}
HIGH = {"USINT": 255, "UINT": 65535, "UDINT": 2**32 - 1, "ULINT": 2**64 - 1}
PAIRS = [(bits, of) for bits in DIGITS for of in HIGH]


@pytest.mark.parametrize(("bits", "of"), PAIRS)
def test_every_pair_of_the_table_goes_there_and_back(bits: str, of: str) -> None:
    names = [f"{bits}_BCD_TO_{of}", f"BCD_TO_{of}", f"{of}_TO_BCD_{bits}", f"TO_BCD_{bits}"]
    assert set(names) <= set(BCD_NAMES)
    there, there_any, back, back_any = names
    source = body(
        f"b, c, d : {bits}; n, m : {of};", f"n := {there}(b); m := {there_any}(b); c := {back}(n); d := {back_any}(m);"
    )  # fmt: skip
    rack = Rack(source)
    most = min(10 ** DIGITS[bits] - 1, HIGH[of])
    for value in (0, 9, 10, 42, most // 7, most):
        rack["b"] = int(str(value), 16)
        rack.run()
        assert rack["n"] == rack["m"] == value
        assert rack["c"] == rack["d"] == int(str(value), 16)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_any_double_word_is_bcd_or_a_fault(value: int) -> None:
    rack = Rack(
        body("b, back : DWORD; n : UDINT;", "n := DWORD_BCD_TO_UDINT(b); back := UDINT_TO_BCD_DWORD(n);")
    )
    rack["b"] = value
    if f"{value:x}".isdecimal():
        assert rack.run()["back"] == value
        assert rack["n"] == int(f"{value:x}")
    else:
        with pytest.raises(StFaultError, match=r"BCD"):
            rack.run()


VARIABLES = "w : WORD := 16#1234; u : UINT := 4321; i : INT; d : DWORD;"
CASES: list[tuple[str, str, Any]] = [
    ("WORD", "UINT_TO_BCD(u)", 0x4321),
    ("DWORD", "UINT_TO_BCD(u)", 0x4321),
    ("DWORD", "TO_BCD(UINT#12345)", 0x12345),
    ("STRING", "WORD_TO_STRING(UINT_TO_BCD(u))", "16#4321"),
    ("WORD", "TO_BCD_WORD(u + u)", 0x8642),
    ("WORD", "TO_BCD_WORD(1234)", 0x1234),
    ("UINT", "BCD_TO_UINT(16#0099)", 99),
    ("UINT", "BCD_TO_UINT(IN := w) + 1", 1235),
    ("UDINT", "WORD_BCD_TO_UINT(w)", 1234),
    ("BOOL", "WORD_BCD_TO_UINT(w) = 1234", True),
]


@pytest.mark.parametrize(("of", "expression", "expected"), CASES)
def test_in_expressions(of: str, expression: str, expected: Any) -> None:
    assert result(of, expression, VARIABLES) == expected


FAULTS = [
    ("UINT", "WORD_BCD_TO_UINT(a)", "WORD", 0x12A4, "16#12A4.*A"),
    ("USINT", "BCD_TO_USINT(a)", "WORD", 0x0256, r"256.*0\.\.255"),
    ("BYTE", "UINT_TO_BCD_BYTE(a)", "UINT", 100, "100.*2"),
    ("WORD", "TO_BCD(a)", "UINT", 10000, "10000.*4"),
    ("LWORD", "ULINT_TO_BCD_LWORD(a)", "ULINT", 10**16, f"{10**16}.*16"),
]


@pytest.mark.parametrize(("of", "expression", "source", "value", "words"), FAULTS)
def test_what_is_no_bcd_or_does_not_fit_is_a_fault(
    of: str, expression: str, source: str, value: int, words: str
) -> None:
    rack = Rack(body(f"out : {of}; a : {source};", f"out := {expression};")).run()
    rack["a"] = value
    with pytest.raises(StFaultError, match=words) as caught:
        rack.run()
    assert caught.value.text.fr != caught.value.text.en


def test_the_fault_stops_that_plc_with_its_line_and_cause() -> None:
    source = body("w : WORD := 16#0009; n : UINT;", "n := WORD_BCD_TO_UINT(w);\nw := 16#000A;")
    broken = ScanCycle("plc1", [], FakeField(), source)
    other = ScanCycle("plc2", [], FakeField(), source.replace("16#000A", "16#0010"))
    for step in range(3):
        broken.scan(step * 0.1)
        other.scan(step * 0.1)
    status = broken.diagnostics()
    assert status.mode == "STOP"
    assert status.fault.startswith("plc1.st:5")
    assert "16#A" in status.fault
    assert (other.diagnostics().mode, other.diagnostics().fault) == ("RUN", "")


WRONG: list[tuple[str, str, str]] = [
    ("UINT", "BCD_TO_UINT(16#1F)", "BCD_TO_UINT: 16#1F is not BCD: digit F"),
    ("UINT", "WORD_BCD_TO_UINT(w) + BCD_TO_USINT(16#300)", "300 does not fit in 0..255"),
    ("WORD", "TO_BCD_WORD(12345)", "12345 does not fit in 4 BCD digits"),
    ("WORD", "TO_BCD_WORD(-1)", "TO_BCD_WORD does not apply to"),
    ("WORD", "TO_BCD_WORD(i)", "TO_BCD_WORD does not apply to (INT)"),
    ("WORD", "UINT_TO_BCD_WORD(i)", "expected UINT, found INT; convert with INT_TO_UINT"),
    ("UINT", "WORD_BCD_TO_UINT(d)", "expected WORD, found DWORD; convert with DWORD_TO_WORD"),
    ("UINT", "BCD_TO_UINT(u)", "BCD_TO_UINT does not apply to (UINT)"),
    ("INT", "WORD_BCD_TO_INT(w)", "did you mean WORD_BCD_TO_UINT?"),
    ("WORD", "INT_TO_BCD_WORD(i)", "did you mean UINT_TO_BCD_WORD?"),
    ("WORD", "UINT_TO_BCD_WORD(u, 2)", "UINT_TO_BCD_WORD takes 1 argument(s), 2 given"),
    ("BYTE", "UINT_TO_BCD_WORD(u)", "expected BYTE, found WORD"),
]


@pytest.mark.parametrize(("of", "expression", "words"), WRONG)
def test_wrong_calls_are_named(of: str, expression: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        result(of, f"\n  {expression}", VARIABLES)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.line, diagnostic.column) == (6, 3 + max(0, expression.find("BCD_TO_USINT")))
    assert words in diagnostic.text.en


def test_their_names_are_reserved_and_no_others() -> None:
    with pytest.raises(StError, match=r"1:10.*UINT_TO_BCD_WORD"):
        Rack(f"FUNCTION UINT_TO_BCD_WORD : INT END_FUNCTION {body('', '')}")
    own = "FUNCTION INT_TO_BCD : INT VAR_INPUT i : INT; END_VAR INT_TO_BCD := i * 2; END_FUNCTION\n"
    assert Rack(own + body("i : INT := 4;", "i := INT_TO_BCD(i);")).run()["i"] == 8
