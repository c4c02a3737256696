from pathlib import Path

import msgspec
import pytest

from simulators.host import journal as module
from simulators.host.journal import Journal


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_no_event_in_memory() -> None:
    journal = Journal(Path("/dev/full"))
    journal.bind("plc1")("write")
    assert journal.about("plc1", 1)[0]["event"] == "write"
    journal.close()
