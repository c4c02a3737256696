"""Rows of the twin as files: CSV, or Parquet where pyarrow is installed."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from simulators.errors import InputError, ToolMissingError
from simulators.model import Line, Tag
from simulators.twin.offline import Row
from simulators.whole_file import whole_file

_BATCH = 1800


def columns(line: Line) -> list[str]:
    """The columns of both file formats: time, each tag as read, each tag's truth where there is one, the label."""
    truths = [f"{tag.id}:truth" for tag in line.tags if tag.signal is not None]
    return ["t_s", *(tag.id for tag in line.tags), *truths, "faults"]


def _flat(row: Row) -> list[Any]:
    return [row.t_s, *row.readings, *(truth for truth in row.truths if truth is not None), row.faults]


def write(rows: Iterable[Row], line: Line, path: Path) -> int:
    """Write rows to `path`, as its name ends: `.csv` or `.parquet`; returns how many.

    The file appears once it is whole.

    Raises:
        InputError: another ending, or the place cannot be written.
        ToolMissingError: Parquet without pyarrow.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise InputError(
            f"{path} : format inconnu ; terminez le nom par .csv ou .parquet",
            f"{path}: unknown format; end the name in .csv or .parquet",
        )
    with whole_file(path) as part:
        return writers[path.suffix](rows, line, part)


def _write_csv(rows: Iterable[Row], line: Line, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns(line))
        for count, row in enumerate(rows, 1):  # noqa: B007 -- the count is the result
            writer.writerow([f"{item:.7g}" if isinstance(item, float) else item for item in _flat(row)])
    return count


def _write_parquet(rows: Iterable[Row], line: Line, path: Path) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ToolMissingError(
            "Parquet demande pyarrow ; lancez « .venv/bin/pip install pyarrow », ou écrivez un .csv",
            "Parquet needs pyarrow; run '.venv/bin/pip install pyarrow', or write a .csv",
        ) from error
    schema = pa.schema(list(zip(columns(line), _types(line, pa), strict=True)))
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            count += len(batch)
            named = zip(schema, zip(*batch, strict=True), strict=True)
            arrays = [pa.array([_cast(item, f.type, pa) for item in column], f.type) for f, column in named]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return count


def _types(line: Line, pa: Any) -> list[Any]:
    def of(tag: Tag) -> Any:
        if tag.type == "BOOL":
            return pa.bool_()
        whole = tag.type not in ("REAL", "LREAL") and tag.gain == 1.0 and tag.offset == 0.0
        return pa.int64() if whole else pa.float64()

    truths = [of(tag) for tag in line.tags if tag.signal is not None]
    return [pa.float64(), *(of(tag) for tag in line.tags), *truths, pa.string()]


def _cast(item: Any, kind: Any, pa: Any) -> Any:
    if kind == pa.bool_() or kind == pa.string():
        return item
    return int(item) if kind == pa.int64() else float(item)


def _batches(rows: Iterable[Row]) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for row in rows:
        batch.append(_flat(row))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
