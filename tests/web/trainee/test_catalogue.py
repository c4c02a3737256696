"""The catalogue: what there is, what one has done, what this machine cannot carry."""

import html

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Sitting
from tests.web.conftest import token
from tests.web.fake_training import ALICE, STRONG, FakeSittings


def text(client: FlaskClient, path: str = "/exercises") -> str:
    return html.unescape(client.get(path).get_data(as_text=True))


def test_a_card_tells_what_an_exercise_is(alice: FlaskClient) -> None:
    page = text(alice)
    for said in (
        "Harden the server",
        "60 min",
        "Engineer",
        "Agri-food",
        "Cryptography, including post-quantum",
    ):
        assert said in page
    assert "Zones are needed." in page
    assert page.count("/open") == 1, "what is unavailable cannot be begun"


def test_beginning_opens_a_sitting_and_coming_back_finds_it(
    alice: FlaskClient, sittings: FakeSittings
) -> None:
    first = alice.post("/exercises/opcua-fake/open", headers=token(alice))
    again = alice.post("/exercises/opcua-fake/open", headers=token(alice))
    assert first.location == again.location == "/sittings/1"
    page = text(alice)
    assert 'href="/sittings/1"' in page
    assert "0 of 2 steps" in page


def test_what_was_done_is_shown_to_who_did_it(
    alice: FlaskClient, bob: FlaskClient, running: Sitting, sittings: FakeSittings
) -> None:
    sittings.configure(running.id, ALICE, "plc2", STRONG)
    sittings.check(running.id, ALICE)
    assert "2 of 2 steps" in text(alice)
    assert "2 of 2 steps" not in text(bob)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("track=detection", ["Find the intruder"]),
        ("level=engineer&sector=agri_food", ["Harden the server"]),
        ("q=cryptography", ["Harden the server"]),
        ("q=INTRUDER find", ["Find the intruder"]),
        ("q=", ["Harden the server", "Find the intruder"]),
        ("track=awareness", []),
    ],
)
def test_filters(alice: FlaskClient, query: str, found: list[str]) -> None:
    page = text(alice, f"/exercises?{query}")
    assert [title for title in ("Harden the server", "Find the intruder") if title in page] == found
    assert ("No exercise matches" in page) == (not found)


def test_without_an_exercise_the_page_says_where_they_come_from(
    alice: FlaskClient, sittings: FakeSittings
) -> None:
    sittings.known = []
    assert "scenarios/exercises" in text(alice)


def test_an_exercise_that_does_not_exist(alice: FlaskClient) -> None:
    answer = alice.post("/exercises/nothing/open", headers={**token(alice), "Accept": "application/json"})
    assert answer.status_code == 404
    assert "nothing" in answer.get_json()["error"]
