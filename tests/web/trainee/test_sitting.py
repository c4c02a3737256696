"""The exercise's page and what it asks: brief, steps, evidence, hints, check, resets."""

import html
import json
import re
import time
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from lab.exercises.model import Panel
from lab.training.contract import Event, Sitting
from simulators.errors import InputError
from tests.web.conftest import token
from tests.web.fake_training import ALICE, OWNER, STRONG, FakeSittings

PANELS: dict[Panel, str] = {
    "mimic": "panel-line", "trends": "panel-trends", "endpoints": "panel-endpoints", "configuration": "panel-configuration",
    "rules": "panel-rules", "events": "panel-events", "monitor": "panel-monitor",
}  # fmt: skip


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.get_data(as_text=True))


def messages(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    """What a stream told, to its end."""
    stream = client.get(path).get_data(as_text=True)
    return [
        json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")
    ]


def test_the_brief_speaks_the_reader_s_language_with_their_values(
    alice: FlaskClient, sitting: Sitting
) -> None:
    english, french = text(alice, f"/sittings/{sitting.id}"), text(alice, f"/sittings/{sitting.id}?lang=fr")
    assert "lets everybody in" in english
    assert "accepte tout le monde" in french
    assert "<code>nolira42</code>" in english
    assert "${" not in english
    assert "<h3>Context</h3>" in english


def test_without_its_lab_the_page_offers_to_start_it(alice: FlaskClient, sitting: Sitting) -> None:
    page = text(alice, f"/sittings/{sitting.id}")
    assert 'id="start"' in page
    assert "Start your lab first." in page
    assert "data-ready" not in page


def test_a_start_tells_each_device(alice: FlaskClient, sitting: Sitting) -> None:
    assert alice.post(f"/sittings/{sitting.id}/lab/start", headers=token(alice)).status_code == 202
    told = messages(alice, f"/sittings/{sitting.id}/lab/progress")
    assert {"device": "plc2", "state": "ok"} in told
    assert told[-1] == {"state": "done"}
    assert 'id="panel-line"' in text(alice, f"/sittings/{sitting.id}")


@pytest.mark.parametrize("panel", PANELS)
def test_panels_are_those_of_the_exercise(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings, panel: Panel
) -> None:
    sittings.known = [msgspec.structs.replace(sittings.known[0], panels=[panel])]
    page = text(alice, f"/sittings/{running.id}")
    shown = {name for name, place in PANELS.items() if f'id="{place}"' in page}
    assert shown == {panel}
    assert page.count('aria-selected="true"') == 2, "one tab of each list is chosen"
    assert 'id="panel-lab"' in page


def test_a_trainee_is_not_shown_the_instructor_s_part(
    alice: FlaskClient, client: FlaskClient, running: Sitting
) -> None:
    for path in (f"/labs/{running.lab}", f"/sittings/{running.id}"):
        page = text(alice, path)
        assert 'id="fault"' not in page
        assert 'id="speed"' not in page
    assert 'id="fault"' in text(client, f"/labs/{running.lab}")


def test_the_timeline_gives_no_fault_of_an_instructor_away(
    alice: FlaskClient, client: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    stuck = {"asset": "raw_tank", "mode": "sensor_stuck:level_pct"}
    sittings.work[running.id].events += [
        Event(900, running.id, time.time(), "fault", OWNER.id, stuck),
        Event(901, running.id, time.time(), "attack", ALICE.id, {"attack": "port_scan", "state": "began"}),
    ]
    page = text(alice, f"/sittings/{running.id}/work")
    assert "port_scan" in page
    assert "sensor_stuck" not in page
    assert "sensor_stuck" in text(client, f"/sittings/{running.id}/work")


def test_a_check_is_told_step_by_step_and_shown_with_its_evidence(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    assert alice.post(f"/sittings/{running.id}/check", headers=token(alice)).status_code == 202
    told = messages(alice, f"/sittings/{running.id}/check/progress")
    assert [message.get("outcome") for message in told if "step" in message] == ["fail", "fail"]
    assert told[-1]["state"] == "done"
    work = text(alice, f"/sittings/{running.id}/work")
    assert 'data-outcome="fail"' in work
    assert "The server accepts." in work
    assert "BadIdentityTokenRejected" not in work
    assert "CreateSession <None>" in work
    assert "1 <small>2 left" in work
    sittings.configure(running.id, ALICE, "plc2", STRONG)
    sittings.check(running.id, ALICE)
    work = text(alice, f"/sittings/{running.id}/work")
    assert '<strong id="score">100</strong>' in work
    assert "2 of 2 steps passed" in work


def test_evidence_is_escaped(alice: FlaskClient, running: Sitting, sittings: FakeSittings) -> None:
    sittings.check(running.id, ALICE)
    raw = alice.get(f"/sittings/{running.id}/work").get_data(as_text=True)
    assert "CreateSession &lt;None&gt;" in raw
    assert "<None>" not in raw


def test_a_refused_check_says_why(alice: FlaskClient, running: Sitting, sittings: FakeSittings) -> None:
    sittings.refuse = InputError("plus aucun essai", "no attempt left")
    alice.post(f"/sittings/{running.id}/check", headers=token(alice))
    last = messages(alice, f"/sittings/{running.id}/check/progress")[-1]
    assert last == {"state": "failed", "text": {"fr": "plus aucun essai", "en": "no attempt left"}}


def test_a_fault_of_ours_is_told_without_its_traceback(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(sittings, "check", broken)
    alice.post(f"/sittings/{running.id}/check", headers=token(alice))
    last = messages(alice, f"/sittings/{running.id}/check/progress")[-1]
    assert last["state"] == "failed"
    assert "internal error" in last["text"]["en"]
    assert "secret" not in json.dumps(last)


def test_a_page_that_is_reloaded_knows_that_a_check_goes_on(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    sittings.pause_s = 0.3
    alice.post(f"/sittings/{running.id}/check", headers=token(alice))
    page = alice.get(f"/sittings/{running.id}").get_data(as_text=True)
    found = re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found
    assert json.loads(found[1])["checking"] is True
    alice.post(f"/sittings/{running.id}/check", headers=token(alice))
    told = messages(alice, f"/sittings/{running.id}/check/progress")
    assert told[0]["done"] == 0, "from its beginning"
    assert sittings.standing(running.id).attempts == 1, "a second click joins the check that goes on"


def test_no_check_no_progress(alice: FlaskClient, running: Sitting) -> None:
    assert "event: idle" in alice.get(f"/sittings/{running.id}/check/progress").get_data(as_text=True)


def test_a_hint_has_its_price_and_stays(alice: FlaskClient, sitting: Sitting) -> None:
    page = text(alice, f"/sittings/{sitting.id}/work")
    assert "Take hint 1: 5 points of this step" in page
    assert "Look at" not in page
    assert alice.post(f"/sittings/{sitting.id}/hints/anonymous", headers=token(alice)).status_code == 200
    page = text(alice, f"/sittings/{sitting.id}/work")
    assert "Look at <code>identities</code>" in page
    assert "Take hint 2: 10 points of this step" in page
    assert "Anonymous refused, hint 1" in page


def test_a_hint_that_is_too_early_is_refused(alice: FlaskClient, sitting: Sitting) -> None:
    answer = alice.post(f"/sittings/{sitting.id}/hints/trust", headers=token(alice))
    assert answer.status_code == 400
    assert "not yet" in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"what": "device", "device": "plc2"}, "device"),
        ({"what": "checkpoint"}, "checkpoint"),
        ({"what": "lab"}, "lab"),
    ],
)
def test_resets(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings, body: dict[str, str], what: str
) -> None:
    assert alice.post(f"/sittings/{running.id}/lab/reset", json=body, headers=token(alice)).status_code == 202
    assert messages(alice, f"/sittings/{running.id}/lab/progress")[-1]["state"] == "done"
    last = sittings.timeline(running.id)[-1]
    assert (last.kind, last.data["what"]) == ("reset", what)


@pytest.mark.parametrize("body", [{}, {"what": "everything"}, {"what": "lab", "force": True}, []])
def test_a_reset_of_nothing_is_refused(alice: FlaskClient, running: Sitting, body: Any) -> None:
    assert alice.post(f"/sittings/{running.id}/lab/reset", json=body, headers=token(alice)).status_code == 400


def test_checkpoint_and_stop(alice: FlaskClient, running: Sitting, sittings: FakeSittings) -> None:
    assert alice.post(f"/sittings/{running.id}/lab/checkpoint", headers=token(alice)).status_code == 200
    assert alice.post(f"/sittings/{running.id}/lab/stop", headers=token(alice)).status_code == 200
    kinds = [event.kind for event in sittings.timeline(running.id)]
    assert kinds[-2:] == ["checkpoint", "lab_stopped"]
    assert 'id="start"' in text(alice, f"/sittings/{running.id}")


def test_what_an_instructor_does_is_told_with_their_name(
    client: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    sittings.extend(running.id, OWNER, 30)
    page = text(client, f"/sittings/{running.id}")
    assert "30 min" in page
    assert "by Usine-École" in page
    assert "Work of Alice Martin" in page


def test_the_page_holds_nothing_that_the_policy_refuses(alice: FlaskClient, running: Sitting) -> None:
    alice.post(f"/sittings/{running.id}/check", headers=token(alice))
    messages(alice, f"/sittings/{running.id}/check/progress")
    page = alice.get(f"/sittings/{running.id}").get_data(as_text=True)
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page)
