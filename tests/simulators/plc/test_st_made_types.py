"""Enumerations, subranges, and the initial values of arrays and structures."""

from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import Rack, body

TYPES = """TYPE
Colour : (Red, Green, Blue) := Green;
Paint : (Red, Yellow) := Yellow;
State : USINT (Off := 16#10, On, Fault := 200) := On;
Point : STRUCT x : REAL := 1.5; y : REAL; END_STRUCT;
Path : STRUCT start : Point := (x := 2.0); steps : ARRAY [1..2] OF Point := [(y := 7.0)]; name : STRING[3] := 'abcdef'; END_STRUCT;
Pct : INT(0..100);
Low : Pct(0..10) := 5;
END_TYPE
"""


def compiled(declarations: str, statements: str = "") -> Rack:
    return Rack(TYPES + body(declarations, statements))


def plain(value: Any) -> Any:
    """A value with its structures as dictionaries."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__slots__"):
        return {slot[2:]: plain(getattr(value, slot)) for slot in value.__slots__}
    return value


INITIALS: list[tuple[str, Any]] = [
    ("Path := (steps := [2((x := 3.0))], start := (y := 9.0))",
     {"start": {"x": 1.5, "y": 9.0}, "steps": [{"x": 3.0, "y": 0.0}] * 2, "name": "abc"}),
    ("ARRAY [0..1] OF Path := [(name := 'xyzt')]",
     [{"start": {"x": 2.0, "y": 0.0}, "steps": [{"x": 1.5, "y": 7.0}, {"x": 1.5, "y": 0.0}], "name": name} for name in ("xyz", "abc")]),
    ("ARRAY [0..1, 1..3] OF INT := [[1, 2], [2(5)]]", [1, 2, 0, 5, 5, 0]),
    ("ARRAY [0..1, 1..3] OF INT := [1, 2, 3, 4]", [1, 2, 3, 4, 0, 0]),
    ("ARRAY [0..1, 0..1, 0..1] OF INT := [[[1], [2]], [[3, 4]]]", [1, 0, 2, 0, 3, 4, 0, 0]),
    ("ARRAY [0..2] OF Colour := [Red, Colour#Blue]", [0, 2, 1]),
    ("Colour := Red", 0),
    ("Paint := Red", 0),
    ("State", 17),
    ("Low", 5),
    ("Pct(20..30)", 20),
    ("ARRAY [0..1] OF STRING[3] := ['abcd', 'x']", ["abc", "x"]),
]  # fmt: skip


@pytest.mark.parametrize(("declaration", "expected"), INITIALS)
def test_initial_values(declaration: str, expected: Any) -> None:
    assert plain(compiled(f"v : {declaration};")["v"]) == expected


def test_labels_mean_what_takes_them_where_they_can() -> None:
    rack = compiled(
        "colour : Colour := Blue; p : Paint; m : (Stop, Run); k : (Go, Stop); n : INT; s : State; failed, stopped : BOOL;",
        """m := Run; IF n = 0 THEN m := Stop; k := Stop; END_IF; stopped := m = Stop AND k = Stop;
        CASE p OF Red: n := 1; Yellow: n := 2; END_CASE; p := Paint#Red; colour := Colour.Red;
        s := Fault; failed := s = 200; n := n * 1000 + s;""",
    ).run()
    assert (rack["m"], rack["k"], rack["stopped"], rack["n"], rack["p"], rack["colour"]) == (
        0,
        1,
        True,
        2200,
        0,
        0,
    )
    assert (rack["s"], rack["failed"]) == (200, True)


def test_case_chooses_by_bits_times_and_truth_too() -> None:
    source = body(
        "b : BYTE := 16#F0; t : TIME := T#90s; q : BOOL := TRUE; out : ARRAY [1..3] OF INT;",
        """CASE b OF 0..16#EF: out[1] := 1; 16#F0: out[1] := 2; END_CASE;
        CASE t OF T#0s..T#1m: out[2] := 1; T#1m30s: out[2] := 2; END_CASE;
        CASE q OF FALSE: out[3] := 1; TRUE: out[3] := 2; END_CASE;""",
    )
    assert Rack(source).run()["out"] == [2, 2, 2]


LOOPS: list[tuple[str, int, int]] = [
    ("FOR p := 0 TO 10 DO n := n + p; END_FOR;", 10, 55),
    ("FOR p := k TO 0 BY -1 DO n := n * 10 + p; END_FOR;", 0, 3210),
    ("FOR p := 0 TO k - 4 DO n := 1; END_FOR;", 0, 0),
]


@pytest.mark.parametrize(("loop", "last", "expected"), LOOPS)
def test_a_loop_over_a_subrange_stays_in_it(loop: str, last: int, expected: int) -> None:
    rack = Rack(body("p : INT(0..10); n : INT; k : INT := 3;", loop)).run()
    assert (rack["p"], rack["n"]) == (last, expected)
    for limit in ("20", "k + 10"):
        with pytest.raises(StFaultError, match=r"11.*0\.\.10"):
            Rack(body("p : INT(0..10); k : INT := 3;", f"FOR p := 0 TO {limit} DO ; END_FOR;")).run()


WRONG: list[tuple[str, str, str, str]] = [
    ("v : ARRAY [0..1, 0..1] OF INT := [[1, 2, 3], [4]];", "", "12:35", "3 values for 2 elements"),
    ("v : Point := (x := 1.0, X := 2.0);", "", "12:25", "X is given twice"),
    ("v : Point := (x := TRUE);", "", "12:20", "initial value of x: expected REAL, found BOOL"),
    ("v : INT := TRUE;", "", "12:12", "initial value of v: expected INT, found BOOL"),
    ("v : Pct(50..101);", "", "12:5", "range 50..101 is impossible for INT(0..100)"),
    ("v : Low := 11;", "", "12:12", "11 is outside INT(0..10)"),
    ("c : Colour;", "c := Red;", "14:6", "ambiguous; write one of: Colour#Red, Paint#Red"),
    ("c : Colour; q : BOOL;", "q := c = Red;", "14:10", "ambiguous"),
    ("s : State;", "s := 16#10;", "14:6", "16 is not a value of State"),
    ("v : REAL (One := 1, Two := 2);", "", "12:5", "an enumeration is made of integers or bits, not of REAL"),
    ("v : SINT (One := 1, Two := 200);", "", "12:21", "Two: a value from -128 to 127"),
    ("v : (A := none, B);", "", "12:11", "none is not declared"),
    ("v : STRUCT x : INT; END_STRUCT;", "", "12:5", "STRUCT is declared in a TYPE block"),
    ("s : STRING;", "s := s + 'x';", "14:8", "use CONCAT"),
    ("d : DATE;", "d := d + T#24h;", "14:8", "+ does not apply to DATE and TIME"),
]


@pytest.mark.parametrize(("declarations", "statement", "place", "words"), WRONG)
def test_what_is_wrong_is_said_once(declarations: str, statement: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        compiled(declarations, statement)
    found = {f"{d.line}:{d.column}": d.text.en for d in caught.value.diagnostics}
    assert place in found, found
    assert words in found[place]
    assert len(found) == 1 or "STRUCT" in declarations
    assert "TIME_TO_DATE" not in found[place]
