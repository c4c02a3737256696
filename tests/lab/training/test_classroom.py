"""What an instructor does to one lab, to several or to all."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from lab.attacks import engine as attack_engine
from lab.exercises.model import Setup
from lab.labs import Job
from lab.training import classroom as module
from lab.training.classroom import TrainingClassroom
from lab.training.cohorts import TrainingCohorts
from lab.training.contract import (
    Action,
    ActionResult,
    Extend,
    Inject,
    Mend,
    Pause,
    Person,
    Reset,
    Resume,
    Row,
    Start,
    Stop,
    Strike,
)
from lab.training.sittings import TrainingSittings
from simulators.errors import UsineError
from tests.lab.training.fakes import FakeEngine, FakeLabs, exercise
from tests.waiting import soon


@pytest.fixture
def rows(cohorts: TrainingCohorts, teacher: Person) -> list[Row]:
    cohort, _links = cohorts.create("class", "A A\nB B\nC C")
    return cohorts.launch(cohort.id, "fake", teacher)


def ids(rows: list[Row]) -> list[int]:
    return [row.sitting or 0 for row in rows]


def last(sittings: TrainingSittings, sitting: int) -> tuple[str, dict[str, Any]]:
    event = sittings.timeline(sitting)[-1]
    return event.kind, event.data


def asked(labs: FakeLabs, row: Row, verb: str) -> list[dict[str, Any]]:
    return [arguments for name, arguments in labs.labs[row.lab].asked if name == verb]


def test_one_failure_stops_nobody_and_each_is_told(
    classroom: TrainingClassroom, labs: FakeLabs, rows: list[Row], teacher: Person, sittings: TrainingSittings
) -> None:
    labs.labs.pop(rows[1].lab)
    told: list[ActionResult] = []
    results = classroom.act([*ids(rows), 999], Inject("pump", "wear", 0.4), teacher, told.append)
    assert [result.ok for result in results] == [True, False, True, False]
    assert [result.sitting for result in results] == [*ids(rows), 999]
    assert sorted(told, key=lambda r: r.sitting) == sorted(results, key=lambda r: r.sitting)
    assert asked(labs, rows[0], "fault") == [{"asset": "pump", "mode": "wear", "severity": 0.4}]
    assert last(sittings, ids(rows)[0]) == ("fault", {"asset": "pump", "mode": "wear", "severity": 0.4})
    assert last(sittings, ids(rows)[1])[0] == "lab_started"


def test_mending_ends_what_was_injected_and_leaves_the_exercises_own(
    classroom: TrainingClassroom, labs: FakeLabs, engine: FakeEngine, rows: list[Row], teacher: Person
) -> None:
    own = {"asset": "pump", "mode": "wear", "severity": 0.3}
    engine.known["fake"] = exercise(setup=Setup(configurations={"plc1": "plc1.yaml"}, faults=[own]))
    here = ids(rows)[:1]
    for action in (
        Inject("pump", "wear", 0.9),
        Inject("filler", "drift", 0.5),
        Mend("filler", "drift"),
        Mend(),
        Mend(),
    ):
        assert classroom.act(here, action, teacher)[0].ok
    assert asked(labs, rows[0], "fault")[2:] == [
        {"asset": "filler", "mode": "drift", "severity": 0.0},
        {"asset": "pump", "mode": "wear", "severity": 0.3},
    ]


def test_a_pause_is_seen_in_the_matrix(
    classroom: TrainingClassroom, cohorts: TrainingCohorts, labs: FakeLabs, rows: list[Row], teacher: Person
) -> None:
    cohort = cohorts.all()[0].id
    assert all(result.ok for result in classroom.act(ids(rows), Pause(), teacher))
    assert [row.paused for row in cohorts.matrix(cohort, "fake")] == [True] * 3
    classroom.act(ids(rows)[:1], Resume(), teacher)
    assert [row.paused for row in cohorts.matrix(cohort, "fake")] == [False, True, True]
    assert [verb for verb, _arguments in labs.labs[rows[0].lab].asked][-2:] == ["pause", "resume"]


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (Stop(), ["none"] * 3),
        (Reset("lab"), ["running"] * 3),
        (Start(), ["running"] * 3),
    ],
)
def test_labs_are_stopped_started_and_made_anew(
    classroom: TrainingClassroom,
    cohorts: TrainingCohorts,
    rows: list[Row],
    teacher: Person,
    action: Action,
    states: list[str],
) -> None:
    if action == Start():
        classroom.act(ids(rows), Stop(), teacher)
    assert all(result.ok for result in classroom.act(ids(rows), action, teacher))
    assert [row.lab_state for row in cohorts.matrix(cohorts.all()[0].id, "fake")] == states


def test_more_or_less_time(
    classroom: TrainingClassroom, cohorts: TrainingCohorts, rows: list[Row], teacher: Person
) -> None:
    cohort = cohorts.all()[0].id
    before = cohorts.matrix(cohort, "fake")[0].expires_unix_s or 0
    for minutes, after in ((30, before + 1800), (-30, before)):
        classroom.act(ids(rows), Extend(minutes), teacher)
        assert cohorts.matrix(cohort, "fake")[0].expires_unix_s == after


def test_a_checkpoint_that_nobody_took_is_said(
    classroom: TrainingClassroom, rows: list[Row], teacher: Person
) -> None:
    [result] = classroom.act(ids(rows)[:1], Reset("checkpoint"), teacher)
    assert not result.ok
    assert "checkpoint" in result.said.en


@pytest.fixture
def an_attack(monkeypatch: pytest.MonkeyPatch) -> str:
    """One of those that there are, on a machine that has zones."""
    monkeypatch.setattr(module, "namespaces_available", lambda: None)
    return next(iter(attack_engine.attacks()))


def test_every_attack_is_offered(classroom: TrainingClassroom, an_attack: str) -> None:
    offers = classroom.attacks()
    assert [offer.id for offer in offers] == sorted(attack_engine.attacks())
    assert all(offer.technique.startswith("T") and offer.unavailable is None for offer in offers)


def test_an_attack_is_told_when_it_begins_and_noted_when_it_ends(
    classroom: TrainingClassroom,
    labs: FakeLabs,
    rows: list[Row],
    teacher: Person,
    sittings: TrainingSittings,
    an_attack: str,
) -> None:
    hold = threading.Event()

    def run(_job: Job, tell: Callable[[dict[str, Any]], None]) -> None:
        tell({"label": {"attack": an_attack}})
        assert hold.wait(20)
        tell({"label": {"attack": an_attack}})

    labs.job = run
    results = classroom.act(ids(rows)[:2], Strike(an_attack), teacher)
    assert [result.ok for result in results] == [True, True]
    assert {job.lab for job in labs.jobs} == {rows[0].lab, rows[1].lab}
    assert labs.jobs[0].zone == attack_engine.attack(an_attack).zone
    assert last(sittings, ids(rows)[0]) == ("attack", {"attack": an_attack, "state": "began"})
    hold.set()
    for sitting in ids(rows)[:2]:
        soon(lambda: last(sittings, sitting)[1] == {"attack": an_attack, "state": "ended"})  # noqa: B023
    assert [e.kind for e in sittings.timeline(ids(rows)[0])].count("attack") == 2


def test_an_attack_that_does_not_begin_is_refused(
    classroom: TrainingClassroom,
    labs: FakeLabs,
    rows: list[Row],
    teacher: Person,
    sittings: TrainingSittings,
    an_attack: str,
) -> None:
    def run(_job: Job, _tell: Callable[[dict[str, Any]], None]) -> None:
        raise UsineError("pas de cible", "no target")

    labs.job = run
    [result, unknown] = [
        classroom.act(ids(rows)[:1], Strike(name), teacher)[0] for name in (an_attack, "nothing")
    ]
    assert (result.ok, result.said.en) == (False, "no target")
    assert not unknown.ok
    assert last(sittings, ids(rows)[0])[1]["state"] == "failed"


def test_without_zones_an_attack_that_needs_them_is_refused(
    classroom: TrainingClassroom,
    labs: FakeLabs,
    rows: list[Row],
    teacher: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from simulators.text import Text

    monkeypatch.setattr(module, "namespaces_available", lambda: Text(fr="pas de zones", en="no zones"))
    name = next(a.id for a in attack_engine.attacks().values() if "zones" in a.needs)
    [result] = classroom.act(ids(rows)[:1], Strike(name), teacher)
    assert (result.ok, result.said.en) == (False, "no zones")
    assert labs.jobs == []
