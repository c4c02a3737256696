"""Events as an SQLite table in memory, which rules may read and do nothing else with, within a time limit."""

import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from lab.detection.sigma import TABLE
from simulators.errors import InputError, TimeLimitError
from simulators.network.dissect.row import COLUMNS
from simulators.network.events import known_s

LIMIT_S = 20.0
LOOK_OPERATIONS = 20_000
FOUND_MAX = 400_000
TEXT_MAX = 1 << 20  # of one value that a query makes
PATTERN_MAX = 300
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FUNCTIONS = {
    "like", "glob", "coalesce", "count", "max", "min", "lower", "json_object", "json_extract", "json_array",
    "json_group_array", "json_array_length", "json_each", "json_valid", "json", "round", "abs", "typeof", "row_number", "sum",
    "json_type", "trim", "ifnull", "length",
}  # fmt: skip


class Packed(msgspec.Struct, frozen=True):
    """A table that was made once, to be opened many times: in a tenth of the time that making it takes."""

    image: bytes


class Table:
    """One answer's worth of events. `timestamp` is when each was known: a connection's, when it ended."""

    def __init__(self, events: Iterable[Mapping[str, Any]] | Packed, limit_s: float = LIMIT_S) -> None:
        self._until_s = time.monotonic() + limit_s
        self._limit_s = limit_s
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        if isinstance(events, Packed):
            self._connection.deserialize(zlib.decompress(events.image))
        else:
            _fill(self._connection, events)
        # Made now, for making a virtual table is something that no rule may do.
        self._connection.execute("SELECT 1 FROM json_each('[]')")
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, TEXT_MAX)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self._connection.set_authorizer(_authorize)
        self._connection.set_progress_handler(self._late, LOOK_OPERATIONS)

    def matches(self, query: str, fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """(n, timestamp, *fields) of the events that the query selects, in the order in which they were known."""
        names = f"n, timestamp{', ' if fields else ''}{_quoted(fields)}"
        return self.rows(f"SELECT {names} FROM ({query}) ORDER BY timestamp, n")  # noqa: S608 -- of pySigma, guarded

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """What a query gives.

        Raises:
            TimeLimitError: it takes too long.
            InputError: it selects too much, or does what no rule may.
        """
        count = 0
        try:
            cursor = self._connection.execute(query)
            while found := cursor.fetchmany(5000):
                count += len(found)
                if count > FOUND_MAX:
                    raise InputError(
                        f"une règle retient plus de {FOUND_MAX} événements ; précisez sa sélection",
                        f"a rule selects more than {FOUND_MAX} events; make its selection narrower",
                    )
                yield from found
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise _unusable(error) from error
            raise TimeLimitError(
                f"les règles n'ont pas fini en {self._limit_s:g} s ; simplifiez-les",
                f"the rules were not done in {self._limit_s:g} s; make them simpler",
            ) from error
        except sqlite3.Error as error:
            raise _unusable(error) from error

    def events(self) -> Iterator[dict[str, Any]]:
        """The rows as they were, but for what was empty."""
        for row in self.rows(f"SELECT {_quoted(COLUMNS)} FROM {TABLE} ORDER BY n"):  # noqa: S608 -- names of ours
            yield {name: value for name, value in zip(COLUMNS, row, strict=True) if value is not None}

    def close(self) -> None:
        self._connection.close()

    def _late(self) -> bool:
        return time.monotonic() > self._until_s


def packed(events: Iterable[Mapping[str, Any]]) -> Packed:
    """Their table, to be opened later."""
    connection = sqlite3.connect(":memory:")
    try:
        _fill(connection, events)
        connection.commit()
        return Packed(zlib.compress(connection.serialize(), 1))
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection, events: Iterable[Mapping[str, Any]]) -> None:
    columns = ", ".join(f'"{name}" COLLATE NOCASE' for name in COLUMNS)
    connection.execute(f"CREATE TABLE {TABLE} (n INTEGER PRIMARY KEY, timestamp REAL, {columns})")
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO {TABLE} (timestamp, {_quoted(COLUMNS)}) VALUES ({marks})",  # noqa: S608 -- names of ours
        ((known_s(dict(event)), *map(event.get, COLUMNS)) for event in events),
    )


def _authorize(action: int, first: str | None, second: str | None, *_more: str | None) -> int:
    """Reading the one table, and functions that reach nothing else."""
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and str(second).lower() not in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and str(first).startswith("sqlite_"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _unusable(error: sqlite3.Error) -> InputError:
    return InputError(
        f"une règle ne s'exécute pas ({error}) ; simplifiez-la",
        f"a rule cannot be run ({error}); make it simpler",
    )
