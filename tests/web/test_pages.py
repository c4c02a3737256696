"""The list of labs and the live page, without a browser."""

import html
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lab.labs import Endpoint, LabStatus
from simulators.errors import NotFoundError
from simulators.model import Alarm, Line, Tag
from simulators.plant.engine import Plant
from simulators.text import Text
from tests.web.fake_labs import FakeLab, FakeLabs
from web.description import band, command, trend_choice
from web.faults import named


def text(client: FlaskClient, path: str) -> str:
    return html.unescape(client.get(path).get_data(as_text=True))


def test_labs_are_listed(client: FlaskClient, labs: FakeLabs, lab: FakeLab) -> None:
    labs.labs["two"] = lab
    page = text(client, "/labs")
    assert 'href="/labs/one"' in page
    assert 'href="/labs/two"' in page
    assert "Runtime: local" in page


def test_without_a_lab_the_page_says_how_to_start_one(client: FlaskClient, labs: FakeLabs) -> None:
    labs.labs.clear()
    assert "lab start bottling" in text(client, "/labs")


def test_the_live_page_carries_the_line(client: FlaskClient, line: Line) -> None:
    page = text(client, "/labs/one")
    for tag in line.tags:
        assert f'data-row="{tag.id}"' in page
    for device in line.devices:
        assert f'data-device="{device.id}"' in page
    assert "mbpoll -a 1 -t 3 -r 1 -c 6 -p 40502 127.0.0.1" in page
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="line"' in page


def test_the_page_s_data_is_json(client: FlaskClient) -> None:
    page = client.get("/labs/one").get_data(as_text=True)
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert data["faults"]["pump"]["sensor_stuck:flow_l_min"] == "Stuck: Pump flow"
    assert data["tags"]["RawTank.Level"]["band"] == [8, 95]
    assert len(data["trend_tags"]) == 4


def test_a_lab_that_restarts_has_a_page_that_waits(client: FlaskClient, lab: FakeLab) -> None:
    lab.broken.set()
    answer = client.get("/labs/one")
    assert answer.status_code == 503
    assert "http-equiv" in answer.get_data(as_text=True)


def test_an_unknown_lab_is_not_found(client: FlaskClient) -> None:
    answer = client.get("/labs/two")
    assert answer.status_code == 404
    assert "two" in answer.get_data(as_text=True)


def test_no_supervisor(client: FlaskClient, labs: FakeLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> list[LabStatus]:
        raise ConnectionRefusedError

    monkeypatch.setattr(labs, "list", silent)
    answer = client.get("/labs")
    assert answer.status_code == 503
    assert "lab up" in answer.get_data(as_text=True)


def test_trends_come_from_the_historian(client: FlaskClient) -> None:
    points = client.get("/labs/one/trend?tags=Pump.Flow,RawTank.Level").get_json()
    assert points.keys() == {"Pump.Flow", "RawTank.Level"}
    assert len(points["Pump.Flow"]) == 300


@pytest.mark.parametrize(
    ("tags", "code"), [("", 400), (",".join(["Pump.Flow"] * 17), 400), ("Nothing.Here", 404)]
)
def test_trends_of_nothing_too_much_or_unknown_are_refused(client: FlaskClient, tags: str, code: int) -> None:
    answer = client.get(f"/labs/one/trend?tags={tags}", headers={"Accept": "application/json"})
    assert answer.status_code == code
    assert answer.get_json()["error"]


def test_names_are_escaped(client: FlaskClient, labs: FakeLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(name: str) -> None:
        raise NotFoundError(f"<script>{name}", f"<script>{name}")

    monkeypatch.setattr(labs, "attach", hostile)
    assert "&lt;script&gt;" in client.get("/labs/two").get_data(as_text=True)


def test_band_is_between_the_alarms() -> None:
    words = Text(fr="x", en="x")
    tag = Tag(id="A.B", name=words, device="d", address="a", range=(0, 10), alarms=[
        Alarm(when="above", limit=8, text=words), Alarm(when="above", limit=9, text=words), Alarm(when="below", limit=2, text=words),
    ])  # fmt: skip
    assert band(tag) == (2, 8)
    assert band(Tag(id="A.B", name=words, device="d", address="a", range=(0, 10))) is None


def test_trends_that_open_differ(line: Line) -> None:
    tags = [line.tag(tag) for tag in trend_choice(line)]
    assert len({tag.unit for tag in tags}) == len(tags) == 4


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("opcua", "uals -u opc.tcp://127.0.0.1:7"), ("mqtt", "mosquitto_sub -h 127.0.0.1 -p 7 -t '#'")],
)
def test_ready_commands(line: Line, protocol: str, expected: str) -> None:
    assert command(Endpoint("x", protocol, "127.0.0.1", 7), line).startswith(expected)  # type: ignore[arg-type]


def test_every_fault_of_the_plant_has_words_in_both_languages(app: Flask, line: Line) -> None:
    modes = Plant(line, seed=1).fault_modes()
    for language in ("fr", "en"):
        with app.test_request_context(f"/?lang={language}"):
            app.preprocess_request()
            names = named(line, modes)
        plain = {
            mode
            for asset in names.values()
            for mode, words in asset.items()
            if words == mode.replace("_", " ")
        }
        assert not plain
        assert all(names[asset] for asset in ("pump", "pasteuriser", "filler"))
