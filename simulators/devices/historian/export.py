"""History out of the file: CSV and Parquet, row after row, whatever its length. Usable from any thread."""

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulators.devices.historian.store import QUALITIES, connect
from simulators.errors import InputError, NotFoundError, ToolMissingError
from simulators.whole_file import whole_file

COLUMNS = ("time", "tag", "value", "unit", "quality")
BATCH_ROWS = 10_000
_Rows = list[tuple[int, int, Any, int]]


def export(
    database: Path,
    target: Path,
    tags: Sequence[str] | None = None,
    since_unix_s: float = 0.0,
    until_unix_s: float = 1e11,
) -> int:
    """Write the history of `tags` (all if None) to `target`, by its suffix; returns the number of rows.

    Rows are ordered by tag, then time (UTC, milliseconds). The file appears when it is complete.

    Raises:
        InputError: another suffix than .csv and .parquet, or the place cannot be written.
        NotFoundError: no such history, or no such tag in it.
        ToolMissingError: Parquet without pyarrow.
    """
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(target.suffix.lower())
    if write is None:
        raise InputError(
            f"{target} : format inconnu ; terminez le nom par .csv ou .parquet",
            f"{target}: unknown format; end the name with .csv or .parquet",
        )
    if not database.exists():
        raise NotFoundError(
            f"{database} : pas d'historique ici ; démarrez d'abord la ligne",
            f"{database}: no history here; start the line first",
        )
    with closing(connect(database, read_only=True)) as source:
        names = {number: (name, unit) for number, name, unit in source.execute("SELECT * FROM tags")}
        numbers = _chosen({name: number for number, (name, _) in names.items()}, tags)
        with whole_file(target) as part:
            return write(part, _batches(source, numbers, since_unix_s, until_unix_s), names)


def _chosen(known: dict[str, int], tags: Sequence[str] | None) -> list[int]:
    if tags is None:
        return [known[name] for name in sorted(known)]
    unknown = ", ".join(tag for tag in tags if tag not in known)
    if unknown:
        raise NotFoundError(
            f"aucun historique de {unknown} ; variables connues : {', '.join(sorted(known))}",
            f"no history of {unknown}; known tags: {', '.join(sorted(known))}",
        )
    return [known[tag] for tag in tags]


def _batches(
    source: sqlite3.Connection, numbers: list[int], since_unix_s: float, until_unix_s: float
) -> Iterator[_Rows]:
    for number in numbers:
        cursor = source.execute(
            "SELECT t, tag, value, quality FROM history WHERE tag=? AND t BETWEEN ? AND ? ORDER BY t",
            (number, round(since_unix_s * 1000), round(until_unix_s * 1000)),
        )
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield rows


def _write_csv(target: Path, batches: Iterator[_Rows], names: dict[int, tuple[str, str]]) -> int:
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for rows in batches:
            count += len(rows)
            writer.writerows(
                (
                    _date(t).isoformat(timespec="milliseconds"),
                    names[tag][0],
                    value,
                    names[tag][1],
                    QUALITIES[quality],
                )
                for t, tag, value, quality in rows
            )
    return count


def _write_parquet(target: Path, batches: Iterator[_Rows], names: dict[int, tuple[str, str]]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ToolMissingError(
            "Parquet demande pyarrow ; lancez « .venv/bin/pip install pyarrow » ou exportez en .csv",
            "Parquet needs pyarrow; run '.venv/bin/pip install pyarrow' or export to .csv",
        ) from error
    words = pa.dictionary(pa.int32(), pa.string())
    types = (pa.timestamp("ms", tz="UTC"), words, pa.float64(), words, words)
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    count = 0
    with parquet.ParquetWriter(target, schema) as writer:
        for rows in batches:
            count += len(rows)
            columns = [
                [t for t, _, _, _ in rows],
                [names[tag][0] for _, tag, _, _ in rows],
                [None if value is None else float(value) for _, _, value, _ in rows],
                [names[tag][1] for _, tag, _, _ in rows],
                [QUALITIES[quality] for _, _, _, quality in rows],
            ]
            arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return count


def _date(t_ms: int) -> datetime:
    return datetime.fromtimestamp(t_ms / 1000, UTC)
