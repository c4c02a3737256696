"""The first page: the reader's lines that run and their exercises at once, whatever there is of either."""

import html
import re

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Sitting
from tests.web.conftest import Enter
from tests.web.fake_labs import FakeLab, FakeLabs
from tests.web.fake_training import ALICE, OWNER, FakeSittings
from web.settings import Settings


def home(client: FlaskClient, path: str = "/") -> str:
    return html.unescape(client.get(path).get_data(as_text=True))


def lines(page: str) -> set[str]:
    """Those it shows or leads to."""
    return set(re.findall(r'(?:data-line="|/labs/)([^"/]+)', page))


@pytest.fixture
def running(sittings: FakeSittings) -> Sitting:
    """Alice's, with its lab."""
    return sittings.start_lab(sittings.open(ALICE, "opcua-fake").id, ALICE)


def test_who_started_a_line_sees_that_it_runs_and_what_there_is_to_do(client: FlaskClient) -> None:
    page = home(client)
    assert 'data-line="one" data-state="running"' in page
    assert 'href="/labs/one"' in page
    assert "84%" in page, "its OEE"
    assert "13 / 14" in page, "its devices"
    assert 'action="/exercises/opcua-fake/open"' in page
    assert page.index('href="/labs/one"') < page.index('action="/exercises/opcua-fake/open"')


def test_each_sees_their_own_lines_only(
    client: FlaskClient, alice: FlaskClient, bob: FlaskClient, running: Sitting
) -> None:
    assert f'href="/sittings/{running.id}"' in home(alice), "and goes on from there"
    for path in ("/", "/lines"):
        assert lines(home(alice, path)) == {running.lab}, "a free lab is the instructor's"
        assert lines(home(bob, path)) == set()
        assert lines(home(client, path)) == {"one"}, "a class of thirty would bury the instructor's own"


def test_an_instructor_who_works_alone_sees_the_line_of_their_own_exercise(
    client: FlaskClient, sittings: FakeSittings
) -> None:
    mine = sittings.start_lab(sittings.open(OWNER, "opcua-fake").id, OWNER)
    page = home(client)
    assert f'data-line="{mine.lab}"' in page
    assert 'data-line="one"' in page


@pytest.mark.parametrize("path", ["/", "/lines"])
def test_without_a_line(client: FlaskClient, alice: FlaskClient, labs: FakeLabs, path: str) -> None:
    labs.labs.clear()
    assert "lab start bottling" in home(client, path)
    assert "its page starts a line of your own" in home(alice, path)
    assert "lab start bottling" not in home(alice, path), "a command that a trainee has not"


def test_without_an_exercise(client: FlaskClient, sittings: FakeSittings) -> None:
    sittings.known = []
    assert "No exercise yet" in home(client)
    assert 'data-line="one"' in home(client)


def test_a_line_that_does_not_answer_is_no_error(client: FlaskClient, lab: FakeLab) -> None:
    lab.broken.set()
    page = home(client)
    assert 'data-line="one" data-state="failed"' in page
    assert 'href="/labs/one"' in page


def test_a_line_that_is_paused_says_so(client: FlaskClient, lab: FakeLab) -> None:
    lab.paused = True
    assert 'data-line="one" data-state="paused"' in home(client)


def test_an_instructor_s_classes_are_a_click_away(
    client: FlaskClient, alice: FlaskClient, given: Settings, enter: Enter
) -> None:
    assert "Your classes" not in home(client)
    made, _ = given.cohorts.create("BTS 1", "Alice")
    assert f'href="/instructor/cohorts/{made.id}"' in home(client)
    assert "BTS 1" not in home(alice)
    given.cohorts.archive(made.id)
    assert "BTS 1" not in home(client)
