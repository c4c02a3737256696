"""Transactions, and what may never be changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from lab.store.database import Database
from lab.store.tables import APPEND_ONLY, EventRow, EvidenceRow, LoginLink, PersonRow, Secret, SittingRow
from tests.waiting import HANG_S


def person(name: str = "alice") -> PersonRow:
    return PersonRow(name=name, display=name, role="trainee", created_unix_s=1.0)


@pytest.fixture
def event(database: Database) -> int:
    """One event with evidence; its id."""
    with database.write() as session:
        alice = person()
        session.add(alice)
        session.flush()
        sitting = SittingRow(
            person_id=alice.id, exercise="x", version=1, lab="l", lab_seed=1, opened_unix_s=1.0
        )
        session.add(sitting)
        session.flush()
        row = EventRow(sitting_id=sitting.id, unix_s=2.0, kind="note", by_id=alice.id, data={"é": [1, "ü"]})
        session.add(row)
        session.flush()
        session.add(EvidenceRow(event_id=row.id, report=b"\0x"))
    return row.id


def test_an_event_is_read_as_it_was_written(database: Database, event: int) -> None:
    with database.read() as session:
        row = session.get_one(EventRow, event)
        assert row.data == {"é": [1, "ü"]}
        assert session.get_one(EvidenceRow, event).report == b"\0x"


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_events_and_evidence_only_grow(database: Database, event: int, table: str, statement: str) -> None:
    column = "unix_s" if table == "events" else "event_id"
    with pytest.raises(DatabaseError, match="only grow"), database.connection() as connection:
        connection.execute(text(statement.format(table, column, column)))
    with database.read() as session:
        assert session.get(EventRow, event) is not None
        assert session.get(EvidenceRow, event) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO events SELECT id, sitting_id, 9.0, kind, by_id, data FROM events",
        "INSERT OR REPLACE INTO evidence SELECT event_id, 'forged' FROM evidence",
        "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT (id) DO UPDATE SET unix_s = 9.0",
        "INSERT INTO evidence SELECT * FROM evidence WHERE true ON CONFLICT (event_id) DO UPDATE SET report = NULL",
    ],
)
def test_nor_is_one_replaced(database: Database, event: int, statement: str) -> None:
    # `OR REPLACE` is SQLite's own.
    why = "only grow" if database.is_sqlite or "OR REPLACE" not in statement else "syntax"
    with pytest.raises(DatabaseError, match=why), database.connection() as connection:
        connection.execute(text(statement))
    with database.read() as session:
        assert session.get_one(EventRow, event).unix_s == 2.0
        assert session.get_one(EvidenceRow, event).report == b"\0x"


def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    def broken() -> None:
        with database.write() as session:
            session.add(Secret(name="a", value="b"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with database.read() as session:
        assert session.scalars(select(Secret)).all() == []


def test_references_are_kept(database: Database) -> None:
    # pg8000 knows a broken reference from no other refusal.
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), database.write() as session:
        session.add(LoginLink(person_id=99, token_hash="x", expires_unix_s=1.0))


def test_many_threads_that_read_before_they_write_lose_nothing(database: Database) -> None:
    with database.write() as session:
        session.add(Secret(name="count", value="0"))

    def add() -> None:
        for _ in range(10):
            with database.write() as session:
                row = session.scalars(select(Secret).where(Secret.name == "count").with_for_update()).one()
                row.value = str(int(row.value) + 1)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get_one(Secret, "count").value == "80"


def test_a_new_file_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    """SQLite's own patience does not cover the change to write-ahead logging."""
    for number in range(40):
        url = f"sqlite:///{tmp_path}/{number}.sqlite"
        together = threading.Barrier(3)

        def opened(url: str = url, together: threading.Barrier = together) -> str:
            database = Database(url)
            together.wait(HANG_S)
            with database.connection() as connection:
                mode = connection.scalar(text("PRAGMA journal_mode"))
            database.close()
            return str(mode)

        with ThreadPoolExecutor(3) as pool:
            modes = [pool.submit(opened) for _ in range(3)]
            assert [mode.result(30) for mode in modes] == ["wal"] * 3
