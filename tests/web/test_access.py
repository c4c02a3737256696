"""Nobody comes in without a link, and a link opens one session."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.conftest import TOKEN
from tests.web.fake_labs import FakeLabs
from web.app import create_app
from web.login import spend
from web.security import PUBLIC
from web.settings import Settings

APP = create_app(Settings(FakeLabs({}), "secret", frozenset(), Path()))
PRIVATE = [
    (method, rule.rule, rule.endpoint)
    for rule in APP.url_map.iter_rules()
    for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    if rule.endpoint not in PUBLIC
]


def test_only_the_login_and_the_static_files_are_public() -> None:
    assert {"login.enter", "static"} == PUBLIC
    assert len(PRIVATE) >= 6


@pytest.mark.parametrize(("method", "rule", "endpoint"), PRIVATE)
def test_an_anonymous_is_denied(
    anonymous: FlaskClient, app: Flask, method: str, rule: str, endpoint: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # denied for want of a session, not of a token
    answer = anonymous.open(rule.replace("<name>", "one").replace("<verb>", "pause"), method=method, json={})
    assert answer.status_code == 401
    assert b"csrf-token" in answer.data or b"lab up" in answer.data


def test_an_unknown_address_tells_an_anonymous_nothing(anonymous: FlaskClient) -> None:
    assert anonymous.get("/nowhere").status_code == 401


def test_the_refusal_names_the_remedy(anonymous: FlaskClient) -> None:
    assert "lab up" in anonymous.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True)


def test_a_link_opens_one_session(app: Flask) -> None:
    first, second = app.test_client(), app.test_client()
    assert first.get(f"/login/{TOKEN}").status_code == 302
    assert first.get("/labs/one").status_code == 200
    assert second.get(f"/login/{TOKEN}").status_code == 401
    assert second.get("/labs/one").status_code == 401
    assert second.get("/login/another-link").status_code == 302


def test_a_preview_of_the_link_does_not_spend_it(app: Flask) -> None:
    assert app.test_client().head(f"/login/{TOKEN}").status_code == 204
    assert app.test_client().get(f"/login/{TOKEN}").status_code == 302


def test_a_spent_link_stays_spent_after_a_restart(tmp_path: Path) -> None:
    known = frozenset({"a", "b"})
    assert spend("a", known, tmp_path)
    assert not spend("a", known, tmp_path)
    assert not spend("c", known, tmp_path)
    assert spend("b", known, tmp_path)


def test_a_session_survives_a_restart_of_the_server(labs: FakeLabs, tmp_path: Path) -> None:
    given = Settings(labs, "secret", frozenset({TOKEN}), tmp_path)
    before = create_app(given).test_client()
    before.get(f"/login/{TOKEN}")
    after = create_app(given).test_client()
    name = create_app(given).config["SESSION_COOKIE_NAME"]
    cookie = before.get_cookie(name)
    assert cookie is not None
    after.set_cookie(name, cookie.value)
    assert after.get("/labs/one").status_code == 200


def test_leaving_ends_the_session(client: FlaskClient, csrf: dict[str, str]) -> None:
    assert client.post("/logout", headers=csrf).status_code == 401
    assert client.get("/").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(anonymous: FlaskClient) -> None:
    cookie = anonymous.get(f"/login/{TOKEN}").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
