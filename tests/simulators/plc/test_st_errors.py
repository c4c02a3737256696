"""What is wrong with a program is said with its place and a remedy, in both languages."""

import pytest

from simulators.plc.st.errors import StError
from simulators.plc.st.program import compile_program
from tests.simulators.plc.rack import body

CASES: list[tuple[str, str, str]] = [
    # source, place, words
    (body("a : INT;", "a := 1"), "5:7", "missing ';' after 1"),
    (body("a : INT;", "IF a > 1 THEN a := 2;"), "6:1", "missing END_IF before END_PROGRAM: IF opens at line 5"),
    (body("a : INT;", "WHILE a > 1 DO\na := 2;\nEND_IF;"), "7:1", "missing END_WHILE before END_IF"),
    (body("a : INT;", "a = 1;"), "5:3", "expected ':=' to assign"),
    (body("a : INT;", "FOR a := 1 TO 3\na := 2; END_FOR;"), "5:16", "missing DO after 3"),
    (body("a : INT;", "IF a > 1\na := 2; END_IF;"), "5:9", "missing THEN after 1"),
    (body("a : INT;", "IF a > 1 THEN a := 2; ENDIF;"), "5:28", "ENDIF: write END_IF"),
    ("PROGRAM p VAR a : INT; a := 1; END_PROGRAM", "1:24", "missing END_VAR before a"),
    ("PROGRAM p a : INT; END_PROGRAM", "1:13", "stands between VAR and END_VAR"),
    ("PROGRAM p", "1:10", "expected a statement or END_PROGRAM"),
    (body("a : INT;", "a := (1 + 2;"), "5:12", "unexpected ';'; expected"),
    (body("a : INT;", "a := é;"), "5:6", "without accents"),
    (body("a : STRING;", "a := 'x;"), "5:6", "string never closed"),
    (body("a : INT;", "(* (* *)"), "5:1", "comment never closed"),
    (body("a : INTEGER;", ""), "3:5", "unknown type INTEGER"),
    (body("a, by : INT;", ""), "3:4", "by is a reserved word"),
    (body("a : INT;", "a := 1;\nelse\na := 2;"), "6:1", "unexpected 'else'"),
    (body("a : BOOOL;", ""), "3:5", "did you mean BOOL?"),
    (body("a : INT; a : INT;", ""), "3:10", "declared twice"),
    (body("a : INT;", "b := 1;"), "5:1", "b is not declared"),
    (body("level_pct : INT;", "levelpct := 1;"), "5:1", "did you mean level_pct?"),
    (body("a : INT;", "a := TRUE;"), "5:6", "expected INT, found BOOL"),
    (body("a : INT;", "a := 40000;"), "5:6", "40000 is not a value of INT"),
    (body("a : USINT;", "a := -1;"), "5:6", "-1 is not a value of USINT"),
    (body("a : INT;", "IF a THEN END_IF;"), "5:4", "expected BOOL, found INT"),
    (body("a : INT; b : BOOL;", "a := a + b;"), "5:8", "+ does not apply to INT and BOOL"),
    (body("a : WORD;", "a := a + 1;"), "5:8", "WORD_TO_DINT"),
    (body("a : INT; t : TIME;", "t := t + a;"), "5:8", "INT_TO_TIME"),
    (body("t : TON;", "t(IM := TRUE);"), "5:3", "TON has no input IM; it has: IN, PT"),
    (body("t : TON;", "t(IN := TRUE, IN := FALSE);"), "5:15", "given twice"),
    (body("t : TON; a : INT;", "a := t.QQ;"), "5:8", "TON has no member QQ; it has: IN, PT, Q, ET"),
    (body("a : INT;", "a(1);"), "5:1", "INT cannot be called"),
    (body("a : INT;", "a := foo(1);"), "5:6", "foo is neither a function"),
    (body("a : INT;", "EXIT;"), "5:1", "EXIT is used in a loop"),
    (body("a : INT;", "CASE a OF 1: a := 2; 1: a := 3; END_CASE;"), "5:22", "label 1 is already taken"),
    (body("a, b : INT;", "CASE a OF b: a := 2; END_CASE;"), "5:11", "a label of CASE is a constant"),
    (body("a : INT;", "CASE a OF a := 2; END_CASE;"), "5:11", "a label is expected"),
    (body("a : ARRAY [1..3] OF INT;", "a[1, 2] := 3;"), "5:1", "takes 1 index(es), 2 given"),
    (body("a : ARRAY [3..1] OF INT;", ""), "3:12", "empty bounds 3..1"),
    (body("a : ARRAY [1..100000] OF INT;", ""), "3:5", "more than 32768 elements"),
    (body("a : ARRAY [1..2] OF INT := [1, 2, 3];", ""), "3:28", "3 values for 2 elements"),
    (body("n : INT; a : ARRAY [1..n] OF INT;", ""), "3:24", "a constant integer is expected"),
    (body("a AT %QX0.0 : INT;", ""), "3:6", "%QX0.0 has 1 bit(s), which INT has not; write for example %QW0.0"),
    (body("a AT %QW0 : INT; b AT %QW0 : UINT;", ""), "3:23", "%QW0 is already declared INT (line 3)"),
    (body("a AT %QW2000 : INT;", ""), "3:6", "%QW goes from 0 to 1023"),
    ("FUNCTION_BLOCK F VAR a : INT; END_VAR END_FUNCTION_BLOCK", "1:1", "no PROGRAM"),
    ("PROGRAM a END_PROGRAM PROGRAM b END_PROGRAM", "1:31", "several PROGRAMs without CONFIGURATION"),
    ("PROGRAM a VAR_EXTERNAL g : INT; END_VAR END_PROGRAM", "1:24", "g is in no VAR_GLOBAL"),
    ("PROGRAM max END_PROGRAM", "1:9", "max is a name of the standard"),
    ("FUNCTION f : INT f := f(); END_FUNCTION PROGRAM p VAR a : INT; END_VAR a := f(); END_PROGRAM", "1:23", "calls itself"),
    ("FUNCTION_BLOCK F VAR g : G; END_VAR END_FUNCTION_BLOCK FUNCTION_BLOCK G VAR f : F; END_VAR END_FUNCTION_BLOCK PROGRAM p END_PROGRAM", "1:81", "contains or calls itself (f → g → f)"),
    ("TYPE A : STRUCT b : B; END_STRUCT; B : STRUCT a : A; END_STRUCT; END_TYPE PROGRAM p END_PROGRAM", "1:6", "(a → b → a)"),
    ("VAR_GLOBAL t : TON; END_VAR FUNCTION f : INT t(IN := TRUE); END_FUNCTION PROGRAM p END_PROGRAM", "1:46", "does not call"),
    ("FUNCTION f : INT VAR t : TON; END_VAR END_FUNCTION PROGRAM p END_PROGRAM", "1:22", "a FUNCTION has no memory"),
    ("PROGRAM p END_PROGRAM CONFIGURATION c TASK t(INTERVAL := 5, PRIORITY := 0); PROGRAM i WITH u : p; END_CONFIGURATION",
     "1:58", "5 is not a value of TIME"),
    ("TYPE C : (Red); D : (Red); END_TYPE PROGRAM p VAR c : C; END_VAR c := Red; END_PROGRAM", "1:71", "ambiguous"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "place", "words"), CASES)
def test_errors_name_place_and_remedy(source: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        compile_program(source, "plc1.st")
    said = {f"{d.line}:{d.column}": d.text for d in caught.value.diagnostics}
    assert place in said, said
    assert words in said[place].en
    assert said[place].fr
    assert f"plc1.st:{place}" in str(caught.value)


def test_every_error_of_a_run_is_said() -> None:
    statements = "\n".join(f"x{n} := 1;" for n in range(30))
    with pytest.raises(StError) as caught:
        compile_program(body("a : INT;", statements), "plc1.st")
    assert len(caught.value.diagnostics) == 30
    assert "10 more error(s)" in caught.value.text.en


HOSTILE: list[tuple[str, str]] = [
    ("parentheses", body("a : INT;", f"a := {'(' * 5000}1{')' * 5000};")),
    ("ifs", body("a : INT;", "IF TRUE THEN " * 500 + "END_IF; " * 500)),
    ("sum", body("a : INT;", "a := " + "1 + " * 10_000 + "1;")),
    ("nots", body("a : BOOL;", "a := " + "NOT " * 5000 + "TRUE;")),
    ("powers", body("a : LREAL;", "a := " + "9.9 ** " * 100 + "9.9;")),
    ("big number", body("a : LINT;", "a := " + "9" * 10_000 + ";")),
    ("structures that double", "TYPE T0 : STRUCT a, b : INT; END_STRUCT;" + "".join(
        f"T{n} : STRUCT a, b : T{n - 1}; END_STRUCT;" for n in range(1, 30)) + "END_TYPE" + body("a : T29;", "")),
    ("chained types", "TYPE T0 : INT;" + "".join(f"T{n} : T{n - 1};" for n in range(1, 500)) + "END_TYPE" + body("a : T499;", "")),
    ("arrays of arrays", body("a : ARRAY [1..30000] OF ARRAY [1..30000] OF INT;", "")),
    ("calls that multiply", "FUNCTION F0 : INT F0 := 1; END_FUNCTION " + "".join(
        f"FUNCTION F{n} : INT F{n} := {' + '.join([f'F{n - 1}()'] * 10)}; END_FUNCTION " for n in range(1, 20))
        + body("a : INT;", "a := F19();")),
    ("repeated initial values", body("a : ARRAY [0..0, 0..0, 0..0] OF INT := [30000([30000([30000(1)])])];", "")),
    ("subscripts", body("a : ARRAY [0..1] OF INT;", f"a{'[a' * 100}[0]{']' * 100} := 1;")),
    ("members", body("a : INT;", "a" + ".b" * 5000 + " := 1;")),
    ("operators", body("a : INT;", "a := " + "+" * 3000 + ";")),
    ("labels", "TYPE E : (" + ", ".join(f"l{n}" for n in range(20_000)) + ", l0); END_TYPE\n" + body("", "")),
    ("little declarations", "TYPE END_TYPE " * 15_000),
    ("comments", "(*" * 100_000),
    ("large", "x" * 300_000),
    ("units", "".join(f"FUNCTION F{n} : INT F{n} := 1; END_FUNCTION\n" for n in range(1000)) + body("a : INT;", "")),
]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("name", "source"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_hostile_sources_get_an_error(name: str, source: str) -> None:
    with pytest.raises(StError):
        compile_program(source, "hostile.st")


def test_names_never_reach_python() -> None:
    program = compile_program(
        body("self, class_, __import__, lambda, T, _c, rt_at, None : INT; s : STRING;",
             "__import__ := self + lambda; None := T + _c; s := '$L\"\"\"; import os #';"), "x.st")  # fmt: skip
    assert "import os" not in program.python.replace(repr('\n"""; import os #'), "")
    assert " lambda" not in program.python
