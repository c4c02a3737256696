"""One database, SQLite or PostgreSQL: connections, and short transactions that read or write."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from lab.paths import Paths
from simulators.errors import InputError
from simulators.os_errors import os_words

# A writer of SQLite waits that long for another one.
BUSY_MS = 10_000
AGAIN_S = 0.01
POOL, OVERFLOW = 10, 30


def database_url(paths: Paths) -> str:
    """`$USINE_DATABASE`, else a SQLite file among the user's own."""
    return os.environ.get("USINE_DATABASE") or f"sqlite:///{paths.home / 'usine-ecole.sqlite'}"


class Database:
    """Thread-safe. Raises: InputError: not a URL of SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = create_engine(
            self.url,
            pool_size=POOL,
            max_overflow=OVERFLOW,
            pool_pre_ping=not self.is_sqlite,
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            json_deserializer=msgspec.json.decode,
        )
        if self.is_sqlite:
            _make_folder(self.url)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; what is changed in it is lost."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: all of it at the end of the block, or nothing if the block raises.

        On SQLite it waits for the other writers when it begins, never in its middle.
        """
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A bare connection in a writing transaction."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close idle connections."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise InputError(
            "USINE_DATABASE : adresse refusée ; écrivez sqlite:///chemin ou postgresql://compte:secret@hôte/base",
            "USINE_DATABASE: address refused; write sqlite:///path or postgresql://account:secret@host/database",
        )
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+pg8000")
    return parsed


def _make_folder(url: URL) -> None:
    """The file is its owner's alone: it holds password hashes and secrets."""
    if not url.database:
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        why = os_words(error)
        raise InputError(
            f"{path} : {why.fr} ; donnez une autre base par la variable USINE_DATABASE",
            f"{path}: {why.en}; give another database in the variable USINE_DATABASE",
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`: the driver's own begin too late, and none around table changes.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: Any) -> None:
    """Several that open a new file at once get in each other's way, and SQLite waits for nobody here."""
    deadline = time.monotonic() + BUSY_MS / 1000.0
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    # One that reads first and writes later could not wait for another writer: SQLite refuses it at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
