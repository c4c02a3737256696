"""Coming in: a link works once, a password is tried a few times, a session lasts and ends."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.conftest import token
from tests.web.fake_training import ALICE, OWNER, FakePeople
from web.app import create_app
from web.settings import Settings

ELSEWHERE = "http://lab.example.org"


def hidden_token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(client: FlaskClient, name: str, password: str, onward: str = "") -> tuple[int, str]:
    form = client.get("/login").get_data(as_text=True)
    answer = client.post(
        "/login",
        data={"csrf_token": hidden_token(form), "name": name, "password": password, "next": onward},
        headers={"Accept": "text/html"},
    )
    return answer.status_code, answer.location or answer.get_data(as_text=True)


def test_the_refusal_names_the_remedy(anonymous: FlaskClient) -> None:
    answer = anonymous.get("/", headers={"Accept-Language": "en"})
    assert answer.status_code == 401
    assert "lab up" in answer.get_data(as_text=True)
    told = anonymous.post(
        "/exercises/x/open", headers={"Accept": "application/json", "Accept-Language": "en"}
    )
    assert "lab up" in told.get_json()["error"]


def test_a_link_opens_one_session(app: Flask, people: FakePeople) -> None:
    link = f"/login/{people.link(OWNER).token}"
    first, second = app.test_client(), app.test_client()
    assert first.get(link).status_code == 302
    assert first.get("/labs/one").status_code == 200
    assert second.get(link).status_code == 401
    assert second.get("/labs/one").status_code == 401
    assert first.get(link).location == "/"


def test_a_preview_of_the_link_does_not_spend_it(app: Flask, people: FakePeople) -> None:
    link = f"/login/{people.link(ALICE).token}"
    assert app.test_client().head(link).status_code == 204
    chat = app.test_client().get(link, base_url=ELSEWHERE)
    assert chat.status_code == 200
    reader = app.test_client()
    page = reader.get(link, base_url=ELSEWHERE).get_data(as_text=True)
    opened = reader.post(
        link, base_url=ELSEWHERE, data={"csrf_token": hidden_token(page)}, headers={"Referer": ELSEWHERE}
    )
    assert opened.status_code == 302
    assert reader.get("/exercises", base_url=ELSEWHERE).status_code == 200


def test_name_and_password(app: Flask) -> None:
    assert sign_in(app.test_client(), "alice", "wrong")[0] == 401
    assert sign_in(app.test_client(), "nobody", "nobody")[0] == 401
    client = app.test_client()
    assert sign_in(client, " alice ", "alice") == (302, "/")
    assert client.get("/").status_code == 200


def test_what_was_typed_is_kept_but_the_password(app: Flask) -> None:
    code, page = sign_in(app.test_client(), "alice", "s3cret-guess")
    assert code == 401
    assert 'value="alice"' in page
    assert "s3cret-guess" not in page


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/sittings/4?x=1", "/sittings/4?x=1"),
        ("https://example.org", "/"),
        ("//example.org", "/"),
        ("/\\example.org", "/"),
    ],
)
def test_the_way_onward_stays_on_this_server(app: Flask, wanted: str, reached: str) -> None:
    assert sign_in(app.test_client(), "alice", "alice", wanted)[1] == reached


def test_the_form_carries_the_page_that_was_asked_for(anonymous: FlaskClient) -> None:
    page = anonymous.get("/sittings/4").get_data(as_text=True)
    assert 'name="next" value="/sittings/4"' in page


def test_passwords_cannot_be_tried_for_ever(app: Flask) -> None:
    client = app.test_client()
    codes = [sign_in(client, "alice", f"guess {n}")[0] for n in range(8)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert sign_in(client, "bob", "bob")[0] == 302, "a neighbour behind the same address still comes in"


def test_a_form_without_its_token_is_refused(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/login", data={"name": "alice", "password": "alice"}).status_code == 400
    assert client.get("/exercises").status_code == 401


def test_a_password_is_chosen_and_then_used(alice: FlaskClient, app: Flask) -> None:
    assert "/account" in alice.get("/exercises").get_data(as_text=True)
    for password, again, problem in (
        ("a long enough one", "another one", "differ"),
        ("x1y2z3", "x1y2z3", "too short"),
        ("a long enough one", "a long enough one", ""),
    ):
        form = hidden_token(alice.get("/account").get_data(as_text=True))
        answer = alice.post("/account", data={"csrf_token": form, "password": password, "again": again})
        assert answer.status_code == (400 if problem else 200)
        assert problem in answer.get_data(as_text=True)
        assert password not in answer.get_data(as_text=True)
    assert sign_in(app.test_client(), "alice", "a long enough one")[0] == 302


def test_a_session_survives_a_restart_of_the_server(given: Settings, people: FakePeople) -> None:
    before = create_app(given).test_client()
    before.get(f"/login/{people.link(OWNER).token}")
    again = create_app(given)
    name = again.config["SESSION_COOKIE_NAME"]
    cookie = before.get_cookie(name)
    assert cookie is not None
    after = again.test_client()
    after.set_cookie(name, cookie.value)
    assert after.get("/labs/one").status_code == 200


def test_leaving_ends_the_session(client: FlaskClient, csrf: dict[str, str]) -> None:
    assert client.post("/logout", headers=csrf).status_code == 401
    assert client.get("/labs").status_code == 401


def test_a_link_of_another_replaces_the_session(alice: FlaskClient, people: FakePeople) -> None:
    alice.get(f"/login/{people.link(OWNER).token}")
    assert alice.get("/labs").status_code == 200


def test_the_language_chosen_outlives_the_login(app: Flask, people: FakePeople) -> None:
    client = app.test_client()
    client.get(f"/login/{people.link(ALICE).token}?lang=en")
    assert '<html lang="en"' in client.get("/exercises").get_data(as_text=True)
    client.post("/logout", headers=token(client))
    assert '<html lang="en"' in client.get("/login").get_data(as_text=True)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    anonymous: FlaskClient, people: FakePeople
) -> None:
    cookie = anonymous.get(f"/login/{people.link(ALICE).token}").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
