"""The history on disk: a SQLite file in WAL mode, one row per tag and millisecond."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulators.devices.historian.compression import Row
from simulators.plc.image import Value

QUALITIES = ("good", "stale", "bad")
# What deletes and checkpoints do at one go: a few milliseconds at most.
PRUNE_ROWS = 500
ARCHIVES = 3
# A row of each of 60 tags touches 60 pages: small ones make a commit four times smaller.
_PAGE_BYTES = 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS history (
    tag INTEGER NOT NULL, t INTEGER NOT NULL, value, quality INTEGER NOT NULL, PRIMARY KEY (tag, t)
) WITHOUT ROWID;
"""
_INT64 = 1 << 63


class Store:
    """Opened by `open`; what is committed survives the process's sudden end (synchronous=NORMAL)."""

    def __init__(self, path: Path, units: Mapping[str, str]) -> None:
        self.path = path
        self._units = units
        self._database: sqlite3.Connection | None = None
        self._ids: dict[str, int] = {}
        self._prune_at = 0

    @property
    def database(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.ProgrammingError("the history is closed")
        return self._database

    def open(self) -> None:
        """Raises: sqlite3.Error: see `is_damaged` and `is_full`."""
        self.close()
        database = connect(self.path)
        try:
            database.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("PRAGMA cache_size=-256")
            database.execute(f"PRAGMA journal_size_limit={1 << 20}")
            # Checkpoints wait for the disk: the device makes them, off the event loop.
            database.execute("PRAGMA wal_autocheckpoint=0")
            database.executescript(_SCHEMA)
            self._ids = dict(database.execute("SELECT name, id FROM tags"))
        except BaseException:
            database.close()
            raise
        self._database = database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def newest_unix_s(self) -> float | None:
        """The date of the newest row, None while there is none."""
        newest = [
            t
            for tag in self._ids.values()
            for (t,) in self.database.execute("SELECT max(t) FROM history WHERE tag=?", (tag,))
            if t is not None
        ]
        return max(newest) / 1000 if newest else None

    def append(self, rows: Sequence[Row]) -> None:
        """Commit `rows` in one transaction: when it returns they are acknowledged.

        Raises:
            sqlite3.Error: none of them is kept.
        """
        database = self.database
        database.execute("BEGIN IMMEDIATE")
        try:
            self._name({row[0] for row in rows} - self._ids.keys())
            database.executemany(
                "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", map(self._packed, rows)
            )
            database.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def prune(self, before_unix_s: float) -> int:
        """Delete some of one tag's rows older than that; the next call turns to the next tag."""
        if not self._ids:
            return 0
        self._prune_at = (self._prune_at + 1) % len(self._ids)
        tag = list(self._ids.values())[self._prune_at]
        limit = int(before_unix_s * 1000)
        newest = self.database.execute(
            "SELECT max(t) FROM (SELECT t FROM history WHERE tag=? AND t<? ORDER BY t LIMIT ?)",
            (tag, limit, PRUNE_ROWS),
        ).fetchone()[0]
        if newest is None:
            return 0
        return self.database.execute("DELETE FROM history WHERE tag=? AND t<=?", (tag, newest)).rowcount

    def set_aside(self, why: str) -> Path:
        """Close, rename the file (the newest of its kind is number 1, three are kept) and begin a new one."""
        self.close()
        stem, suffix = self.path.stem, self.path.suffix
        names = [self.path.with_name(f"{stem}.{why}.{n}{suffix}") for n in range(1, ARCHIVES + 1)]
        for older, newer in zip(reversed(names), reversed([self.path, *names[:-1]]), strict=True):
            for part in ("", "-wal", "-shm"):
                source = newer.with_name(newer.name + part)
                target = older.with_name(older.name + part)
                if source.exists():
                    source.replace(target)
                else:
                    target.unlink(missing_ok=True)
        self.open()
        return names[0]

    def size_bytes(self) -> int:
        """On disk, the journal included."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def id_of(self, tag: str) -> int | None:
        """Its number in the `history` table."""
        return self._ids.get(tag)

    def _name(self, tags: set[str]) -> None:
        for tag in sorted(tags):
            cursor = self.database.execute(
                "INSERT INTO tags (name, unit) VALUES (?, ?)", (tag, self._units.get(tag, ""))
            )
            assert cursor.lastrowid is not None
            self._ids[tag] = cursor.lastrowid

    def _packed(self, row: Row) -> tuple[int, int, Value, int]:
        value = row[2]
        if type(value) is int and not -_INT64 <= value < _INT64:
            value = float(value)  # SQLite's integers end where ULINT goes on
        return self._ids[row[0]], round(row[1] * 1000), value, QUALITIES.index(row[3])

    def _roll_back(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
        self._ids = dict(self.database.execute("SELECT name, id FROM tags"))


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """A connection without implicit transactions; it waits 50 ms at most for another writer."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0.05, cached_statements=16)


def checkpoint(path: Path) -> None:
    """Bring what was committed from the journal into the file, and wait for the disk: on any thread."""
    database = connect(path)
    try:
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        database.close()


def is_damaged(error: sqlite3.Error) -> bool:
    """The file is not a database, no longer one, or was taken away."""
    return (
        _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED
    )


def is_full(error: sqlite3.Error) -> bool:
    """No space left on the disk."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: sqlite3.Error) -> int:
    # Extended result codes keep the primary one in the low byte.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
