"""The event table, its files, and the condition monitor."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Sitting, Strike
from tests.web.conftest import token
from tests.web.fake_cohorts import FakeClassroom
from tests.web.fake_labs import ORIGIN_UNIX_S, FakeLabs
from web.settings import Settings
from web.trainee.detecting import as_csv


def asked(labs: FakeLabs, sitting: Sitting, verb: str) -> dict[str, Any]:
    return next(arguments for name, arguments in reversed(labs.labs[sitting.lab].asked) if name == verb)


def test_the_filter_reaches_the_lab(alice: FlaskClient, running: Sitting, labs: FakeLabs) -> None:
    labs.labs[running.lab].paused = True
    answer = alice.get(
        f"/sittings/{running.id}/events?log=modbus&contains=DEVICE_ID&minutes=5&device="
    ).get_json()
    assert {row["func"] for row in answer["events"]} == {"READ_DEVICE_ID"}
    assert asked(labs, running, "events") == {
        "log": "modbus", "contains": "DEVICE_ID", "since_ts": ORIGIN_UNIX_S - 300, "limit": 300,
    }  # fmt: skip


def test_the_table_as_a_spreadsheet(alice: FlaskClient, running: Sitting) -> None:
    answer = alice.get(f"/sittings/{running.id}/events.csv?contains=DEVICE_ID")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert len(rows) == 5
    assert rows[0]["id.orig_h"] == "10.20.1.66"


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(value: str) -> None:
    assert as_csv(["topic"], [{"topic": value}]).splitlines()[1].strip('"').startswith("'")


def test_numbers_stay_numbers() -> None:
    assert as_csv(["value", "b"], [{"value": -1.5}, {}]).splitlines()[1:] == ["-1.5,", ","]


def test_the_record_as_a_capture(alice: FlaskClient, running: Sitting) -> None:
    answer = alice.get(f"/sittings/{running.id}/events.pcap")
    assert answer.data == b"\xd4\xc3\xb2\xa1"
    assert "record-1.pcap" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(("attack", "code"), [("identify", 200), ("rogue_master", 400)])
def test_practice_attacks_are_those_of_the_exercise(
    alice: FlaskClient, running: Sitting, given: Settings, attack: str, code: int
) -> None:
    answer = alice.post(f"/sittings/{running.id}/practice/{attack}", headers=token(alice))
    assert answer.status_code == code
    assert isinstance(given.classroom, FakeClassroom)
    assert given.classroom.asked == ([([running.id], Strike("identify"))] if code == 200 else [])


def test_the_monitor_s_history(alice: FlaskClient, running: Sitting, labs: FakeLabs) -> None:
    answer = alice.get(f"/sittings/{running.id}/monitor?device=monitor&asset=").get_json()
    assert answer["learnt"] is True
    assert asked(labs, running, "monitor") == {"device": "monitor", "asset": None}


def test_a_lab_that_does_not_run_says_so(alice: FlaskClient, sitting: Sitting) -> None:
    answer = alice.get(f"/sittings/{sitting.id}/events", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.get_json()["error"]
