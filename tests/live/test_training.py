"""The training side on real labs: started, edited, crashed, lost, checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lab.connection import SupervisorClient
from lab.exercises.model import Exercise
from lab.store.database import Database
from lab.store.migrations import upgrade
from lab.training.contract import Person, Sitting
from lab.training.engine import ExerciseEngine
from lab.training.service import Training, training
from simulators.errors import InputError
from tests.live.conftest import kill
from tests.waiting import within

EXERCISE = "opcua-hardening"
WARM_UP_S = 20.0


class QuickEngine(ExerciseEngine):
    """The exercises as they are, but for a short warm-up."""

    def exercise(self, exercise_id: str) -> Exercise:
        found = super().exercise(exercise_id)
        return replace(found, setup=replace(found.setup, warm_up_s=WARM_UP_S))


@pytest.fixture(scope="module")
def desk(labs: SupervisorClient, home: Path) -> Iterator[Training]:
    database = Database(f"sqlite:///{home / 'training.sqlite'}")
    upgrade(database)
    yield training(database, labs, QuickEngine())
    database.close()


@pytest.fixture(scope="module")
def alice(desk: Training) -> Person:
    return desk.people.add("alice")


@pytest.fixture(scope="module")
def sitting(desk: Training, alice: Person, labs: SupervisorClient) -> Iterator[Sitting]:
    made = desk.sittings.open(alice, EXERCISE)
    if why := desk.sittings.unavailable(desk.sittings.exercise(EXERCISE)):
        pytest.skip(str(why))
    told: list[str] = []
    started = desk.sittings.start_lab(made.id, alice, lambda message: told.append(message["device"]))
    assert started.lab_state == "running"
    assert "plc2" in told
    yield started
    labs.stop(made.lab, forget=True)


def notes(desk: Training, sitting: Sitting) -> list[str]:
    return [str(event.data.get("what", event.kind)) for event in desk.sittings.timeline(sitting.id)]


def test_the_line_warms_up_then_runs_at_the_exercises_speed(
    desk: Training, sitting: Sitting, labs: SupervisorClient
) -> None:
    within(30, lambda: "warmed" in notes(desk, sitting))
    setup = desk.sittings.exercise(EXERCISE).setup
    with labs.attach(sitting.lab) as lab:
        now = lab.request("clock")
    assert now["speed"] == setup.speed
    assert now["t_s"] - now["late_s"] >= WARM_UP_S


def test_the_setup_and_the_trainees_text_are_in_force_also_after_a_crash(
    desk: Training, sitting: Sitting, labs: SupervisorClient, alice: Person
) -> None:
    def text() -> str:
        with labs.attach(sitting.lab) as lab:
            return str(lab.request("config", device="plc2")["text"])

    within(30, lambda: "warmed" in notes(desk, sitting))
    known = desk.sittings.configuration(sitting.id, alice, "plc2")
    assert text() == known["text"] == known["default"]
    with pytest.raises(InputError):
        desk.sittings.configure(sitting.id, alice, "plc2", "nonsense: [")
    with pytest.raises(InputError, match=r"missing\.pem") as caught:
        desk.sittings.examine(sitting.id, alice, "plc2", "trust_list:\n  trusted:\n    - missing.pem\n")
    assert caught.value.line == 3
    assert text() == known["text"]
    edited = known["text"] + "\n# mine\n"
    desk.sittings.configure(sitting.id, alice, "plc2", edited)
    assert text() == edited
    [status] = [status for status in labs.list() if status.name == sitting.lab]
    assert status.pid is not None
    kill(status.pid)
    within(
        20,
        lambda: any(s.name == sitting.lab and s.restarts == 1 and s.state == "running" for s in labs.list()),
    )
    desk.sweep()
    assert "lab_restarted" in notes(desk, sitting)
    assert text() == edited
    desk.sweep()
    within(30, lambda: notes(desk, sitting)[-1] == "warmed")


def test_a_lost_lab_starts_again_with_its_seed_and_texts(
    desk: Training, sitting: Sitting, labs: SupervisorClient, alice: Person
) -> None:
    [status] = [status for status in labs.list() if status.name == sitting.lab]
    labs.stop(sitting.lab, forget=True)  # as after a reboot of a machine that lost its disk
    assert desk.sittings.sitting(sitting.id).lab_state == "lost"
    assert desk.sittings.start_lab(sitting.id, alice).lab_state == "running"
    [again] = [status for status in labs.list() if status.name == sitting.lab]
    assert again.seed == status.seed
    with labs.attach(sitting.lab) as lab:
        assert lab.request("config", device="plc2")["text"].endswith("# mine\n")
