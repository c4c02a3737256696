"""Whole programs, written as OpenPLC's and Beremiz's editors write them."""

from pathlib import Path

import pytest

from simulators.plc.st.errors import StError
from simulators.plc.st.program import compile_program
from tests.simulators.plc.rack import MS, Rack

PROGRAMS = Path(__file__).with_name("programs")


def text_of(name: str) -> str:
    return (PROGRAMS / name).read_text(encoding="utf-8")


class Bench(Rack):
    """Reads and writes cells by address."""

    def put(self, address: str, value: bool | int | float) -> None:
        self.image.cells[self._index(address)] = value

    def get(self, address: str) -> bool | int | float | str:
        return self.image.cells[self._index(address)]

    def _index(self, address: str) -> int:
        return next(index for known, index, _ in self.image.items() if str(known) == address)


def test_an_openplc_conveyor_counts_its_batch() -> None:
    bench = Bench(text_of("openplc_conveyor.st"))
    bench.put("%IX0.0", True)
    bench.put("%IW0", 32768)
    bench.run(0)
    assert bench.get("%QX0.0") is True
    assert bench.get("%QW2") == 500
    bench.put("%IX0.0", False)
    beacon = set()
    for part in range(1, 4):
        for on in (True, False):
            bench.put("%IX0.2", on)
            bench.run((part * 2 + (not on)) * 600 * MS)
            beacon.add(bench.get("%QX0.1"))
        assert bench.get("%QW1") == part
    bench.run(10_000 * MS)
    assert (bench.get("%QX0.0"), bench.get("%QX0.2"), bench.get("%QW2")) == (False, True, 0)
    assert beacon == {True, False}


def test_a_beremiz_dosing_sequence_runs_two_tasks() -> None:
    bench = Bench(text_of("beremiz_dosing.st"))
    space = bench.instance.space
    bench.put("%IX0.0", True)
    seen: list[int] = []
    for step in range(200):
        bench.run(step * 100 * MS)
        if not seen or seen[-1] != space.v_state:
            seen.append(space.v_state)
    assert seen[:5] == [1, 2, 3, 0, 1]
    assert space.v_batches >= 3
    assert bench.get("%QX0.2") is True
    assert space.p_sup.v_calls == 20


def test_a_broken_program_gets_all_its_syntax_errors_at_once() -> None:
    with pytest.raises(StError) as caught:
        compile_program(text_of("broken.st"), "broken.st")
    found = [(d.line, d.column, d.text.en) for d in caught.value.diagnostics]
    assert found == [
        (4, 14, "missing ';' after INT"),
        (10, 15, "unexpected ';'; expected an expression"),
        (12, 1, "missing END_IF before END_PROGRAM: IF opens at line 8"),
    ]


def test_then_all_its_other_errors() -> None:
    mended = text_of("broken.st").replace("INT\n", "INT;\n").replace("1 +;", "1;\n END_IF;")
    with pytest.raises(StError) as caught:
        compile_program(mended, "broken.st")
    found = {d.line: d.text.en for d in caught.value.diagnostics}
    assert "%QX0.9: not an address" in found[5]
    assert "did you mean level?" in found[7]
    assert "convert with REAL_TO_INT" in found[9]
    assert "t1 is neither a function nor a declared block instance" in found[12]
    assert str(caught.value).startswith("broken.st:5:11")


def test_the_bottling_lines_programs_compile() -> None:
    folder = Path(__file__).parents[3] / "scenarios" / "lines"
    for path in folder.glob("*/programs/*.st"):
        compile_program(path.read_text(encoding="utf-8"), path.name)


@pytest.mark.parametrize("name", ["openplc_conveyor.st", "beremiz_dosing.st"])
def test_the_same_source_compiles_once(name: str) -> None:
    assert compile_program(text_of(name), name) is compile_program(text_of(name), name)
