"""Configurations and rules as they are typed: checked, applied, refused with the line, never lost."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Sitting
from simulators.errors import InputError
from tests.web.conftest import token
from tests.web.fake_training import ALICE, STRONG, WEAK, FakeSittings
from web.trainee.editing import problem

RULE = """\
title: Identification
logsource: {product: usine-ecole}
detection:
  selection:
    func: READ_DEVICE_ID
  condition: selection
level: high
"""


def post(client: FlaskClient, path: str, **body: Any) -> tuple[int, Any]:
    answer = client.post(path, json=body, headers=token(client))
    return answer.status_code, answer.get_json()


def test_a_configuration_with_its_versions_and_schema(alice: FlaskClient, running: Sitting) -> None:
    path = f"/sittings/{running.id}/configurations/plc2"
    assert post(alice, path, text=STRONG) == (200, {"result": True})
    known = alice.get(path).get_json()
    assert known["text"] == STRONG
    assert known["default"] == WEAK
    assert [version["text"] for version in known["versions"]] == [WEAK]
    assert known["schema"]["type"] == "object"


def test_a_refused_configuration_says_why_and_changes_nothing(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    code, answer = post(alice, f"/sittings/{running.id}/configurations/plc2", text="nonsense: 1")
    assert code == 400
    assert "nonsense" in answer["error"]
    assert sittings.configuration(running.id, ALICE, "plc2")["text"] == WEAK


def test_typing_is_checked_by_the_device_s_own_rules(
    alice: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    path = f"/sittings/{running.id}/configurations/plc2/check"
    assert post(alice, path, text="identities: {anonymous: denied}\n") == (200, {"problem": None})
    code, answer = post(alice, path, text="audit: true\nidentities:\n  anonymous: maybe\n")
    assert code == 200
    assert "anonymous" in answer["problem"]["text"]
    assert answer["problem"]["line"] == 3
    assert post(alice, path, text="audit: [\n")[1]["problem"] is not None
    _, answer = post(alice, path, text="trust_list:\n  trusted:\n    - missing.pem\n")
    assert answer["problem"]["line"] == 3, "a file that is not there"
    assert sittings.configuration(running.id, ALICE, "plc2")["text"] == WEAK, "a check applies nothing"


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"text": "a", "more": 1}])
def test_what_is_no_text_is_refused(alice: FlaskClient, running: Sitting, body: dict[str, Any]) -> None:
    assert post(alice, f"/sittings/{running.id}/configurations/plc2", **body)[0] == 400


def test_a_text_that_is_too_long_is_refused(alice: FlaskClient, running: Sitting) -> None:
    code, answer = post(alice, f"/sittings/{running.id}/configurations/plc2", text="#" * (1 << 19))
    assert code == 413
    assert "too long" in answer["error"]


def test_a_device_that_is_not_to_be_edited(alice: FlaskClient, running: Sitting) -> None:
    assert post(alice, f"/sittings/{running.id}/configurations/gateway", text="a: 1")[0] == 400


@pytest.mark.parametrize("line", [12, 1, None])
def test_the_line_of_a_problem_is_the_one_that_the_error_carries(line: int | None) -> None:
    error = InputError("port 1:2 : occupé", "port 1:2: is taken", line)
    assert problem(error) == {"line": line, "text": str(error)}


def test_rules_are_checked_saved_and_found_again(alice: FlaskClient, running: Sitting) -> None:
    path = f"/sittings/{running.id}/rules"
    assert post(alice, f"{path}/check", text=RULE) == (200, {"problem": None})
    code, answer = post(alice, f"{path}/check", text=f"{RULE}---\ntitle: x\ndetection: {{a: [\n")
    assert code == 200
    assert answer["problem"]["line"] in (10, 11), "that of the second rule, wherever YAML gives up"
    assert str(answer["problem"]["line"]) in answer["problem"]["text"]
    assert post(alice, path, text="nonsense")[0] == 400
    assert post(alice, path, text=RULE)[0] == 200
    assert alice.get(path).get_json() == {"text": RULE}


def test_rules_are_tried_on_the_lab_s_own_events(alice: FlaskClient, running: Sitting) -> None:
    code, answer = post(alice, f"/sittings/{running.id}/rules/try", text=RULE)
    assert code == 200
    assert answer["events"] == 40
    (shown,) = answer["alerts"]
    assert (shown["rule"], shown["asset"], shown["count"]) == ("Identification", "plc1", 5)
    code, answer = post(alice, f"/sittings/{running.id}/rules/try", text="title: x")
    assert code == 400
    assert answer["error"]
