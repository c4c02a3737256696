"""What `lab status` shows of a snapshot, in both languages."""

import contextlib
import io
from typing import Any

import msgspec
import pytest

from lab.cli.commands.status import ALARM_STATES, show
from simulators.snapshot import AlarmState, Snapshot
from simulators.text import Text

WORDS = {
    "unacknowledged": ("active, à acquitter", "active, to be acknowledged"),
    "acknowledged": ("active, acquittée", "active, acknowledged"),
    "returned_unacknowledged": ("revenue, à acquitter", "returned, to be acknowledged"),
}


def snapshot(*states: Any) -> dict[str, Any]:
    alarms = [
        AlarmState(f"{state}.1", f"Tag.{state}", 2, state, 0.0, True, Text(fr="trop haut", en="too high"))
        for state in states
    ]
    seen = Snapshot("one", "bottling", 1, 10.0, 0.0, 1.0, False, True, {}, {}, alarms, [], [], {})
    found: dict[str, Any] = msgspec.to_builtins(seen)
    return found


@pytest.mark.parametrize(("language", "place"), [("fr", 0), ("en", 1)])
def test_each_alarm_has_its_state(monkeypatch: pytest.MonkeyPatch, language: str, place: int) -> None:
    monkeypatch.setenv("LAB_LANG", language)
    monkeypatch.setenv("COLUMNS", "200")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        show(snapshot(*WORDS))
    for state, words in WORDS.items():
        (row,) = [line for line in out.getvalue().splitlines() if f"Tag.{state} " in line]
        assert words[place] in row
        assert ("trop haut", "too high")[place] in row
    assert ("État", "State")[place] in out.getvalue()


def test_every_state_of_an_alarm_has_words() -> None:
    kinds = msgspec.json.schema(AlarmState)["$defs"]["AlarmState"]["properties"]["state"]["enum"]
    assert set(kinds) == ALARM_STATES.keys()
