"""Launching an exercise for a whole cohort: what it takes, then its progress, trainee by trainee."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from lab.catalog import find_line
from lab.exercises.model import Exercise
from lab.training.contract import Cohort, Person, Row
from web import access
from web.instructor.frame import cohort_crumb, matrix_crumb, page
from web.instructor.machine import LAB_MIB, Machine, read_machine
from web.runs import Message, Tell, events, runs
from web.session import current_person
from web.settings import Settings, settings
from web.stream import event_stream

blueprint = Blueprint("instructor_launch", __name__)
LAUNCH = "/instructor/cohorts/<int:cohort_id>/exercises/<exercise_id>/launch"


@dataclass(frozen=True)
class Cost:
    """What a launch takes of this machine: labs to start, and their memory."""

    labs: int
    running: int
    memory_mib: float
    machine: Machine

    @property
    def too_much(self) -> bool:
        free = self.machine.memory_free_mib
        return free is not None and self.memory_mib > free


@blueprint.get("/instructor/cohorts/<int:cohort_id>/launch")
@access.instructor
def choose(cohort_id: int) -> ResponseReturnValue:
    """The cohort page's choice of an exercise leads to its confirmation."""
    exercise = settings().sittings.exercise(request.args.get("exercise", ""))
    return redirect(url_for("instructor_launch.confirm", cohort_id=cohort_id, exercise_id=exercise.id))


@blueprint.get(LAUNCH)
@access.instructor
def confirm(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """What will be started, and whether this machine can."""
    cohort, exercise = _both(cohort_id, exercise_id)
    why_not = settings().sittings.unavailable(exercise)
    rows = settings().cohorts.matrix(cohort_id, exercise_id)
    running = sum(row.lab_state == "running" for row in rows)
    labs = len(cohort.people) - running
    return page(
        "launch.html",
        _crumbs(cohort, exercise),
        cohort=cohort,
        exercise=exercise,
        why_not=why_not,
        cost=Cost(labs, running, labs * LAB_MIB, read_machine()),
    )


@blueprint.post(LAUNCH)
@access.instructor
def start(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """Begin, or join the launch that is under way; labs that run are left alone: it is also the retry."""
    cohort, exercise = _both(cohort_id, exercise_id)
    runs().start(_key(cohort_id, exercise_id), launching(settings(), cohort, exercise, current_person()))
    return redirect(url_for("instructor_launch.progress", cohort_id=cohort_id, exercise_id=exercise_id))


@blueprint.get(f"{LAUNCH}/progress")
@access.instructor
def progress(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """Everybody's lab, from waiting to green."""
    cohort, exercise = _both(cohort_id, exercise_id)
    here = url_for("instructor_launch.stream", cohort_id=cohort_id, exercise_id=exercise_id)
    rows = settings().cohorts.matrix(cohort_id, exercise_id)
    data = {
        "launch": here,
        "rows": {row.person.id: _row(row) for row in rows},
        "devices": len(find_line(exercise.line).devices),
    }
    return page("progress.html", _crumbs(cohort, exercise), data, cohort=cohort, exercise=exercise)


@blueprint.get(f"{LAUNCH}/stream")
@access.instructor
def stream(cohort_id: int, exercise_id: str) -> Response:
    """The launch under way, or the last one, from its beginning."""
    return event_stream(events(runs().find(_key(cohort_id, exercise_id))))


def launching(
    given: Settings,
    cohort: Cohort,
    exercise: Exercise,
    by: Person,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[Tell], Message]:
    """The work of a launch, to be done in a thread of its own."""

    def work(tell: Tell) -> Message:
        begun = clock()

        def told(person: int, what: dict[str, Any]) -> None:
            tell({"person": person, "at_s": clock() - begun, **what})

        rows = given.cohorts.launch(cohort.id, exercise.id, by, told)
        return {"rows": {row.person.id: _row(row) for row in rows}, "seconds": clock() - begun}

    return work


def _row(row: Row) -> dict[str, str]:
    return {"state": row.lab_state, "lab": row.lab}


def _both(cohort_id: int, exercise_id: str) -> tuple[Cohort, Exercise]:
    return settings().cohorts.cohort(cohort_id), settings().sittings.exercise(exercise_id)


def _key(cohort_id: int, exercise_id: str) -> str:
    return f"launch {cohort_id} {exercise_id}"


def _crumbs(cohort: Cohort, exercise: Exercise) -> list[tuple[str, str]]:
    here = url_for("instructor_launch.confirm", cohort_id=cohort.id, exercise_id=exercise.id)
    return [cohort_crumb(cohort), matrix_crumb(cohort, exercise), (gettext("Launch"), here)]
