"""What a page may ask of a lab: parsed, checked, sent, or refused with the reason."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.fake_labs import FakeLab, FakeLabs


def post(client: FlaskClient, csrf: dict[str, str], verb: str, body: Any) -> tuple[int, Any]:
    answer = client.post(f"/labs/one/commands/{verb}", json=body, headers=csrf)
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("speed", {"speed": 10.0}),
        ("pause", {}),
        ("resume", {}),
        ("reset", {}),
        ("acknowledge", {"alarm": "all"}),
        ("fault", {"asset": "pump", "mode": "wear", "severity": 0.4}),
        ("write", {"tag": "Pasteuriser.SetPoint", "value": 74.5}),
        ("capture_start", {}),
    ],
)
def test_a_command_reaches_the_lab(
    client: FlaskClient, csrf: dict[str, str], lab: FakeLab, verb: str, arguments: dict[str, Any]
) -> None:
    assert post(client, csrf, verb, arguments) == (200, {"result": True})
    assert lab.asked[-1] == (verb, arguments)


@pytest.mark.parametrize(
    ("verb", "arguments", "named"),
    [
        ("speed", {"speed": 1000}, "speed"),
        ("speed", {"speed": "fast"}, "speed"),
        ("speed", {}, "speed"),
        ("pause", {"really": True}, "really"),
        ("stop", {}, "stop"),
        ("fault", {"asset": "pump", "mode": "wear", "severity": 2}, "severity"),
        ("fault", {"asset": "pump", "mode": "hiccups", "severity": 1}, "hiccups"),
        ("write", {"tag": "Pasteuriser.SetPoint", "value": 200}, "60 to 85 °C"),
        ("write", {"tag": "Pump.Flow", "value": 1}, "not writable"),
        ("write", {"tag": "Process.Command", "value": 1.5}, "whole number"),
    ],
)
def test_a_wrong_command_is_refused_with_the_reason(
    client: FlaskClient, csrf: dict[str, str], lab: FakeLab, verb: str, arguments: dict[str, Any], named: str
) -> None:
    code, answer = post(client, csrf, verb, arguments)
    assert code == 400
    assert named in answer["error"]
    assert not lab.written
    assert lab.speed == 1


def test_a_tag_that_there_is_not_is_not_found(
    client: FlaskClient, csrf: dict[str, str], lab: FakeLab
) -> None:
    code, answer = post(client, csrf, "write", {"tag": "Pump.Flo", "value": 1})
    assert code == 404
    assert "Pump.Flow, " in answer["error"]
    assert not lab.written


@pytest.mark.parametrize(("tag", "value", "sent"), [("Process.Auto", 1, True), ("Process.Command", 2.0, 2)])
def test_a_value_is_sent_in_the_tag_s_type(
    client: FlaskClient, csrf: dict[str, str], lab: FakeLab, tag: str, value: float, sent: bool | int
) -> None:
    assert post(client, csrf, "write", {"tag": tag, "value": value})[0] == 200
    assert lab.written[tag] == sent
    assert type(lab.written[tag]) is type(sent)


def test_a_capture_is_handed_over(client: FlaskClient, csrf: dict[str, str]) -> None:
    assert post(client, csrf, "capture_stop", {})[1]["result"]["pcap_base64"] == "1MOyoQ=="


def test_errors_speak_the_reader_s_language(client: FlaskClient, csrf: dict[str, str]) -> None:
    client.get("/?lang=fr")
    assert "ne s'écrit pas" in post(client, csrf, "write", {"tag": "Pump.Flow", "value": 1})[1]["error"]


def test_a_lab_that_is_not_there_says_so(client: FlaskClient, csrf: dict[str, str]) -> None:
    answer = client.post("/labs/two/commands/pause", json={}, headers=csrf)
    assert answer.status_code == 404
    assert "two" in answer.get_json()["error"]


def test_a_lab_that_does_not_answer_says_so(
    client: FlaskClient, csrf: dict[str, str], labs: FakeLabs
) -> None:
    labs.labs["one"].broken.set()
    code, answer = post(client, csrf, "pause", {})
    assert code == 503
    assert "restarting" in answer["error"]
