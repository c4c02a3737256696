"""The databases that tests run on: `database` is each engine in turn, migrated and empty."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from lab.store.database import Database
from lab.store.migrations import upgrade
from lab.store.tables import Table
from tests.lab.postgres import Cluster, cluster

NUMBERS = itertools.count(1)
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def on_postgresql(postgresql: Cluster) -> Iterator[Database]:
    """One database of the cluster at the newest version, for all tests in turn."""
    postgresql.run("CREATE DATABASE migrated")
    database = Database(postgresql.url("migrated"))
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file at the newest version, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite'}"
    running: Cluster = request.getfixturevalue("postgresql")
    name = f"test{next(NUMBERS)}"
    running.run(f"CREATE DATABASE {name}")
    return running.url(name)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at the newest version, without any row."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_file"), tmp_path / "test.sqlite")
        made = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
        yield made
        made.close()
    else:
        made = request.getfixturevalue("on_postgresql")
        _empty(made)
        yield made


def _empty(database: Database) -> None:
    """Also of what only grows: a superuser may say that this is a replica, where triggers do not act."""
    with database.connection() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in Table.metadata.tables:
            connection.execute(text(f"DELETE FROM {table}"))
        for sequence in inspect(connection).get_sequence_names():
            connection.execute(text(f"ALTER SEQUENCE {sequence} RESTART"))
