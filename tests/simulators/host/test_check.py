"""A part's note, as its own health check reads it."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from simulators.contracts import Health
from simulators.host.check import FRESH_S, check
from simulators.host.note import Note, leave
from simulators.snapshot import DeviceStatus


def note(
    kind: str = "mqtt_sensor",
    state: Literal["ok", "degraded", "failed", "stopped"] = "ok",
    port: int | None = None,
    age_s: float = 0.0,
) -> Note:
    return Note(DeviceStatus("one", kind, Health(state), 0), "127.0.0.1", port, time.time() - age_s)


@pytest.fixture
def checked(tmp_path: Path) -> Callable[[Note], bool]:
    path = tmp_path / "note.json"

    def leave_and_check(left: Note) -> bool:
        leave(left, path)
        return check(path)

    return leave_and_check


def test_who_is_well_or_degraded_passes(checked: Callable[[Note], bool]) -> None:
    assert checked(note())
    assert checked(note(state="degraded"))
    assert not checked(note(state="failed"))
    assert not checked(note(state="stopped"))


def test_a_note_that_is_old_broken_or_not_there_fails(
    checked: Callable[[Note], bool], tmp_path: Path
) -> None:
    assert not checked(note(age_s=FRESH_S + 1))
    assert not check(tmp_path / "other.json")
    (tmp_path / "note.json").write_bytes(b"{}")
    assert not check(tmp_path / "note.json")


def test_a_port_that_is_silent_fails_and_one_that_refuses_is_believed(
    checked: Callable[[Note], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.host.check.ANSWER_LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not checked(note("modbus_plc", port=port))
        assert checked(note("mqtt_sensor", port=port)), "no protocol of its own to ask in"
    assert checked(note("modbus_plc", port=port))
