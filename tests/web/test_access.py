"""Every route by every kind of reader: a stranger, another trainee, the owner, an instructor."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lab.training.contract import Person
from tests.web.conftest import token
from tests.web.fake_cohorts import FakeClassroom, FakeCohorts
from tests.web.fake_labs import FakeLab, FakeLabs
from tests.web.fake_training import ALICE, BOB, OWNER, FakePeople, FakeSittings
from web import access
from web.access import rule_of
from web.app import create_app
from web.commands import COMMANDS
from web.settings import Settings

EMPTY = FakeLabs({})
APP = create_app(Settings(EMPTY, FakePeople(), FakeSittings(EMPTY), FakeCohorts(), FakeClassroom(), "secret"))
ROUTES = [
    (rule.rule, method, rule.endpoint)
    for rule in sorted(APP.url_map.iter_rules(), key=lambda rule: rule.rule)
    for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
]
RULES = {
    rule_of(access_of(lambda: None)): name
    for name, access_of in {
        "anybody": access.anybody,
        "signed_in": access.signed_in,
        "sitting_owner": access.sitting_owner,
        "lab_owner": access.lab_owner,
        "instructor": access.instructor,
    }.items()
}
# Those that show each reader their own, and those that show strangers nothing of anybody.
FOR_ANYBODY = {"static", "login.by_name", "login.enter", "login.leave"}
FOR_THE_SIGNED_IN = {"overview.show", "overview.lines", "catalogue.show", "catalogue.begin", "login.account"}
PASSES = {
    "anybody": {"stranger", "other", "owner", "instructor"},
    "signed_in": {"other", "owner", "instructor"},
    "sitting_owner": {"owner", "instructor"},
    "lab_owner": {"owner", "instructor"},
    "instructor": {"instructor"},
}
READERS: dict[str, Person | None] = {"stranger": None, "other": BOB, "owner": ALICE, "instructor": OWNER}
NOT_YOURS = "No exercise or lab of yours"
Enter = Callable[[Person], FlaskClient]


def declared(endpoint: str) -> str:
    return RULES[rule_of(APP.view_functions[endpoint])]


@pytest.mark.parametrize("endpoint", sorted({endpoint for _, _, endpoint in ROUTES}))
def test_every_view_declares_who_may(endpoint: str) -> None:
    assert rule_of(APP.view_functions[endpoint]) in RULES, f"{endpoint}: add one of web.access"


def test_what_is_open_is_listed_here() -> None:
    endpoints = {endpoint for _, _, endpoint in ROUTES}
    assert {e for e in endpoints if declared(e) == "anybody"} == FOR_ANYBODY
    assert {e for e in endpoints if declared(e) == "signed_in"} == FOR_THE_SIGNED_IN
    assert len(ROUTES) > 20


@pytest.mark.parametrize(("rule", "method", "endpoint"), ROUTES)
def test_what_belongs_to_somebody_asks_for_its_owner(rule: str, method: str, endpoint: str) -> None:
    if "<int:sitting_id>" in rule:
        assert declared(endpoint) in {"sitting_owner", "instructor"}
    if "/labs/" in rule:
        assert declared(endpoint) in {"lab_owner", "instructor"}
    if "person" in rule or "cohort" in rule:
        assert declared(endpoint) == "instructor"


@pytest.mark.parametrize(("rule", "method", "endpoint"), ROUTES)
def test_by_every_reader(
    app: Flask, sittings: FakeSittings, enter: Enter, rule: str, method: str, endpoint: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # denied for want of a right, not of a token
    sitting = sittings.open(ALICE, "opcua-fake")
    sittings.start_lab(sitting.id, ALICE)
    places = {
        "<int:sitting_id>": str(sitting.id), "<name>": sitting.lab, "<verb>": "acknowledge", "<device>": "plc2",
        "<exercise_id>": "opcua-fake", "<path:filename>": "css/page.css", "<token>": "none", "<step_id>": "anonymous", "<attack>": "identify",
        "<int:cohort_id>": "1", "<int:person_id>": "2", "<terminal>": "none",
    }  # fmt: skip
    path = rule
    for place, value in places.items():
        path = path.replace(place, value)
    passed = set()
    for reader, person in READERS.items():
        client = app.test_client() if person is None else enter(person)
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        answer = client.open(path, method=method, json={}, buffered=False)
        denied = answer.status_code in {401, 403} and endpoint not in FOR_ANYBODY
        if not denied and answer.status_code == 404:
            denied = NOT_YOURS in answer.get_data(as_text=True)
        answer.close()
        if not denied:
            passed.add(reader)
        if person is None and denied:
            assert answer.status_code == 401
    assert passed == PASSES[declared(endpoint)], f"{method} {path}"


def test_a_view_that_declares_nothing_is_closed(app: Flask, client: FlaskClient) -> None:
    app.view_functions["overview.labs"] = lambda: "open to all"
    assert client.get("/labs").status_code == 403


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_a_trainee_operates_their_own_lab_and_no_more(
    sittings: FakeSittings, labs: FakeLabs, alice: FlaskClient, verb: str
) -> None:
    sitting = sittings.open(ALICE, "opcua-fake")
    sittings.start_lab(sitting.id, ALICE)
    body = {"alarm": "all"} if verb == "acknowledge" else {"tag": "Process.Auto", "value": 1}
    answer = alice.post(
        f"/labs/{sitting.lab}/commands/{verb}", json=body if verb in {"acknowledge", "write"} else {}, headers=token(alice)
    )  # fmt: skip
    operators = {"acknowledge", "write", "capture_start", "capture_stop"}
    assert answer.status_code == (200 if verb in operators else 403)
    sent = {name for name, _ in labs.labs[sitting.lab].asked}
    assert (verb in sent) == (verb in operators)


def test_the_truth_is_for_instructors(
    sittings: FakeSittings, labs: FakeLabs, alice: FlaskClient, client: FlaskClient
) -> None:
    sitting = sittings.open(ALICE, "opcua-fake")
    sittings.start_lab(sitting.id, ALICE)
    for reader, told in ((alice, False), (client, True)):
        answer = reader.get(f"/labs/{sitting.lab}/stream?truth=1")
        stream = iter(answer.response)
        next(stream)
        assert ('"assets"' in str(next(stream))) == told
        answer.close()


def test_a_free_lab_is_no_trainee_s(alice: FlaskClient, lab: FakeLab) -> None:
    assert alice.get("/labs/one").status_code == 404
    answer = alice.post(
        "/labs/one/commands/write", json={"tag": "Process.Auto", "value": 1}, headers=token(alice)
    )
    assert answer.status_code == 404
    assert not lab.written


def test_a_lab_that_does_not_exist_looks_like_another_s(sittings: FakeSittings, bob: FlaskClient) -> None:
    sitting = sittings.open(ALICE, "opcua-fake")
    sittings.start_lab(sitting.id, ALICE)
    pages = [
        bob.get(path).get_data()
        for path in (f"/labs/{sitting.lab}", "/labs/s99", "/sittings/1", "/sittings/99")
    ]
    assert all(NOT_YOURS.encode() in page for page in pages)


def test_who_is_deactivated_is_out_at_once(alice: FlaskClient, people: FakePeople) -> None:
    assert alice.get("/exercises").status_code == 200
    people.set_active(ALICE, active=False)
    assert alice.get("/exercises").status_code == 401


def test_an_unknown_address_tells_a_stranger_nothing(anonymous: FlaskClient, client: FlaskClient) -> None:
    assert anonymous.get("/nowhere").status_code == 401
    assert client.get("/nowhere").status_code == 404
