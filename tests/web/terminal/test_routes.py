"""The terminal's routes, over a real shell in a real pseudo-terminal: typed into, followed, resized, refused."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Sitting
from simulators.errors import ToolMissingError
from tests.web.conftest import token
from tests.web.fake_labs import FakeLabs
from tests.web.terminal.workstation import shells
from web.terminal import TYPED_MAX


@pytest.fixture
def docker(labs: FakeLabs) -> Iterator[FakeLabs]:
    """The lab is one in containers, whose workstation has real shells."""
    with shells() as labs.shells:
        labs.runtime = "docker"
        yield labs


class Seat:
    """Somebody at a terminal of the lab `one`."""

    def __init__(self, client: FlaskClient, lab: str = "one") -> None:
        self._client, self._lab, self._csrf = client, lab, token(client)
        answer = self.post("", {"zone": "control", "columns": 90, "rows": 20})
        assert answer.status_code == 200, answer.get_json()
        self.id = str(answer.get_json()["result"]["terminal"])
        self.seen = 0

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(f"/labs/{self._lab}/terminals{path}", json=body, headers=self._csrf)

    def tell(self, **said: Any) -> Any:
        return self.post(f"/{self.id}", said)

    def events(self, last: str = "") -> Iterator[tuple[str, dict[str, str]]]:
        """Each event's kind and fields, saying that it was seen."""
        headers = {"Last-Event-ID": last} if last else {}
        answer = self._client.get(f"/labs/{self._lab}/terminals/{self.id}/stream", headers=headers)
        assert answer.mimetype == "text/event-stream", answer.get_data()
        for text in answer.response:
            lines = (text if isinstance(text, str) else text.decode()).strip().split("\n")
            fields = dict(one.split(": ", 1) for one in lines if ": " in one)
            if "id" in fields:
                self.seen = int(fields["id"])
                self.tell(seen=self.seen)
            if "event" in fields:
                yield fields["event"], fields

    def until(self, words: str, last: str = "") -> str:
        """What it shows up to `words`."""
        shown = b""
        for kind, fields in self.events(last):
            if kind == "out":
                shown += base64.b64decode(fields["data"])
            assert kind != "over", fields
            if words.encode() in shown:
                return shown.decode()
        raise AssertionError(shown)

    def why(self) -> str:
        return next(str(json.loads(f["data"])["why"]) for kind, f in self.events() if kind == "over")


def test_a_shell_answers_and_knows_its_window(docker: FakeLabs, client: FlaskClient) -> None:
    seat = Seat(client)
    seat.tell(typed="echo $((6*7)); stty size\n")
    assert "42\r\n20 90" in seat.until("20 90")
    seat.tell(size=[120, 40])
    seat.tell(typed="stty size\n")
    seat.until("40 120")


def test_a_dropped_stream_goes_on_and_a_new_page_sees_the_recent_past(
    docker: FakeLabs, client: FlaskClient
) -> None:
    seat = Seat(client)
    seat.tell(typed="echo fir''st\n")
    seat.until("first")
    seat.tell(typed="echo sec''ond\n")
    again = seat.until("second", last=str(seat.seen))
    assert "first" not in again
    assert "first" in seat.until("second")


def test_a_shell_that_ends_and_one_that_is_closed(docker: FakeLabs, client: FlaskClient) -> None:
    seat, other = Seat(client), Seat(client)
    seat.tell(typed="exit\n")
    assert seat.why() == "ended"
    answer = seat.tell(typed="echo too late\n")
    assert answer.status_code == 404
    assert "open another one" in answer.get_json()["error"]
    other.tell(close=True)
    assert other.why() == "closed"


def test_much_output_comes_whole(docker: FakeLabs, client: FlaskClient) -> None:
    seat = Seat(client)
    seat.tell(typed="seq 100000; echo d''one\n")
    shown = seat.until("done")
    assert shown.count("\n") > 100_000
    assert "99999\r\n100000\r\ndone" in shown


def test_each_terminal_is_its_opener_s_alone(
    docker: FakeLabs, client: FlaskClient, alice: FlaskClient, running: Sitting
) -> None:
    hers = Seat(alice, running.lab)
    theirs = Seat(client, running.lab)
    for other, seat in ((alice, theirs), (client, hers)):
        path = f"/labs/{running.lab}/terminals/{seat.id}"
        assert other.post(path, json={"typed": "id\n"}, headers=token(other)).status_code == 404
        assert other.get(f"{path}/stream").status_code == 404
    assert alice.get(f"/labs/one/terminals/{hers.id}/stream").status_code == 404
    assert alice.post("/labs/one/terminals", json={}, headers=token(alice)).status_code == 404


@pytest.fixture
def running(labs: FakeLabs, sittings: Any) -> Sitting:
    from tests.web.fake_training import ALICE

    opened = sittings.open(ALICE, "opcua-fake")
    started: Sitting = sittings.start_lab(opened.id, ALICE)
    return started


@pytest.mark.parametrize(
    "body",
    [
        {"typed": "x" * (TYPED_MAX + 1)}, {"typed": 1}, {"size": [80]}, {"size": [0, 0]}, {"size": [9999, 24]}, {"seen": -1},
        {"shell": "/bin/sh"}, [], "x", {"typed": None},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_the_shell_goes_on(
    docker: FakeLabs, client: FlaskClient, body: Any
) -> None:
    seat = Seat(client)
    assert seat.post(f"/{seat.id}", body).status_code == 400
    seat.tell(typed="echo st''ill\n")
    seat.until("still")


@pytest.mark.parametrize("body", [{"zone": "z" * 65}, {"columns": 1}, {"columns": "80"}, {"lab": "two"}, []])
def test_an_opening_that_makes_no_sense_opens_nothing(
    labs: FakeLabs, client: FlaskClient, csrf: dict[str, str], body: Any
) -> None:
    assert client.post("/labs/one/terminals", json=body, headers=csrf).status_code == 400
    assert labs.terminals == []


def test_a_fourth_is_refused_with_the_remedy(
    labs: FakeLabs, client: FlaskClient, csrf: dict[str, str]
) -> None:
    answers = [client.post("/labs/one/terminals", json={}, headers=csrf) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    assert "close one" in answers[-1].get_json()["error"]


@pytest.mark.parametrize("path", ["", "/some"])
def test_nothing_without_the_page_s_token(labs: FakeLabs, client: FlaskClient, path: str) -> None:
    assert client.post(f"/labs/one/terminals{path}", json={"typed": "id\n"}).status_code == 400
    assert labs.terminals == []


def test_a_lab_without_a_workstation_says_what_to_do_instead(labs: FakeLabs, client: FlaskClient) -> None:
    page = client.get("/labs/one").get_data(as_text=True)
    assert "lab shell one --zone control" in page
    assert 'id="terminal-open"' not in page

    def none(columns: int, rows: int) -> Any:
        raise ToolMissingError("pas de terminal", "no terminal here; use 'lab shell one'")

    labs.shells = none
    answer = client.post("/labs/one/terminals", json={}, headers=token(client))
    assert answer.status_code == 503
    assert "lab shell one" in answer.get_json()["error"]


def test_a_lab_in_containers_offers_one_in_each_zone(docker: FakeLabs, client: FlaskClient) -> None:
    page = client.get("/labs/one").get_data(as_text=True)
    assert 'id="terminal-open"' in page
    for zone in ("control", "iiot", "supervision", "enterprise"):
        assert f'<option value="{zone}">' in page
    assert "<code>10.20.1.10</code>" in page, "where its devices are"
