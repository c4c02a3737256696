"""A launch: what it takes, its progress trainee by trainee, its failures, its retry."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Cohort, Row
from tests.web.instructor.conftest import EXERCISE
from tests.web.instructor.fake_class import FakeClass
from web.instructor.launch import Cost
from web.instructor.machine import LAB_MIB, Machine, read_machine


@pytest.fixture
def here(cohort: Cohort) -> str:
    return f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}/launch"


def told(client: FlaskClient, here: str) -> list[dict[str, Any]]:
    """Every message of the launch, to its end."""
    text = client.get(f"{here}/stream").get_data(as_text=True)
    return [
        json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")
    ]


def test_the_choice_leads_to_what_it_takes(client: FlaskClient, cohort: Cohort, here: str) -> None:
    answer = client.get(f"/instructor/cohorts/{cohort.id}/launch?exercise={EXERCISE}", follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert answer.request.path == here
    assert f"{3 * LAB_MIB:.0f} MiB" in page
    assert "Launch for the whole cohort" in page


def test_labs_that_run_are_not_counted(client: FlaskClient, rows: list[Row], here: str) -> None:
    page = client.get(here).get_data(as_text=True)
    assert "already running: 3" in page
    assert "0 MiB" in page


def test_what_this_machine_cannot_carry_is_not_offered(client: FlaskClient, cohort: Cohort) -> None:
    page = client.get(f"/instructor/cohorts/{cohort.id}/exercises/scan-fake/launch").get_data(as_text=True)
    assert "Zones are needed." in page
    assert "Launch for the whole cohort" not in page


def test_the_launch_tells_every_device_and_every_lab(
    client: FlaskClient, csrf: dict[str, str], cohort: Cohort, cohorts: FakeClass, here: str
) -> None:
    failing = cohort.people[1].id
    cohorts.failing = {failing}
    answer = client.post(here, headers=csrf)
    assert answer.location.endswith("/progress")
    messages = told(client, here)
    end = messages.pop()
    ended = {m["person"]: "error" in m for m in messages if "device" not in m}
    assert ended == {person.id: person.id == failing for person in cohort.people}
    devices = {m["device"] for m in messages if m.get("device") and m["person"] == cohort.people[0].id}
    assert len(devices) > 5
    assert end["state"] == "done"
    assert [row["state"] for row in end["rows"].values()] == ["running", "none", "running"]
    assert end["seconds"] > 0
    assert all(0 <= m["at_s"] <= end["seconds"] for m in messages)


def test_the_retry_starts_what_failed_only(
    client: FlaskClient, csrf: dict[str, str], cohort: Cohort, cohorts: FakeClass, here: str
) -> None:
    cohorts.failing = {cohort.people[1].id}
    client.post(here, headers=csrf)
    told(client, here)
    cohorts.failing = set()
    client.post(here, headers=csrf)
    messages = told(client, here)
    assert {m["person"] for m in messages if "device" in m} == {cohort.people[1].id}
    assert {row["state"] for row in messages[-1]["rows"].values()} == {"running"}


def test_the_page_is_told_when_nothing_is_under_way(client: FlaskClient, here: str) -> None:
    assert "event: idle" in client.get(f"{here}/stream").get_data(as_text=True)
    page = client.get(f"{here}/progress").get_data(as_text=True)
    assert page.count("data-person=") == 3


def test_a_launch_needs_the_page_s_token(client: FlaskClient, cohorts: FakeClass, here: str) -> None:
    assert client.post(here).status_code == 400
    assert not cohorts.sittings.work


def test_the_machine_is_read_from_the_system(tmp_path: Path) -> None:
    (tmp_path / "loadavg").write_text("1.50 1.00 0.50 1/100 1\n", encoding="ascii")
    (tmp_path / "meminfo").write_text(
        "MemTotal:  4096 kB\nMemAvailable:  1024 kB\nHugePages_Total: 0\n", encoding="ascii"
    )
    machine = read_machine(tmp_path)
    assert machine.memory_used_pct == 75
    assert machine.load_pct == pytest.approx(150 / machine.cores)


def test_a_system_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    machine = read_machine(tmp_path)
    assert (machine.load_pct, machine.memory_free_mib, machine.memory_used_pct) == (None, None, None)
    assert not Cost(30, 0, 30 * LAB_MIB, machine).too_much


def test_too_little_memory_is_said() -> None:
    assert Cost(30, 0, 750, Machine(2, None, 1000, 700)).too_much
    assert not Cost(30, 0, 750, Machine(2, None, 1000, 800)).too_much
