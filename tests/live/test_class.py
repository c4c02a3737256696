"""A class on real labs, through the instructor's pages: roster, launch, matrix, fault, pause, stop, grades."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from lab.connection import SupervisorClient
from lab.exercises.model import Exercise
from lab.paths import Paths
from lab.training.engine import ExerciseEngine
from lab.training.service import Training, open_training
from web.app import create_app
from web.settings import Settings

EXERCISE = "opcua-hardening"
ROSTER = "Alice Martin;alice@example.org;1001\nBob Durand"


class OneStep(ExerciseEngine):
    """The real engine on the exercise's first step alone, without the minutes of its warm-up and of its gates."""

    def exercise(self, exercise_id: str) -> Exercise:
        known = super().exercise(exercise_id)
        setup = msgspec.structs.replace(known.setup, warm_up_s=0)
        return msgspec.structs.replace(
            known, setup=setup, steps=known.steps[:1], gates=[], baseline=[], restart=[]
        )

    def exercises(self) -> list[Exercise]:
        return [self.exercise(EXERCISE)]


@pytest.fixture
def training(
    labs: SupervisorClient, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Training]:
    monkeypatch.setenv("USINE_DATABASE", f"sqlite:///{tmp_path}/class.db")
    made = open_training(Paths(home), labs, OneStep())
    yield made
    for cohort in made.cohorts.all():
        for row in made.cohorts.matrix(cohort.id, EXERCISE):
            if row.lab_state != "none":
                labs.stop(row.lab)


@pytest.fixture
def client(training: Training, labs: SupervisorClient) -> FlaskClient:
    """The instructor's browser, in English."""
    app = create_app(
        Settings(labs, training.people, training.sittings, training.cohorts, training.classroom, "secret")
    )
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.get(f"/login/{training.people.link(training.people.owner()).token}")
    page = client.get("/instructor").get_data(as_text=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    client.environ_base["HTTP_X_CSRF_TOKEN"] = found[1]
    return client


def act(client: FlaskClient, sittings: list[int], **action: Any) -> dict[str, Any]:
    answer = client.post("/instructor/act", json={"sittings": sittings, "action": action})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    done: dict[str, Any] = answer.get_json()
    assert all(result["ok"] for result in done["results"]), done
    return done


def told(client: FlaskClient, address: str) -> list[dict[str, Any]]:
    lines = client.get(address).get_data(as_text=True).splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_a_class_on_real_labs(client: FlaskClient, training: Training, labs: SupervisorClient) -> None:
    links = client.post(
        "/instructor/cohorts/new",
        data={"name": "Class", "roster": ROSTER, "do": "create"},
        follow_redirects=True,
    )
    assert len(re.findall(r'class="address"', links.get_data(as_text=True))) == 2
    (cohort,) = training.cohorts.all()
    here = f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}"

    client.post(f"{here}/launch")
    end = told(client, f"{here}/launch/stream")[-1]
    assert end["state"] == "done", end
    assert [row["state"] for row in end["rows"].values()] == ["running", "running"], end
    alice, bob = rows(training, cohort.id)
    assert alice.sitting is not None
    assert bob.sitting is not None

    training.sittings.check(alice.sitting, alice.person)
    first, second = rows(training, cohort.id)
    assert [cell.outcome for cell in first.cells] == ["fail"]
    assert [cell.outcome for cell in second.cells] == [None]
    step = first.cells[0].step
    evidence = client.get(f"/instructor/sittings/{alice.sitting}/steps/{step}?part=1").get_data(as_text=True)
    assert "opcua.raw_session" in evidence

    both = [alice.sitting, bob.sitting]
    done = act(client, both, do="fault", asset="pump", mode="wear", severity=0.4)
    assert [wear(labs, row.lab) for row in (alice, bob)] == pytest.approx([0.4, 0.4], rel=1e-3)
    act(client, [bob.sitting], **done["undo"])
    assert [wear(labs, row.lab) for row in (alice, bob)] == pytest.approx([0.4, 0], rel=1e-3)

    act(client, both, do="pause")
    assert [row.paused for row in rows(training, cohort.id)] == [True, True]
    assert all(snapshot(labs, row.lab)["paused"] for row in (alice, bob))
    act(client, [alice.sitting], do="resume")
    assert not snapshot(labs, alice.lab)["paused"]
    assert snapshot(labs, bob.lab)["paused"]

    page = client.get(f"/instructor/sittings/{alice.sitting}").get_data(as_text=True)
    assert "Feed pump, Wear, 0.4" in page
    act(client, both, do="stop")
    assert {row.lab_state for row in rows(training, cohort.id)} == {"none"}
    assert not {alice.lab, bob.lab} & {status.name for status in labs.list()}

    file = client.get(f"{here}/grades.csv").get_data(as_text=True).splitlines()
    assert file[1].split(",")[:2] == ["alice@example.org", "1001"]
    assert file[1].split(",")[3] == "0"
    assert len(file) == 2  # Moodle could not tell who Bob is


def rows(training: Training, cohort_id: int) -> list[Any]:
    return list(training.cohorts.matrix(cohort_id, EXERCISE))


def snapshot(labs: SupervisorClient, name: str) -> dict[str, Any]:
    with labs.attach(name) as lab:
        seen: dict[str, Any] = lab.request("snapshot")
    return seen


def wear(labs: SupervisorClient, name: str) -> float:
    """Of the feed pump; it grows by itself, slowly."""
    pump = next(asset for asset in snapshot(labs, name)["assets"] if asset["id"] == "pump")
    return float(pump["faults"].get("wear", 0.0))
