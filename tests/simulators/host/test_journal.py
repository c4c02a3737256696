from pathlib import Path

import msgspec
import pytest

from simulators.errors import NotFoundError
from simulators.host import journal as module
from simulators.host.journal import FILE, Journal, add, kept


def test_events_are_kept_in_order_and_by_device(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", wall=lambda: 12.3456)
    journal.bind("plc1")("write", address=3, value=True)
    journal.bind("broker")("started")
    journal.bind("host")("device_restarting", of="broker")
    journal.bind("host")("reset")
    assert journal.about("plc1", 10) == [
        {"unix_s": 12.346, "device": "plc1", "event": "write", "address": 3, "value": True}
    ]
    assert [e["event"] for e in journal.about("broker", 10)] == ["started", "device_restarting"]
    assert [e["event"] for e in journal.about("broker", 1)] == ["device_restarting"]
    assert [e["event"] for e in journal.general(10)] == ["reset"]
    journal.close()
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line)["event"] for line in lines] == [
        "write",
        "started",
        "device_restarting",
        "reset",
    ]


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 500)
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(100):
        journal.bind("plc1")("write", number=number)
    journal.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1200
    assert journal.about("plc1", 1)[0]["number"] == 99


def test_a_value_that_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.bind("plc1")("odd", value=object)
    journal.close()
    assert b"class" in (tmp_path / "journal.jsonl").read_bytes()


def test_a_journal_outlives_its_lab_and_is_read_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 2000)
    journal = Journal(tmp_path / FILE)
    for number in range(40):
        journal.bind("plc1")("write", number=number)
    journal.bind("host")("device_killed", of="broker")
    journal.close()
    assert (tmp_path / FILE).with_suffix(".old").exists()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"unix_s": 1, "device": "plc1", "ev')
    assert [event.get("number") for event in kept(tmp_path, "plc1", 3)] == [37, 38, 39]
    assert kept(tmp_path, "plc1", 100)[0]["number"] < kept(tmp_path, "plc1", 100)[-1]["number"]
    assert [event["event"] for event in kept(tmp_path, "broker", 9)] == ["device_killed"]
    assert len(kept(tmp_path, None, 1000)) > 20


def test_parts_that_kept_journals_of_their_own_are_read_together(tmp_path: Path) -> None:
    for number, name in enumerate(("plc1", "scada")):
        (tmp_path / name).mkdir()
        journal = Journal(tmp_path / name / FILE, wall=lambda number=number: 10.0 - number)  # type: ignore[misc]
        journal.bind(name)("started")
        journal.close()
    assert [event["device"] for event in kept(tmp_path, None, 9)] == ["scada", "plc1"]


def test_a_device_that_it_never_heard_of_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        kept(tmp_path, None, 9)
    journal = Journal(tmp_path / FILE)
    journal.bind("plc1")("write")
    journal.close()
    with pytest.raises(NotFoundError, match="choisissez parmi : plc1"):
        kept(tmp_path, "plc9", 9)


def test_after_a_death_the_next_process_remembers(tmp_path: Path) -> None:
    journal = Journal(tmp_path / FILE)
    journal.bind("plc1")("write")
    journal.close()
    add(tmp_path, "lab_ended", how="SIGKILL")
    journal = Journal(tmp_path / FILE, recall=True)
    journal.bind("plc1")("started")
    journal.close()
    assert [event["event"] for event in journal.about("plc1", 9)] == ["write", "started"]
    assert journal.general(9)[0]["how"] == "SIGKILL"
    journal = Journal(tmp_path / FILE)
    journal.close()
    assert journal.about("plc1", 9) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_no_event_in_memory() -> None:
    journal = Journal(Path("/dev/full"))
    journal.bind("plc1")("write")
    assert journal.about("plc1", 1)[0]["event"] == "write"
    journal.close()
