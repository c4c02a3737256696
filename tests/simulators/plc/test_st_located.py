"""Arrays at addresses, and what may be written from outside."""

from pathlib import Path
from typing import Any

import pytest

from simulators.plc.address import parse_address
from simulators.plc.scan import ScanCycle
from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import FakeField, Rack, tag

HEAD = """PROGRAM main
VAR
a AT %QW4 : ARRAY [1..2, 0..2] OF INT := [1, 2, 3, 4];
q AT %QX1.6 : ARRAY [0..3] OF BOOL := [TRUE];
raw AT %IW2 : ARRAY [0..1] OF UINT;
r AT %MD3 : ARRAY [0..1] OF REAL := [2(1.5)];
AT %QX9.0 : BOOL := TRUE;
b AT %QW5 : INT := 2;
c : ARRAY [1..2, 0..2] OF INT; i : INT := 2; s : INT;
END_VAR
"""


def cells(rack: Rack) -> dict[str, Any]:
    return {str(address): rack.image.cells[index] for address, index, _ in rack.image.items()}


def test_each_element_has_its_own_address() -> None:
    rack = Rack(HEAD + """a[i, 1] := a[1, 2] + 10; c := a; a[1, 0] := UINT_TO_INT(raw[1]); q[i] := NOT q[i - 1];
        s := b; b := 7; s := s * 10 + a[1, 1]; r[i - 1] := r[0] * 2.0; %QX9.1 := %QX9.0; END_PROGRAM""")  # fmt: skip
    rack.image.cells[next(index for known, index, _ in rack.image.items() if str(known) == "%IW3")] = 42
    rack.run()
    assert rack["c"] == [1, 2, 3, 4, 13, 0]
    assert rack["s"] == 2 * 10 + 7
    assert cells(rack) == {
        "%QW4": 42, "%QW5": 7, "%QW6": 3, "%QW7": 4, "%QW8": 13, "%QW9": 0,
        "%QX1.6": True, "%QX1.7": False, "%QX2.0": True, "%QX2.1": False,
        "%IW2": 0, "%IW3": 42, "%MD3": 1.5, "%MD4": 3.0, "%QX9.0": True, "%QX9.1": True,
    }  # fmt: skip


def test_it_is_copied_and_passed_as_a_whole() -> None:
    rack = Rack(HEAD + """c[1, 1] := 9; a := c; s := Sum(a) + Sum(v := c); END_PROGRAM
        FUNCTION Sum : INT VAR_INPUT v : ARRAY [1..2, 0..2] OF INT; END_VAR VAR i, j : INT; END_VAR
        FOR i := 1 TO 2 DO FOR j := 0 TO 2 DO Sum := Sum + v[i, j]; END_FOR; END_FOR; END_FUNCTION""").run()  # fmt: skip
    assert rack["s"] == 18
    assert [cells(rack)[f"%QW{n}"] for n in range(4, 10)] == [0, 9, 0, 0, 0, 0]


WRONG: list[tuple[str, str, str]] = [
    ("raw[0] := 1;", "11:1", "raw is an input (%I)"),
    ("raw := raw;", "11:1", "raw is an input (%I)"),
    ("a[3, 0] := 1;", "11:3", "index 3 is outside 1..2"),
    ("Swap(a);", "11:6", "in-out v: an array at addresses is first copied to a variable"),
    ("a := i;", "11:6", "expected ARRAY [1..2, 0..2] OF INT, found INT"),
]


@pytest.mark.parametrize(("statement", "place", "words"), WRONG)
def test_wrong_uses(statement: str, place: str, words: str) -> None:
    after = "FUNCTION Swap VAR_IN_OUT v : ARRAY [1..2, 0..2] OF INT; END_VAR v[1, 0] := 1; END_FUNCTION"
    check(f"{HEAD}{statement}\nEND_PROGRAM\n{after}", place, words)


DECLARATIONS: list[tuple[str, str, str]] = [
    ("a AT %QW1020 : ARRAY [0..9] OF INT;", "1:23", "%QW1024: out of reach; %QW goes from 0 to 1023"),
    (
        "a AT %QW0 : ARRAY [0..9] OF REAL;",
        "1:23",
        "%QW0 has 16 bit(s), which REAL has not; write for example %QD0",
    ),
    ("a AT %QW0 : ARRAY [0..9] OF INT; b AT %QW4 : UINT;", "1:56", "%QW4 is already declared INT (line 1)"),
    ("a AT %QW0 : ARRAY [0..1] OF STRING;", "1:23", "%QW0 has 16 bit(s), which STRING[80] has not"),
    ("a, b AT %QW0 : ARRAY [0..1] OF INT;", "1:26", "an address is for one variable"),
    ("AT %QX0.0 : INT;", "1:21", "%QX0.0 has 1 bit(s), which INT has not"),
]


@pytest.mark.parametrize(("declaration", "place", "words"), DECLARATIONS)
def test_wrong_declarations(declaration: str, place: str, words: str) -> None:
    check(f"PROGRAM main VAR {declaration} END_VAR END_PROGRAM", place, words)


def check(source: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        Rack(source)
    found = {f"{d.line}:{d.column}": d.text.en for d in caught.value.diagnostics}
    assert list(found) == [place]
    assert words in found[place]


def test_an_index_outside_is_a_fault() -> None:
    rack = Rack(HEAD + "a[i, 0] := 1; END_PROGRAM").run()
    rack["i"] = 3
    with pytest.raises(StFaultError, match=r"1\.\.2"):
        rack.run()


def test_its_retained_values_survive_and_its_cells_have_the_types_of_the_line(tmp_path: Path) -> None:
    source = """PROGRAM main VAR RETAIN log AT %MW0 : ARRAY [0..2] OF INT := [7, 8]; END_VAR log[2] := log[2] + 1; END_PROGRAM"""
    path = tmp_path / "plc1.json"
    for scans in (1, 2):
        cycle = ScanCycle("plc1", [tag("Log", "%MW1", "INT")], FakeField(), source, path)
        cycle.scan(0.0)
        cycle.save()
        assert f"[7, 8, {scans}]" in path.read_text(encoding="utf-8")
    with pytest.raises(StError, match=r"1:32.*%MW1.*UINT"):
        ScanCycle("plc1", [tag("Log", "%MW1", "UINT")], FakeField(), source)


@pytest.mark.parametrize("value", [-1, 4])
def test_a_subrange_at_an_address_is_not_trusted(value: int) -> None:
    rack = Rack("""PROGRAM main VAR k AT %MW0 : INT(0..3); x : ARRAY [0..3] OF INT; y : INT(0..3); which : INT; END_VAR
        IF which = 0 THEN x[k] := 5; ELSE y := k; END_IF; END_PROGRAM""").run()  # fmt: skip
    rack.image.cells[0] = value  # as a Modbus master may
    for which in (0, 1):
        rack["which"] = which
        with pytest.raises(StFaultError, match=r"0\.\.3"):
            rack.run()


@pytest.mark.parametrize(
    ("address", "count", "expected"),
    [("%QX1.6", 1, "%QX1.7"), ("%QX1.6", 3, "%QX2.1"), ("%MD3", 2, "%MD5"), ("%IW0", 0, "%IW0")],
)
def test_addresses_follow_each_other(address: str, count: int, expected: str) -> None:
    assert str(parse_address(address).after(count)) == expected
