"""Headers on every answer, and no command without the page's own token."""

import re

import pytest
from flask.testing import FlaskClient

from tests.web.fake_labs import FakeLab
from tests.web.fake_training import OWNER, FakePeople


@pytest.mark.parametrize(
    "path",
    [
        "/labs",
        "/exercises",
        "/labs/one",
        "/nowhere",
        "/labs/one/trend?tags=Pump.Flow",
        "/static/css/page.css",
    ],
)
def test_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert re.search(r"script-src 'self' 'nonce-[\w-]{20,}'", policy)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_nonce_is_new_each_time_and_in_the_page(client: FlaskClient) -> None:
    nonces = []
    for _ in range(2):
        answer = client.get("/labs/one")
        nonce = answer.headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
        assert f'nonce="{nonce}"' in answer.get_data(as_text=True)
        nonces.append(nonce)
    assert nonces[0] != nonces[1]


def test_the_page_has_nothing_that_the_policy_refuses(client: FlaskClient) -> None:
    page = client.get("/labs/one").get_data(as_text=True)
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page)
    assert "http://" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "https://" not in page


def test_pages_are_not_kept_but_assets_may_be(client: FlaskClient) -> None:
    assert client.get("/labs/one").headers["Cache-Control"] == "no-store"
    with client.get("/static/js/page.mjs") as asset:
        assert "no-store" not in asset.headers["Cache-Control"]


def test_modules_have_a_type_that_browsers_run(client: FlaskClient) -> None:
    with client.get("/static/js/page.mjs") as asset:
        assert asset.mimetype == "text/javascript"


@pytest.mark.parametrize("header", [{}, {"X-CSRF-Token": "forged"}])
def test_a_command_without_the_page_s_token_is_refused(
    client: FlaskClient, lab: FakeLab, header: dict[str, str]
) -> None:
    answer = client.post("/labs/one/commands/pause", json={}, headers=header)
    assert answer.status_code == 400
    assert "reload" in answer.get_json()["error"]
    assert ("pause", {}) not in lab.asked


def test_a_token_of_another_session_is_refused(
    client: FlaskClient, csrf: dict[str, str], lab: FakeLab, people: FakePeople
) -> None:
    client.post("/logout", headers=csrf)
    client.get(f"/login/{people.link(OWNER).token}")
    assert client.post("/labs/one/commands/pause", json={}, headers=csrf).status_code == 400
    assert not lab.paused
