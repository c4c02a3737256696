"""What was acknowledged stays, whatever ends the process, the disk or the file."""

import asyncio
import csv
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.clock import Clock
from simulators.devices.historian import Config, Historian, export, parse
from simulators.devices.historian.store import PRUNE_ROWS, Store
from simulators.errors import InputError, NotFoundError, StartError, ToolMissingError
from tests.fakes import ORIGIN_UNIX_S, Log, a_context, a_device, a_line, a_tag

TAGS = [
    a_tag("Tank.Level", "plc1", "%ID0", range=(0, 100), unit="%"),
    a_tag("Tank.Valve", "plc1", "%IX0.0", "BOOL"),
    a_tag("Tank.Count", "plc1", "%ML0", "ULINT"),
]
LINE = a_line([a_device("historian", "historian", "supervision")], TAGS)
EVERY_ROW = Config(at_least_every_s=0.001, commit_period_s=60)


def a_historian(folder: Path, config: Config = EVERY_ROW, log: Log | None = None) -> Historian:
    context = a_context(LINE, "historian", folder, log=log, clock=Clock(ORIGIN_UNIX_S))
    return Historian(context, config)


@pytest.fixture
async def historian(tmp_path: Path) -> AsyncIterator[Historian]:
    historian = a_historian(tmp_path)
    await historian.start()
    yield historian
    await historian.stop()


def rows(count: int, first_s: float = 0.0, tag: str = "Tank.Level") -> list[tuple[str, float, float, str]]:
    return [(tag, ORIGIN_UNIX_S + first_s + n, float(n), "good") for n in range(count)]


def stored(folder: Path) -> list[tuple[int, float]]:
    database = sqlite3.connect(folder / "historian" / "history.sqlite")
    try:
        return database.execute("SELECT t, value FROM history ORDER BY t").fetchall()
    finally:
        database.close()


async def test_rows_are_committed_about_once_a_period_and_told(tmp_path: Path) -> None:
    historian = a_historian(tmp_path, Config(commit_period_s=0.1))
    await historian.start()
    historian.record(rows(5))
    assert historian.health().figures["rows"] == 0
    for _ in range(200):
        if historian.health().figures["rows"] == 5:
            break
        await asyncio.sleep(0.01)
    figures = historian.health().figures
    assert (figures["rows"], figures["acknowledged_unix_s"]) == (5, ORIGIN_UNIX_S + 4)
    await historian.stop()


async def test_stop_keeps_what_was_buffered_and_a_start_goes_on(tmp_path: Path) -> None:
    historian = a_historian(tmp_path)
    await historian.start()
    historian.record(rows(3))
    await historian.stop()
    await historian.start()
    historian.record(rows(2, 10))
    await historian.stop()
    assert len(stored(tmp_path)) == 5


def test_no_acknowledged_row_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.devices.historian.recorder", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    acknowledged = 0
    for line in child.stdout:
        acknowledged = int(line)
        if acknowledged > 4000:
            child.send_signal(signal.SIGKILL)
            break
    acknowledged = int((child.stdout.read().split() or [str(acknowledged)])[-1])
    child.stdout.close()
    child.wait()
    kept = stored(tmp_path)
    assert len(kept) >= acknowledged
    assert [value for _, value in kept[:acknowledged]] == [float(n) for n in range(acknowledged)]


async def test_compression_keeps_changes_and_a_sign_of_life(tmp_path: Path) -> None:
    historian = a_historian(tmp_path, Config(deadband_pct=1.0, at_least_every_s=10, commit_period_s=60))
    await historian.start()
    t = ORIGIN_UNIX_S
    levels = [(0, 50.0), (1, 50.0), (2, 50.9), (3, 51.5), (4, 51.5), (13.5, 51.5), (14, 51.5)]
    for at, level in levels:
        historian.record([("Tank.Level", t + at, level, "good"), ("Tank.Valve", t + at, False, "good")])
    historian.record([("Tank.Valve", t + 15, True, "good"), ("Tank.Level", t + 15, 51.5, "stale")])
    historian.commit()
    assert historian.trend(["Tank.Level", "Tank.Valve"], t, t + 60) == {
        "Tank.Level": [(t, 50.0), (t + 3, 51.5), (t + 13.5, 51.5), (t + 15, 51.5)],
        "Tank.Valve": [(t, 0), (t + 13.5, 0), (t + 15, 1)],
    }
    await historian.stop()


async def test_a_trend_keeps_peaks_and_shows_bad_values_as_gaps(historian: Historian) -> None:
    t = ORIGIN_UNIX_S
    historian.record([("Tank.Valve", t + 1, True, "good"), ("Tank.Valve", t + 2, True, "bad")])
    historian.record([("Tank.Level", t + n, 99.0 if n == 777 else 1.0, "good") for n in range(900)])
    historian.commit()
    curves = historian.trend(["Tank.Level", "Tank.Valve", "Tank.Count"], t, t + 1000, points=60)
    assert len(curves["Tank.Level"]) <= 60
    assert (t + 777, 99.0) in curves["Tank.Level"]
    assert curves["Tank.Level"] == sorted(curves["Tank.Level"])
    assert curves["Tank.Valve"] == [(t + 1, 1), (t + 2, None)]
    assert curves["Tank.Count"] == []


async def test_a_trend_begins_with_the_value_that_held_before(tmp_path: Path) -> None:
    historian = a_historian(tmp_path, Config(at_least_every_s=10, commit_period_s=60))
    await historian.start()
    t = ORIGIN_UNIX_S
    historian.record([("Tank.Level", t, 5.0, "good")])
    historian.commit()
    assert historian.trend(["Tank.Level"], t + 15, t + 99) == {"Tank.Level": [(t + 15, 5.0)]}
    assert historian.trend(["Tank.Level"], t + 25, t + 99) == {"Tank.Level": []}, (
        "its sign of life is missing"
    )
    await historian.stop()


async def test_numbers_beyond_sqlite_are_kept_as_reals(historian: Historian) -> None:
    historian.record([("Tank.Count", ORIGIN_UNIX_S, 2**64 - 1, "good")])
    historian.commit()
    assert historian.trend(["Tank.Count"], 0, 1e11) == {"Tank.Count": [(ORIGIN_UNIX_S, float(2**64 - 1))]}


async def test_retention_deletes_in_slices(tmp_path: Path) -> None:
    store = Store(tmp_path / "history.sqlite", {})
    store.open()
    store.append(rows(1200))
    store.append(rows(10, tag="Tank.Valve"))
    limit = ORIGIN_UNIX_S + 1000
    deleted = [store.prune(limit) for _ in range(8)]
    assert sum(deleted) == 1010
    assert max(deleted) == PRUNE_ROWS
    store.close()


async def test_old_rows_go_by_themselves(tmp_path: Path) -> None:
    historian = a_historian(tmp_path, Config(retention_h=1, at_least_every_s=0.001, commit_period_s=0.1))
    await historian.start()
    historian.record(rows(50, -7200))
    historian.record(rows(50))
    historian.commit()
    for _ in range(300):
        if len(historian.trend(["Tank.Level"], 0, 1e11)["Tank.Level"]) == 50:
            break
        await asyncio.sleep(0.01)
    assert len(historian.trend(["Tank.Level"], 0, 1e11)["Tank.Level"]) == 50
    await historian.stop()


async def test_a_reset_line_begins_a_new_history_and_keeps_the_former(
    tmp_path: Path, historian: Historian
) -> None:
    historian.record(rows(100))
    historian.record(rows(3))
    historian.commit()
    assert len(historian.trend(["Tank.Level"], 0, 1e11)["Tank.Level"]) == 3
    former = tmp_path / "historian" / "history.run.1.sqlite"
    assert export(former, tmp_path / "former.csv") == 100


@pytest.mark.parametrize("damage", [b"this is no database" * 999, b""])
async def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, damage: bytes) -> None:
    log = Log()
    historian = a_historian(tmp_path, log=log)
    path = tmp_path / "historian" / "history.sqlite"
    path.write_bytes(damage)
    await historian.start()
    historian.record(rows(2))
    assert historian.commit()
    assert historian.health().state == "ok"
    if damage:
        assert (path.parent / "history.damaged.1.sqlite").read_bytes() == damage
        assert log.events("history_damaged")
        assert "history.damaged.1" in str(historian.health().detail)
    await historian.stop()


async def test_damage_while_running_costs_the_file_but_no_new_row(
    tmp_path: Path, historian: Historian
) -> None:
    historian.record(rows(2000))
    while historian.health().figures["buffered"]:
        historian.commit()
    path = tmp_path / "historian" / "history.sqlite"
    historian.store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(os.urandom(path.stat().st_size - 1024))
    historian.store.database.execute("PRAGMA shrink_memory")
    historian.record(rows(5, 3000))
    assert historian.commit()
    assert len(historian.trend(["Tank.Level"], 0, 1e11)["Tank.Level"]) == 5


async def test_an_unusable_folder_is_a_clear_error(tmp_path: Path) -> None:
    historian = a_historian(tmp_path)
    (tmp_path / "historian" / "history.sqlite").mkdir()
    with pytest.raises(StartError, match=r"history\.sqlite"):
        await historian.start()
    await historian.stop()


async def test_a_full_disk_is_said_rows_wait_and_the_rest_resumes(historian: Historian) -> None:
    pages = historian.store.database.execute("PRAGMA page_count").fetchone()[0]
    historian.store.database.execute(f"PRAGMA max_page_count={pages + 4}")
    historian.record(rows(1500))
    assert not historian.commit()
    health = historian.health()
    assert health.state == "degraded"
    assert health.detail is not None
    assert "disk full" in health.detail.en
    assert "disque plein" in health.detail.fr
    assert health.figures["buffered"] == 1500
    historian.store.database.execute("PRAGMA max_page_count=1000000")
    assert historian.commit()
    assert historian.commit()
    assert historian.health().state == "ok"
    assert historian.health().figures["rows"] == 1500


async def test_memory_is_bounded_while_the_disk_refuses(tmp_path: Path) -> None:
    historian = a_historian(tmp_path, Config(at_least_every_s=0.001, memory_rows=1000, commit_period_s=60))
    await historian.start()
    historian.store.database.execute("PRAGMA max_page_count=1")
    historian.record(rows(1200))
    assert historian.health().figures["buffered"] == 1000
    assert historian.health().figures["lost"] == 200
    await historian.stop()


@pytest.mark.needs("namespaces")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk of its own")
def test_a_really_full_disk(tmp_path: Path) -> None:
    script = f"mount -t tmpfs -o size=256k none {tmp_path} && exec {sys.executable} -m tests.simulators.devices.historian.filler {tmp_path}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout.split() == ["full", "resumed", "complete"], done.stdout + done.stderr


async def test_exports_hold_the_same_rows(tmp_path: Path, historian: Historian) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    t = ORIGIN_UNIX_S
    historian.record([("Tank.Level", t + 1.5, 12.25, "good"), ("Tank.Valve", t, True, "stale")])
    historian.record([("Tank.Level", t + 3, 13.0, "bad")])
    assert await historian.export(tmp_path / "all.csv") == 3
    assert await historian.export(tmp_path / "all.parquet") == 3
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[0] == {
        "time": "2027-01-15T08:00:01.500+00:00", "tag": "Tank.Level", "value": "12.25", "unit": "%", "quality": "good",
    }  # fmt: skip
    table = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert [(row["tag"], row["value"], row["unit"], row["quality"]) for row in table] == [
        ("Tank.Level", 12.25, "%", "good"), ("Tank.Level", 13.0, "%", "bad"), ("Tank.Valve", 1.0, "", "stale"),
    ]  # fmt: skip
    assert [row["time"].isoformat(timespec="milliseconds") for row in table] == [row["time"] for row in lines]
    assert await historian.export(tmp_path / "some.csv", ["Tank.Valve"], t, t + 1) == 1
    assert not list(tmp_path.glob("*.partial"))


async def test_exports_that_cannot_be_say_why(
    tmp_path: Path, historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"\.csv"):
        await historian.export(tmp_path / "all.xlsx")
    with pytest.raises(NotFoundError, match="Nope"):
        await historian.export(tmp_path / "all.csv", ["Nope"])
    with pytest.raises(NotFoundError):
        export(tmp_path / "nowhere.sqlite", tmp_path / "all.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ToolMissingError, match="pyarrow"):
        await historian.export(tmp_path / "all.parquet")


def test_the_configuration_says_where_it_is_wrong() -> None:
    with pytest.raises(InputError, match=r"h\.yaml:2 ?: .*retention_h"):
        parse("deadband_pct: 1\nretention_h: -3\n", "h.yaml")
