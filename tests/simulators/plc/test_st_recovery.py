"""One run names errors of syntax and of meaning: a declaration that cannot be read hides none of the others, and blames none."""

import random
from pathlib import Path

import pytest

from simulators.plc.st.errors import Report, StError
from simulators.plc.st.parts import parts
from simulators.plc.st.program import compile_program
from simulators.plc.st.tokens import tokenize


def errors(source: str) -> dict[str, str]:
    with pytest.raises(StError) as caught:
        compile_program(source, "plc1.st")
    assert all(d.text.fr and d.text.fr != d.text.en for d in caught.value.diagnostics)
    return {f"{d.line}:{d.column}": d.text.en for d in caught.value.diagnostics}


UNITS = """FUNCTION Half : REAL
VAR_INPUT x : REAL; END_VAR
Half := x / ;
END_FUNCTION
FUNCTION_BLOCK Pump
VAR_INPUT run : BOOL; END_VAR
VAR_OUTPUT flow : REAL; END_VAR
IF run THEN flow := 1.0;
END_FUNCTION_BLOCK
FUNCTION_BLOCK Valve
VAR_IN_OUT p : Pump; END_VAR
p(run := yes, speed := 2);
END_FUNCTION_BLOCK
PROGRAM main
VAR p : Pump; list : ARRAY [1..3] OF Pump := [3()]; q : Pump := (run := TRUE); v : Valve; r : REAL; n : INT; END_VAR
p(run := r, flow => r);
r := Half(p.flow) + Half(rr) + list[n].flow;
v(p := p);
n := r;
END_PROGRAM
"""


def test_units_that_can_be_read_are_checked_and_the_others_are_not_unknown() -> None:
    found = errors(UNITS)
    assert list(found) == ["3:13", "9:1", "12:10", "17:26", "19:6"]
    assert "unexpected ';'; expected an expression" in found["3:13"]
    assert "missing END_IF before END_FUNCTION_BLOCK" in found["9:1"]
    assert "yes is not declared" in found["12:10"]
    assert "rr is not declared" in found["17:26"]
    assert "expected INT, found REAL; convert with REAL_TO_INT" in found["19:6"]


TYPES = """TYPE
Colour : (Red, Green);
Point : STRUCT x : REAL y, z : REAL; END_STRUCT;
Level : INT(0..100);
Tank : STRUCT top : Point; level : Level := 200; END_STRUCT;
END_TYPE
PROGRAM main
VAR c : Colour; p : Point := (x := 1.0); points : ARRAY [0..1] OF Point; l : Level; t : Tank; n : INT; END_VAR
p.x := points[n].y + t.top.z;
points[0] := p;
l := 101;
c := Gren;
CASE c OF Red: n := TRUE; END_CASE;
END_PROGRAM
"""


def test_types_that_can_be_read_are_known() -> None:
    found = errors(TYPES)
    assert list(found) == ["3:25", "5:45", "11:6", "12:6", "13:21"]
    assert "unexpected 'y'" in found["3:25"]
    assert "200 is outside INT(0..100)" in found["5:45"]
    assert "did you mean green?" in found["12:6"]


GLOBALS = """VAR_GLOBAL CONSTANT SIZE : INT = 4; END_VAR
VAR_GLOBAL a : INT; b INT; c : BOOL; END_VAR
TYPE Buffer : ARRAY [1..SIZE] OF INT; Mode : (Off, On; END_TYPE
PROGRAM main
VAR_EXTERNAL a : REAL; b : INT; d : INT; END_VAR
VAR buffer : Buffer; m : Mode := On; s : INT(0..SIZE); END_VAR
buffer[SIZE] := b;
c := a;
IF m = Mode#Off OR m = Off THEN e := 1; END_IF;
END_PROGRAM
"""


def test_so_are_global_variables() -> None:
    found = errors(GLOBALS)
    assert list(found) == ["1:32", "2:23", "3:54", "5:14", "5:33", "8:6", "9:33"]
    assert "a is INT in VAR_GLOBAL, not REAL" in found["5:14"]
    assert "d is in no VAR_GLOBAL" in found["5:33"]
    assert "expected BOOL, found INT" in found["8:6"]
    assert "e is not declared" in found["9:33"]


CONFIGURATION = """PROGRAM first VAR n : INT; END_VAR n := 1.5; END_PROGRAM
PROGRAM second VAR n : INT END_VAR n = 1; END_PROGRAM
CONFIGURATION c
VAR_GLOBAL g : INT; END_VAR
RESOURCE r ON PLC
TASK fast(INTERVAL := T#100ms, PRIORITY := 1);
PROGRAM one WITH fast : first;
PROGRAM two WITH fst : second;
PROGRAM three WITH fast : third;
END_RESOURCE
END_CONFIGURATION
"""


def test_programs_of_a_configuration() -> None:
    found = errors(CONFIGURATION)
    assert list(found) == ["1:41", "2:27", "2:38", "8:18", "9:27"]
    assert "did you mean fast?" in found["8:18"]
    assert "third is not a PROGRAM" in found["9:27"]
    found = errors(CONFIGURATION.replace("100ms, ", "100ms ").replace("g : INT", "n : INT"))
    assert list(found) == ["1:41", "2:27", "2:38", "6:31"]


FORGOTTEN: list[tuple[str, str, list[str]]] = [
    ("an end", "FUNCTION f : INT f := 1;\nFUNCTION g : INT g := TRUE; END_FUNCTION\nPROGRAM p VAR a : INT; END_VAR a := f() + x; END_PROGRAM",
     ["2:1", "2:23", "3:43"]),
    ("the end of a block", "FUNCTION_BLOCK f VAR a : INT; END_VAR IF a > 1 THEN a := 2;\nPROGRAM p VAR i : f; END_VAR i(); x := 1; END_PROGRAM",
     ["2:1", "2:35"]),
    ("the end of types", "TYPE A : INT;\nVAR_GLOBAL g : A; END_VAR\nPROGRAM p g := 1; x := 1; END_PROGRAM", ["2:1", "3:19"]),
    ("the end of a configuration", "CONFIGURATION c PROGRAM one : p;\nPROGRAM p VAR n : INT; END_VAR n := TRUE; END_PROGRAM", ["2:1", "2:37"]),
    ("a letter", "FUNKCION f : INT VAR_INPUT x : INT; END_VAR f := x; END_FUNCTION\nPROGRAM p VAR a : INT; END_VAR a := f(1); x := f(y); END_PROGRAM",
     ["1:1", "2:50"]),
    ("a quote", "FUNCTION f : STRING f := 'abc; END_FUNCTION\nPROGRAM p VAR a : INT; s : STRING; END_VAR s := f(); a := s; END_PROGRAM",
     ["1:26", "2:1", "2:59"]),
    ("the end of a comment", "FUNCTION f : INT f := 1 + ; END_FUNCTION\nPROGRAM p x := f(g()); (* END_PROGRAM\nFUNCTION g : INT END_FUNCTION", ["1:27", "2:24"]),
    ("ASCII", "FUNCTION f : INT f := é; END_FUNCTION\nPROGRAM p VAR a : INT; END_VAR a := f(); a := TRUE; END_PROGRAM", ["1:23", "1:24", "2:47"]),
    ("a name", "FUNCTION : INT END_FUNCTION\nPROGRAM p VAR a : INT; END_VAR a := TRUE; END_PROGRAM", ["1:10", "2:37"]),
    ("how names are made", "FUNCTION_BLOCK 2nd Pump VAR a : INT; END_VAR a := 1; END_FUNCTION_BLOCK\nPROGRAM p VAR a : Pump; END_VAR a(); x := 1; END_PROGRAM",
     ["1:16", "2:38"]),
    ("another name", "PROGRAM p VAR type, function : INT; a : INT; END_VAR a := TRUE; END_PROGRAM\nFUNCTION f : INT f := TRUE; END_FUNCTION",
     ["1:15", "2:23"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "source", "places"), FORGOTTEN, ids=[what for what, _, _ in FORGOTTEN])
def test_what_is_forgotten_costs_one_declaration(what: str, source: str, places: list[str]) -> None:
    found = errors(source)
    assert list(found) == places, (what, found)


def test_a_misspelt_unit_is_told_how_to_be_written() -> None:
    assert errors("PROGRAMA p END_PROGRAM") == {"1:1": "PROGRAMA: write PROGRAM"}


def test_too_deep_a_unit_leaves_the_others_alone() -> None:
    deep = "FUNCTION f : INT f := " + "(" * 50 + "1" + ")" * 50 + "; END_FUNCTION\n"
    found = errors(deep + "PROGRAM p VAR a : INT; END_VAR a := f(); a := TRUE; END_PROGRAM")
    assert [place.split(":")[0] for place in found] == ["1", "2"]


def test_many_errors_end_it() -> None:
    unit = "FUNCTION f{n} : INT f{n} := +; END_FUNCTION\n"
    found = errors("".join(unit.format(n=n) for n in range(190)) + "PROGRAM p x := 1; END_PROGRAM")
    assert 90 < len(found) <= 120
    assert "191:11" not in found


PROGRAMS = Path(__file__).with_name("programs")
LINE = Path(__file__).parents[3] / "scenarios" / "lines" / "bottling" / "programs"
SAMPLES = [
    path.read_text(encoding="utf-8")
    for path in (PROGRAMS / "openplc_conveyor.st", PROGRAMS / "beremiz_dosing.st", *sorted(LINE.glob("*.st")))
]
WORDS = [")", "]", "THEN", "..", "é", "END_IF", "=>", "VAR", "5x"]


@pytest.mark.parametrize("seed", range(80))
def test_one_strange_word_is_an_error_of_its_declaration_only(seed: int) -> None:
    rng = random.Random(seed)
    source = rng.choice(SAMPLES)
    tokens, _whole = tokenize(source, Report())
    part = rng.choice(parts(tokens))
    at = rng.choice(part.tokens[1:]).start_pos or 0
    found = errors(f"{source[:at]} {rng.choice(WORDS)} {source[at:]}")
    first = part.tokens[0].line or 0
    last = (part.following or part.tokens[-1]).line or 0
    assert all(first <= int(place.split(":")[0]) <= last for place in found), found
