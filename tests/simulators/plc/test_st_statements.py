"""Statements, program units and made types."""

from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import Rack, body


def ran(declarations: str, statements: str, before: str = "") -> Rack:
    return Rack(before + body(declarations, statements)).run()


def test_if_takes_one_branch() -> None:
    source = body(
        "n, out : INT;",
        "IF n < 0 THEN out := -1; ELSIF n = 0 THEN out := 0; ELSIF n < 10 THEN out := 1; ELSE out := 2; END_IF;",
    )
    rack = Rack(source)
    for value, expected in ((-5, -1), (0, 0), (9, 1), (10, 2)):
        rack["n"] = value
        assert rack.run()["out"] == expected


def test_case_takes_values_lists_ranges_and_labels() -> None:
    source = "TYPE Phase : (Idle, Filling := 5, Draining); END_TYPE\n" + body(
        "n, out : INT; p : Phase; name : INT;",
        """CASE n OF
             1: out := 10;
             2, 4..6, 9: out := 20; out := out + 1;
             -3..-1: out := 30;
           ELSE out := 0; END_CASE
           ; CASE p OF Idle: name := 1; Phase#Filling: name := 2; Phase.Draining: name := 3; END_CASE;""",
    )
    rack = Rack(source)
    for value, expected in ((1, 10), (2, 21), (5, 21), (9, 21), (-2, 30), (7, 0), (0, 0)):
        rack["n"] = value
        assert rack.run()["out"] == expected
    for value, expected in ((0, 1), (5, 2), (6, 3)):
        rack["p"] = value
        assert rack.run()["name"] == expected


LOOPS: list[tuple[str, int]] = [
    ("FOR i := 1 TO 5 DO s := s + i; END_FOR;", 15),
    ("FOR i := 5 TO 1 BY -2 DO s := s * 10 + i; END_FOR;", 531),
    ("FOR i := 3 TO 2 DO s := 99; END_FOR;", 0),
    ("FOR i := 1 TO 5 DO s := i; END_FOR; s := i;", 6),
    ("FOR i := 1 TO 5 DO IF i = 3 THEN EXIT; END_IF; s := s + 1; END_FOR; s := s * 10 + i;", 23),
    ("FOR i := 1 TO 5 DO IF i MOD 2 = 0 THEN CONTINUE; END_IF; s := s + i; END_FOR;", 9),
    ("FOR i := 1 TO n DO FOR j := 1 TO i DO s := s + 1; IF j = 2 THEN EXIT; END_IF; END_FOR; END_FOR;", 9),
    ("FOR i := 1 TO n BY j + 2 DO s := s * 10 + i; END_FOR; s := s * 10 + i;", 1357),
    ("FOR i := n TO 1 BY j - 2 DO s := s * 10 + i; END_FOR;", 531),
    ("WHILE s < 10 DO s := s + 3; END_WHILE;", 12),
    ("WHILE TRUE DO s := s + 1; IF s = 4 THEN EXIT; END_IF; END_WHILE;", 4),
    ("REPEAT s := s + 1; UNTIL s >= 3 END_REPEAT;", 3),
    ("REPEAT s := s + 1; IF s < 5 THEN CONTINUE; END_IF; s := s + 100; UNTIL s > 2 END_REPEAT;", 3),
    ("s := 1; RETURN; s := 2;", 1),
    ("FOR i := 1 TO 3 DO ; END_FOR; s := 7;", 7),
    ("FOR i := 32766 TO 32767 DO s := s + 1; END_FOR;", 2),
]


@pytest.mark.parametrize(("statements", "expected"), LOOPS)
def test_loops(statements: str, expected: int) -> None:
    assert ran("i, j, s : INT; n : INT := 5;", statements)["s"] == expected


def test_a_conditions_call_with_outputs_runs_each_time_it_is_tested() -> None:
    before = """FUNCTION Step : BOOL VAR_INPUT x : INT; END_VAR VAR_OUTPUT y : INT; END_VAR
        y := x + 1; Step := x < 3; END_FUNCTION\n"""
    rack = ran("n, m, branch : INT;", """WHILE Step(n, y => n) DO m := m + 1; END_WHILE;
        IF FALSE THEN ; ELSIF Step(x := 1, y => branch) THEN m := m * 10; END_IF;""", before)  # fmt: skip
    assert (rack["n"], rack["m"], rack["branch"]) == (4, 30, 2)


ARRAYS = """a : ARRAY [1..3] OF INT := [10, 20, 30]; b : ARRAY [-1..1, 0..2] OF INT; c : ARRAY [1..3] OF INT;
    d : ARRAY [0..9] OF REAL := [3(1.5), 2.0, 2()]; e : ARRAY [1..2, 1..2] OF INT := [[1, 2], [3, 4]]; i : INT := 2; out : INT;
    f : ARRAY [1..2] OF ARRAY [1..2] OF INT;"""


def test_arrays() -> None:
    rack = ran(ARRAYS, """b[-1, 0] := 1; b[1, 2] := 9; b[i - 2, 1] := 5; c := a; c[i] := 99; out := a[i] + e[2, 1];
        f[2][1] := 7; f[1] := f[2]; a[a[1] - 8] := 21;""")  # fmt: skip
    assert rack["b"] == [1, 0, 0, 0, 5, 0, 0, 0, 9]
    assert rack["a"] == [10, 21, 30]
    assert rack["c"] == [10, 99, 30]
    assert rack["d"] == [1.5] * 3 + [2.0] + [0.0] * 6
    assert rack["out"] == 23
    assert rack["f"] == [[7, 0], [7, 0]]


@pytest.mark.parametrize("index", ["0", "4", "-1"])
def test_an_index_outside_is_an_error_or_a_fault(index: str) -> None:
    with pytest.raises(StError, match=r"1\.\.3"):
        ran(ARRAYS, f"out := a[{index}];")
    with pytest.raises(StFaultError, match=r"1\.\.3"):
        ran(ARRAYS, f"i := {index}; out := a[i];")
    with pytest.raises(StFaultError, match=r"1\.\.3"):
        ran(ARRAYS, f"i := {index}; a[i] := 1;")


def test_a_loop_variable_needs_no_check_but_one_that_goes_too_far_is_seen() -> None:
    source = body(ARRAYS, "FOR i := 1 TO 3 DO out := out + a[i]; END_FOR;")
    rack = Rack(source)
    assert "rt_at" not in rack.instance.program.python
    assert rack.run()["out"] == 60
    for too_far in ("FOR i := 1 TO 4 DO out := a[i]; END_FOR;", "FOR i := 1 TO 3 DO ; END_FOR; out := a[i];"):
        with pytest.raises(StFaultError):
            ran(ARRAYS, too_far)


STRUCTURES = """TYPE
  Point : STRUCT x : REAL := 1.5; y : REAL; END_STRUCT;
  Recipe : STRUCT name : STRING[10] := 'none'; target : Point := (y := 2.0); steps : ARRAY [1..2] OF Point; n : INT; END_STRUCT;
  Level : REAL := 7.5;
END_TYPE
"""


def test_structures_are_copied_by_assignment() -> None:
    rack = ran("a, b : Recipe; list : ARRAY [1..2] OF Recipe; l : Level; c : Recipe := (n := 4, target := (x := 9.0));",
               """a.name := 'water'; a.target.x := 3.0; a.steps[2].y := 4.0; b := a; a.target.x := 0.0;
                list[1] := b; b.n := 5; list[2].steps[1] := a.steps[2];""", STRUCTURES)  # fmt: skip
    assert (rack["b"].v_name, rack["b"].v_target.v_x, rack["b"].v_steps[1].v_y) == ("water", 3.0, 4.0)
    first, second = rack["list"]
    assert (first.v_n, first.v_name, second.v_steps[0].v_y) == (0, "water", 4.0)
    assert (rack["c"].v_n, rack["c"].v_target.v_x, rack["c"].v_target.v_y, rack["l"]) == (4, 9.0, 0.0, 7.5)


UNITS = """
FUNCTION Scale : REAL
VAR_INPUT raw : INT; low : REAL := 0.0; high : REAL := 100.0; END_VAR
VAR CONSTANT full : REAL := 27648.0; END_VAR
VAR half : REAL; END_VAR
half := (high - low) / 2.0;
Scale := low + raw * (high - low) / full;
END_FUNCTION
FUNCTION Swap
VAR_IN_OUT a, b : INT; END_VAR
VAR t : INT; END_VAR
t := a; a := b; b := t;
END_FUNCTION
FUNCTION MinMax : BOOL
VAR_INPUT values : ARRAY [1..4] OF INT; END_VAR
VAR_OUTPUT low, high : INT; END_VAR
VAR i : INT; END_VAR
low := values[1]; high := values[1];
FOR i := 2 TO 4 DO low := MIN(low, values[i]); high := MAX(high, values[i]); END_FOR;
MinMax := low < high;
END_FUNCTION
FUNCTION_BLOCK Totaliser
VAR_INPUT flow : REAL; clear : BOOL; END_VAR
VAR_OUTPUT total : REAL; running : BOOL; END_VAR
VAR edge : R_TRIG; calls : DINT; END_VAR
VAR_TEMP scratch : REAL; END_VAR
edge(CLK := clear);
IF edge.Q THEN total := 0.0; RETURN; END_IF;
scratch := scratch + flow; total := total + scratch; calls := calls + 1; running := flow > 0.0;
END_FUNCTION_BLOCK
FUNCTION_BLOCK Line
VAR_INPUT in : REAL; END_VAR
VAR_IN_OUT count : INT; log : ARRAY [0..3] OF REAL; END_VAR
VAR_OUTPUT sum : REAL; END_VAR
VAR totals : ARRAY [1..2] OF Totaliser; END_VAR
totals[1](flow := in, total => sum); totals[2](in * 2.0);
log[count] := sum; count := count + 1;
END_FUNCTION_BLOCK
"""


def test_functions() -> None:
    rack = ran("r, q : REAL; a : INT := 1; b : INT := 2; list : ARRAY [1..4] OF INT := [3, 1, 4, 2]; lo, hi : INT; ok : BOOL;",
               """r := Scale(13824); q := Scale(raw := 27648, high := 10.0); Swap(a, b);
               ok := MinMax(list, low => lo, high => hi);""", UNITS)  # fmt: skip
    assert (rack["r"], rack["q"], rack["a"], rack["b"]) == (50.0, 10.0, 2, 1)
    assert (rack["lo"], rack["hi"], rack["ok"]) == (1, 4, True)


def test_function_blocks_keep_their_own_memory() -> None:
    source = UNITS + body("t, u : Totaliser; total : REAL; idle : BOOL; n : INT; list : ARRAY [0..3] OF REAL; l : Line; sum2 : REAL;",
        """t(flow := 1.5, total => total, NOT running => idle); u(flow := 10.0); u.clear := n = 2;
        l(in := 2.0, count := n, log := list); sum2 := l.sum;""")  # fmt: skip
    rack = Rack(source).run().run()
    assert (rack["total"], rack["idle"], rack["u"].v_total, rack["n"]) == (3.0, False, 20.0, 2)
    assert rack["list"] == [2.0, 4.0, 0.0, 0.0]
    assert rack["sum2"] == 4.0
    assert rack["l"].v_totals[1].v_total == 8.0
    assert rack.run().run()["u"].v_total == 0.0  # clear rose


def test_en_skips_a_block_and_eno_says_it() -> None:
    rack = Rack(
        UNITS + body("t : Totaliser; go, done : BOOL;", "t(EN := go, flow := 1.0, ENO => done);")
    ).run()
    assert (rack["t"].v_total, rack["done"]) == (0.0, False)
    rack["go"] = True
    assert (rack.run()["t"].v_total, rack["done"]) == (1.0, True)


def test_names_and_keywords_have_no_case_and_comments_nest() -> None:
    rack = Rack("""
        program MAIN {pragma} var Count : int; (* a (* nested *) comment *) end_var // end
        /* another */ COUNT := count + 1; {another} If cOuNt > 0 Then COUNT := Count * 2; End_If; end_program
    """).run()
    assert rack["count"] == 2


def test_constants_of_the_file_size_its_types() -> None:
    rack = Rack("""VAR_GLOBAL CONSTANT N : INT := 3; END_VAR VAR_GLOBAL total : INT; END_VAR
    TYPE Buffer : ARRAY [1..N] OF INT; END_TYPE
    PROGRAM p VAR b : Buffer; END_VAR b[N] := N; total := total + b[N]; END_PROGRAM""").run()
    assert rack["b"] == [0, 0, 3]
    assert rack.instance.space.v_total == 3


def test_initial_values_and_constants() -> None:
    source = """PROGRAM main
    VAR CONSTANT N : INT := 4; LIMIT_HIGH : REAL := 2.0 * 40.0; END_VAR
    VAR a : ARRAY [1..N] OF INT := [N(7)]; r : REAL := LIMIT_HIGH; t : TON := (PT := T#3s); i, j : INT := N + 1; END_VAR
    i := i + N; END_PROGRAM""".replace("[N(7)]", "[4(7)]")
    rack = Rack(source).run()
    assert (rack["a"], rack["r"], rack["t"].v_pt, rack["i"], rack["j"]) == (
        [7, 7, 7, 7],
        80.0,
        3_000_000_000,
        9,
        5,
    )


WRITES: list[tuple[str, str]] = [
    ("VAR CONSTANT k : INT := 1; END_VAR", "k := 2;"),
    ("VAR i : INT; END_VAR", "FOR i := 1 TO 3 DO i := 2; END_FOR;"),
    ("VAR t : TON; END_VAR", "t.Q := TRUE;"),
    ("VAR x AT %IX0.0 : BOOL; END_VAR", "x := TRUE;"),
    ("VAR t, u : TON; END_VAR", "t := u;"),
]


@pytest.mark.parametrize(("declarations", "statement"), WRITES)
def test_what_may_not_be_written(declarations: str, statement: str) -> None:
    with pytest.raises(StError):
        Rack(f"PROGRAM main {declarations} {statement} END_PROGRAM")


def test_located_variables_live_in_the_image() -> None:
    rack = Rack("""PROGRAM main VAR start AT %IX0.3 : BOOL; motor AT %QX0.0 : BOOL; speed AT %QW3 : INT := 5;
        setpoint AT %MD2 : REAL := 7.5; END_VAR
        motor := start; speed := speed + 1; %QW4 := %IW0; %MX0.0 := %IX0.3; END_PROGRAM""")  # fmt: skip
    cells = {str(address): index for address, index, _ in rack.image.items()}
    rack.image.cells[cells["%IX0.3"]] = True
    rack.image.cells[cells["%IW0"]] = 1234
    rack.run()
    values: dict[str, Any] = {address: rack.image.cells[index] for address, index in cells.items()}
    assert values == {
        "%IX0.3": True,
        "%QX0.0": True,
        "%QW3": 6,
        "%MD2": 7.5,
        "%QW4": 1234,
        "%IW0": 1234,
        "%MX0.0": True,
    }


def test_an_endless_loop_ends_at_the_same_place_every_time() -> None:
    counts = set()
    for _ in range(2):
        rack = Rack(body("n : DINT;", "WHILE TRUE DO n := n + 1; END_WHILE;"), budget=50_000)
        with pytest.raises(StFaultError, match=r"sans fin|endless"):
            rack.run()
        counts.add(rack["n"])
    assert counts == {25_000}
