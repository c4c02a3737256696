"""The offline twin: rows, labels, planned faults and orders, files."""

import csv
import sys
from itertools import islice
from pathlib import Path

import pytest

from simulators.errors import InputError, NotFoundError, ToolMissingError
from simulators.model import Line
from simulators.plc.image import Value
from simulators.twin import Row, Twin, columns, run, write
from tests.simulators.plant.operators import bottling


@pytest.fixture(scope="module")
def line() -> Line:
    return bottling()


def column(line: Line, rows: list[Row], name: str) -> list[Value]:
    place = [tag.id for tag in line.tags].index(name)
    return [row.readings[place] for row in rows]


def test_a_row_holds_every_tag_read_and_true(line: Line) -> None:
    rows = list(run(line, 0.02, seed=1, interval_s=2.0))
    assert [row.t_s for row in rows] == pytest.approx([2.0 * n for n in range(1, 37)])
    assert all(len(row.readings) == len(row.truths) == len(line.tags) for row in rows)
    place = [tag.id for tag in line.tags].index("RawTank.Level")
    read, true = rows[-1].readings[place], rows[-1].truths[place]
    assert isinstance(read, float)
    assert isinstance(true, float)
    assert 0.0 < abs(read - true) < 1.0


def test_the_same_seed_gives_the_same_rows(line: Line) -> None:
    assert list(run(line, 0.02, seed=5)) == list(run(line, 0.02, seed=5))
    assert list(run(line, 0.02, seed=5)) != list(run(line, 0.02, seed=6))


def test_planned_faults_label_the_rows(line: Line) -> None:
    rows = list(run(line, 0.02, 1, faults=[(30.0, "pump", "wear", 0.5), (50.0, "pump", "wear", 0.0)]))
    labels = [row.faults for row in rows]
    assert (labels[28], labels[40][:13], labels[60]) == ("", "pump.wear=0.5", "")


def test_an_operator_orders_through_the_plc_and_the_panel(line: Line) -> None:
    rows = list(
        run(line, 0.02, 1, actions=[(20.0, "Filler.RateSetPoint", 30), (30.0, "panel.emergency_stop", True)])
    )
    assert column(line, rows, "Filler.RateCommand")[25] == 30.0
    assert column(line, rows, "Process.State")[-1] == 6
    assert column(line, rows, "Filler.Run")[-1] is False


@pytest.mark.parametrize(
    ("hours", "interval_s", "faults", "actions", "kind", "said"),
    [
        (0.0, 1.0, [], [], InputError, "0"),
        (float("nan"), 1.0, [], [], InputError, "nan"),
        (1.0, 0.01, [], [], InputError, "0.1"),
        (1.0, 1.0, [(1.0, "pump", "rust", 0.5)], [], NotFoundError, "cavitation"),
        (1.0, 1.0, [], [(1.0, "RawTank.Level", 3.0)], InputError, "Filler.SetPoint"),
        (1.0, 1.0, [], [(1.0, "panel.colour", 3.0)], InputError, "panel.recipe"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(
    line: Line, hours: float, interval_s: float,
    faults: list[tuple[float, str, str, float]], actions: list[tuple[float, str, Value]],
    kind: type[Exception], said: str,
) -> None:  # fmt: skip
    with pytest.raises(kind, match=said):
        run(line, hours, 1, faults, interval_s, actions)


def test_csv(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    assert write(run(line, 0.01, 1), line, path) == 36
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns(line)
    assert float(rows[-1]["RawTank.Level"]) == pytest.approx(float(rows[-1]["RawTank.Level:truth"]), abs=1.0)
    assert [item.name for item in tmp_path.iterdir()] == ["run.csv"]


def test_parquet(line: Line, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "run.parquet"
    assert write(run(line, 0.01, 1), line, path) == 36
    table = parquet.read_table(path)
    assert table.column_names == columns(line)
    assert table.column("Panel.Run").to_pylist()[-1] is True
    assert table.column("Process.State").to_pylist()[-1] in {1, 2, 3}


def test_parquet_without_pyarrow_says_what_to_install(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ToolMissingError, match=r"pip install pyarrow"):
        write(run(line, 0.01, 1), line, tmp_path / "run.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(line: Line, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        write(run(line, 0.01, 1), line, tmp_path / "nowhere" / "run.csv")
    with pytest.raises(InputError, match=r"\.csv"):
        write(run(line, 0.01, 1), line, tmp_path / "run.xls")


def test_rows_come_as_they_are_made(line: Line) -> None:
    assert len(list(islice(run(line, 1000.0, 1), 3))) == 3


def test_the_twin_reads_what_the_plc_holds(line: Line) -> None:
    twin = Twin(line, 1)
    for _ in range(50):
        twin.step()
    assert twin.reading("Pasteuriser.SetPoint") == 72.0
