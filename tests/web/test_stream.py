"""The stream: one whole snapshot, then what changed; the truth only when asked for; an end that says why."""

import json
from functools import partial
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from simulators.model import Line
from tests.web.fake_labs import FakeLab, FakeLabs
from web.stream import Places, changes, events, view

Event = tuple[str, dict[str, Any]]


@pytest.fixture
def lab(line: Line) -> FakeLab:
    """Its clock is a second later each time it is read."""
    return FakeLab(line, period_s=0.001, wall=partial(next, count(0.0, 1.0)))


def parse(text: str) -> Event:
    fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return fields["event"], json.loads(fields["data"])


def first(labs: FakeLabs, number: int, truth: bool = False) -> list[Event]:
    stream = events(labs, "one", truth, Places(1))
    found = [parse(next(stream)) for _ in range(number)]
    stream.close()
    return found


def test_first_everything_then_what_changed(labs: FakeLabs, lab: FakeLab) -> None:
    hello, whole, later = first(labs, 3)
    assert hello[0] == "hello"
    assert whole[1]["tags"].keys() == {tag.id for tag in lab.line.tags}
    assert {"kpis", "alarms", "devices", "enforces_zones"} <= whole[1].keys()
    assert "Pump.Flow" in later[1]["tags"]
    assert "Pasteuriser.SetPoint" not in later[1]["tags"]
    assert not {"devices", "alarms", "enforces_zones"} & later[1].keys()


def test_nothing_is_lost_by_sending_changes(lab: FakeLab) -> None:
    merged: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for _ in range(3):
        now = view(lab.snapshot("one"), truth=True)
        new = changes(before, now)
        merged = {**merged, **new, "tags": {**merged.get("tags", {}), **new.get("tags", {})}}
        before = now
        assert merged == now


def test_operators_do_not_see_the_truth(labs: FakeLabs, lab: FakeLab) -> None:
    lab.faults = {"pump": {"wear": 0.5}}
    shown = first(labs, 2)[1][1]
    assert len(shown["tags"]["RawTank.Level"]) == 2
    assert not {"assets", "seed"} & shown.keys()
    assert "wear" not in json.dumps(shown)


def test_an_instructor_sees_the_truth(labs: FakeLabs, lab: FakeLab) -> None:
    lab.faults = {"pump": {"wear": 0.5}}
    shown = first(labs, 2, truth=True)[1][1]
    assert shown["tags"]["RawTank.Level"][2] == 12.5
    assert shown["assets"]["pump"]["faults"] == {"wear": 0.5}


def test_a_lab_that_fails_ends_the_stream_with_its_state(labs: FakeLabs, lab: FakeLab) -> None:
    stream = events(labs, "one", truth=False, places=Places(1))
    next(stream), next(stream)
    lab.broken.set()
    kind, why = [parse(text) for text in stream][-1]
    assert (kind, why["state"]) == ("lost", "failed")
    assert why["detail"]["fr"] == "le labo ne répond plus"


@pytest.mark.parametrize(("name", "state"), [("one", "failed"), ("gone", "gone")])
def test_a_lab_that_cannot_be_reached_is_told_in_the_stream(
    labs: FakeLabs, lab: FakeLab, name: str, state: str
) -> None:
    lab.broken.set()
    kind, why = [parse(text) for text in events(labs, name, truth=False, places=Places(1))][-1]
    assert (kind, why["state"]) == ("lost", state)


def test_a_closed_page_gives_its_place_and_its_connection_back(labs: FakeLabs, lab: FakeLab) -> None:
    places = Places(1)
    stream = events(labs, "one", truth=False, places=places)
    next(stream), next(stream)
    assert (places.open, lab.streams) == (1, 1)
    stream.close()
    assert (places.open, lab.streams) == (0, 0)


def test_streams_leave_threads_for_the_rest(labs: FakeLabs) -> None:
    places = Places(1)
    held = events(labs, "one", truth=False, places=places)
    next(held)
    kind, why = [parse(text.partition("\n")[2]) for text in events(labs, "one", truth=False, places=places)][
        -1
    ]
    assert (kind, why["state"]) == ("lost", "busy")
    held.close()
    assert places.open == 0


def test_over_http(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/labs/one/stream")
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "event: hello" in str(next(iter(answer.response)))
    answer.close()
    assert app.extensions["usine_ecole_streams"].open == 0
