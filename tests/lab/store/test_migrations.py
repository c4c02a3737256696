"""The migrations give what the models say, from an empty database, on both engines, also when many start at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from lab.paths import Paths
from lab.store.database import Database, database_url
from lab.store.migrations import upgrade
from lab.store.tables import Table
from simulators.errors import InputError, StartError


def test_models_and_migrations_agree(database: Database) -> None:
    with database.connection() as connection:
        assert set(inspect(connection).get_table_names()) == {*Table.metadata.tables, "alembic_version"}
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_several_processes_may_start_at_once_on_an_empty_database(empty_url: str) -> None:
    code = "import sys; from lab.store.database import Database; from lab.store.migrations import upgrade; "
    code += "database = Database(sys.argv[1]); print(flush=True); input(); upgrade(database)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    said = [process.communicate(timeout=50)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    database = Database(empty_url)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: upgrade(database), range(4)))
    with database.connection() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    database.close()


def test_a_second_start_changes_nothing(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("INSERT INTO secrets (name, value) VALUES ('a', 'b')"))
    upgrade(database)
    with database.connection() as connection:
        assert connection.scalar(text("SELECT value FROM secrets")) == "b"


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x", "postgresql://a:b@c:port/d"])
def test_an_address_that_is_none_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(InputError, match="USINE_DATABASE"):
        Database(url)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    database = Database(f"postgresql://me:hush@/x?unix_sock={tmp_path}/none")
    with pytest.raises(StartError, match="USINE_DATABASE") as raised:
        upgrade(database)
    assert "hush" not in str(raised.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database at all, but a text long enough to be read as a header" * 20)
    database = Database(f"sqlite:///{tmp_path / 'x'}")
    with pytest.raises(StartError, match="USINE_DATABASE"):
        upgrade(database)
    database.close()


def test_the_default_is_a_private_file_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("USINE_DATABASE", raising=False)
    database = Database(database_url(Paths(tmp_path)))
    upgrade(database)
    database.close()
    file = tmp_path / "usine-ecole.sqlite"
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("USINE_DATABASE", "postgresql://a@b/c")
    assert database_url(Paths(tmp_path)) == "postgresql://a@b/c"
