"""Function block instances in arrays and structures, in-outs, inputs with edges, and the order of what runs."""

from pathlib import Path
from typing import Any

import pytest

from simulators.plc.scan import ScanCycle
from simulators.plc.st.errors import StError
from tests.simulators.plc.rack import MS, FakeField, Rack, body

UNITS = """TYPE
Drive : STRUCT run : BOOL; count : Counter := (step := 2); delays : ARRAY [0..1] OF TON; END_STRUCT;
Drives : ARRAY [1..2] OF Drive;
END_TYPE
FUNCTION_BLOCK Counter
VAR_INPUT step : INT := 1; END_VAR VAR_OUTPUT total : INT; END_VAR VAR RETAIN ever : DINT; END_VAR
VAR_EXTERNAL calls : INT; END_VAR
total := total + step; ever := ever + 1; calls := calls + 1;
END_FUNCTION_BLOCK
FUNCTION_BLOCK Group
VAR_IN_OUT drives : Drives; last : Drive; END_VAR VAR i : INT; END_VAR
FOR i := 1 TO 2 DO drives[i].count(); END_FOR; last.count(step := 10);
END_FUNCTION_BLOCK
FUNCTION Flip : BOOL VAR_IN_OUT q : BOOL; END_VAR q := NOT q; Flip := q; END_FUNCTION
FUNCTION Sign VAR_IN_OUT s : STRING; END_VAR s := CONCAT(s, '-signed'); END_FUNCTION
FUNCTION Bad : BOOL VAR_INPUT n : INT; END_VAR VAR_OUTPUT m : INT; END_VAR m := 10 / n; Bad := m > 0; END_FUNCTION
FUNCTION Next : INT VAR_IN_OUT n : INT; END_VAR n := n + 1; Next := n; END_FUNCTION
VAR_GLOBAL spare : Drives; calls : INT; END_VAR
"""


def ran(declarations: str, statements: str, times: int = 1) -> Rack:
    rack = Rack(UNITS + body(declarations, statements))
    for step in range(times):
        rack.run(step * 100 * MS)
    return rack


def test_instances_live_in_structures_and_arrays() -> None:
    rack = ran("d : Drive; e : Drives; g : Group; n, m : INT; q : BOOL;",
               """d.count(); d.delays[1](IN := TRUE, PT := T#100ms, Q => q); g(drives := e, last := e[2]); spare[1].count();
               n := e[1].count.total; m := e[2].count.total; d.run := TRUE;""", times=2)  # fmt: skip
    assert (rack["d"].v_count.v_total, rack["n"], rack["m"], rack["q"]) == (4, 4, 32, True)
    assert rack.instance.space.v_spare[0].v_count.v_total == 4
    assert rack.instance.space.v_calls == 10


def test_their_retained_variables_survive(tmp_path: Path) -> None:
    path = tmp_path / "plc1.json"
    source = UNITS + body("d : Drives;", "d[2].count();")
    for scans in (1, 2):
        cycle = ScanCycle("plc1", [], FakeField(), source, path)
        cycle.scan(0.0)
        cycle.save()
        text = path.read_text(encoding="utf-8")
        assert f'"ever": {scans}' in text
        assert "total" not in text
        assert '"run"' not in text


COPIES = [
    ("d, e : Drive;", "d := e;"),
    ("d, e : Drives;", "d := e;"),
    ("d, e : ARRAY [0..1] OF TON;", "d := e;"),
    ("d, e : ARRAY [0..1] OF Drive;", "d[0] := e[1];"),
]


@pytest.mark.parametrize(("declarations", "statement"), COPIES)
def test_they_are_not_copied(declarations: str, statement: str) -> None:
    with pytest.raises(StError, match=r"23:\d+") as caught:
        ran(declarations, statement)
    assert "cannot be copied" in caught.value.text.en


def test_in_outs_take_bits_elements_and_strings_of_another_length() -> None:
    rack = ran("w : WORD := 16#F7; a : ARRAY [0..2] OF BOOL; s : STRING[5] := 'abc'; q : BOOL;",
               "q := Flip(w.3); q := Flip(q := a[1]) AND q; Sign(s);")  # fmt: skip
    assert (rack["w"], rack["a"], rack["s"], rack["q"]) == (0xFF, [False, True, False], "abc-s", True)


def test_the_left_side_is_worked_out_first_and_may_decide() -> None:
    rack = ran("n, m, sum : INT; q, r : BOOL := TRUE;",
               """q := n <> 0 AND Bad(n, m => m); r := n = 0 OR Bad(n, m => m);
               IF n <> 0 AND Bad(n, m => m) THEN m := 99; END_IF; sum := n * 100 + Next(n) * 10 + Next(n) + n;""")  # fmt: skip
    assert (rack["q"], rack["r"], rack["m"]) == (False, True, 0)
    assert rack["sum"] == 0 * 100 + 1 * 10 + 2 + 2


EDGES = """FUNCTION_BLOCK Edges
VAR_INPUT up, other : BOOL R_EDGE; down : BOOL F_EDGE; END_VAR
VAR_OUTPUT ups, others, downs : INT; END_VAR
IF up THEN ups := ups + 1; END_IF; IF other THEN others := others + 1; END_IF; IF down THEN downs := downs + 1; END_IF;
END_FUNCTION_BLOCK
"""


def test_inputs_with_edges_are_those_of_the_edge_blocks() -> None:
    rack = Rack(EDGES + body("e : Edges; r : R_TRIG; f : F_TRIG; b, raw : BOOL; n, m : INT;",
        "e(up := b, down := b); r(CLK := b); f(CLK := b); raw := e.up; IF r.Q THEN n := n + 1; END_IF; IF f.Q THEN m := m + 1; END_IF;"))  # fmt: skip
    for value in (False, False, True, True, False, True, False, False):
        rack["b"] = value
        rack.run()
        assert rack["raw"] is value
        assert (rack["e"].v_ups, rack["e"].v_downs, rack["e"].v_others) == (rack["n"], rack["m"], 0)
    assert (rack["n"], rack["m"]) == (2, 3)


def test_programs_have_them_too_and_a_retained_one_remembers(tmp_path: Path) -> None:
    source = """PROGRAM p VAR_INPUT go : BOOL R_EDGE; END_VAR VAR n AT %QW0 : INT; END_VAR IF go THEN n := n + 1; END_IF; END_PROGRAM
    CONFIGURATION c VAR_GLOBAL RETAIN total AT %MW0 : INT; END_VAR
    TASK t(SINGLE := %IX0.0, PRIORITY := 1); PROGRAM RETAIN i : p(go := %IX0.1); PROGRAM j WITH t : q; END_CONFIGURATION
    PROGRAM q VAR_EXTERNAL total : INT; END_VAR total := total + 1; END_PROGRAM"""
    path = tmp_path / "plc1.json"

    def cell(cycle: ScanCycle, address: str) -> int:
        return next(index for known, index, _ in cycle.image.items() if str(known) == address)

    cycle = ScanCycle("plc1", [], FakeField(), source, path)
    for go in (False, True, True, False, True):
        for address in ("%IX0.0", "%IX0.1"):
            cycle.image.cells[cell(cycle, address)] = go
        cycle.scan(0.1)
    assert cycle.image.cells[cell(cycle, "%QW0")] == 2
    assert cycle.image.cells[cell(cycle, "%MW0")] == 2
    cycle.save()
    again = ScanCycle("plc1", [], FakeField(), source, path)
    again.image.cells[cell(again, "%IX0.1")] = True
    again.scan(0.0)
    assert again.image.cells[cell(again, "%QW0")] == 2  # go was TRUE already


WRONG: list[tuple[str, str, str, Any]] = [
    ("FUNCTION_BLOCK F VAR_IN_OUT n : INT; END_VAR END_FUNCTION_BLOCK\n", "f : F; n : INT;", "n := f.n;", ("6:8", "n is an in-out of F; it is connected at the call")),
    ("FUNCTION_BLOCK F VAR_INPUT n : INT R_EDGE; END_VAR END_FUNCTION_BLOCK\n", "", "", ("1:36", "R_EDGE is used on a BOOL input")),
    ("FUNCTION_BLOCK F VAR n : BOOL F_EDGE; END_VAR END_FUNCTION_BLOCK\n", "", "", ("1:31", "F_EDGE is used on a BOOL input")),
    ("FUNCTION F VAR_INPUT n : BOOL F_EDGE; END_VAR END_FUNCTION\n", "", "", ("1:31", "of a FUNCTION_BLOCK or PROGRAM")),
    ("TYPE S : STRUCT a : BOOL R_EDGE; END_STRUCT; END_TYPE\n", "", "", ("1:26", "a field of a structure has no edge")),
    ("TYPE S : STRUCT t : TON; END_STRUCT; END_TYPE FUNCTION F : INT VAR s : S; END_VAR END_FUNCTION\n", "", "", ("1:68", "a FUNCTION has no memory")),
    ("TYPE S : STRUCT f : F; END_STRUCT; END_TYPE FUNCTION_BLOCK F VAR s : S; END_VAR END_FUNCTION_BLOCK\n", "", "", ("1:6", "contains or calls itself (s → f → s)")),
    ("VAR_GLOBAL a : F; b : INT; END_VAR FUNCTION_BLOCK F VAR_EXTERNAL b : REAL; d : INT; END_VAR END_FUNCTION_BLOCK\n", "", "", ("1:66", "b is INT in VAR_GLOBAL, not REAL")),
    ("VAR_GLOBAL a : F; b : INT; END_VAR FUNCTION_BLOCK F VAR_EXTERNAL b : INT; d : INT; END_VAR END_FUNCTION_BLOCK\n", "", "", ("1:75", "d is in no VAR_GLOBAL")),
    ("", "t : TON; n : INT; a : ARRAY [0..1] OF INT;", "n := TO_INT(t);", ("5:6", "TO_INT does not apply to (TON)")),
    ("", "t : TON; n : INT; a : ARRAY [0..1] OF INT;", "n := TO_INT(a) + ABS(a);", ("5:6", "TO_INT does not apply to (ARRAY [0..1] OF INT)")),
    ("TYPE S : STRUCT a : INT; END_STRUCT; END_TYPE\n", "s : S; n : INT;", "n := TRUNC(s);", ("6:6", "TRUNC does not apply to (S)")),
]  # fmt: skip


@pytest.mark.parametrize(("before", "declarations", "statement", "expected"), WRONG)
def test_what_cannot_be(before: str, declarations: str, statement: str, expected: tuple[str, str]) -> None:
    with pytest.raises(StError) as caught:
        Rack(before + body(declarations, statement))
    found = {f"{d.line}:{d.column}": d.text.en for d in caught.value.diagnostics}
    place, words = expected
    assert place in found, found
    assert words in found[place]


def test_a_variable_that_cannot_be_called_leaves_its_name_to_the_function() -> None:
    rack = Rack(body("max, len : INT; s : STRING := 'abc';", "max := MAX(1, 2); len := LEN(s) + len;")).run()
    assert (rack["max"], rack["len"]) == (2, 3)
