"""The live matrix trainee × step of a cohort on an exercise."""

import time
from collections.abc import Callable, Generator
from typing import Any

import msgspec
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from lab.exercises.model import Exercise
from lab.training.contract import Cohort, Row
from simulators.errors import UsineError
from web import access
from web.instructor.actions import panel
from web.instructor.frame import cohort_crumb, matrix_crumb, page
from web.settings import settings
from web.stream import event_stream

blueprint = Blueprint("instructor_matrix", __name__)
MATRIX = "/instructor/cohorts/<int:cohort_id>/exercises/<exercise_id>"
PERIOD_S = 1.0
RETRY_MS = 1500

View = dict[str, Any]


@blueprint.get(MATRIX)
@access.instructor
def show(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """The page; its modules fill the table and keep it fresh."""
    cohort, exercise = settings().cohorts.cohort(cohort_id), settings().sittings.exercise(exercise_id)
    rows = settings().cohorts.matrix(cohort_id, exercise_id)
    return page(
        "matrix.html",
        [cohort_crumb(cohort), matrix_crumb(cohort, exercise)],
        data=_data(cohort, exercise, rows),
        cohort=cohort,
        exercise=exercise,
        rows=rows,
        actions=panel(exercise),
    )


@blueprint.get(f"{MATRIX}/stream")
@access.instructor
def stream(cohort_id: int, exercise_id: str) -> Response:
    """Events `rows`: all, then those that changed, with the server's date. `?period_s=` is for slow links."""
    cohorts = settings().cohorts
    cohorts.cohort(cohort_id)
    period_s = min(30.0, max(PERIOD_S, request.args.get("period_s", PERIOD_S, type=float)))
    return event_stream(events(lambda: cohorts.matrix(cohort_id, exercise_id), period_s))


def events(
    read: Callable[[], list[Row]],
    period_s: float,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[str, None, None]:
    """The stream's text; it goes on until the page is closed, or what it reads is there no longer."""
    yield f"retry: {RETRY_MS}\n\n"
    before: dict[int, View] = {}
    try:
        while True:
            now = {row.person.id: view(row) for row in read()}
            changed = [shown for person, shown in now.items() if before.get(person) != shown]
            yield _event({"unix_s": clock(), "rows": changed})
            before = now
            sleep(period_s)
    except (UsineError, OSError):
        yield "event: lost\ndata: {}\n\n"


def view(row: Row) -> View:
    """What the page shows of a row; `state` is the lab's, or `paused`."""
    return {
        "person": row.person.id,
        "sitting": row.sitting,
        "lab": row.lab,
        "state": "paused" if row.paused and row.lab_state == "running" else row.lab_state,
        "runtime": row.runtime,
        "score": round(row.score, 1),
        "attempts": row.attempts,
        "seen": row.last_seen_unix_s,
        "expires": row.expires_unix_s,
        "cells": {cell.step: [cell.outcome, cell.hints] for cell in row.cells},
    }


def _data(cohort: Cohort, exercise: Exercise, rows: list[Row]) -> dict[str, Any]:
    return {
        "stream": url_for("instructor_matrix.stream", cohort_id=cohort.id, exercise_id=exercise.id),
        "act": url_for("instructor_actions.act"),
        "evidence": url_for("instructor_evidence.show", sitting_id=0, step_id="STEP"),
        "sitting": url_for("instructor_sitting.show", sitting_id=0),
        "unix_s": time.time(),
        "steps": [step.id for step in exercise.steps],
        "names": {row.person.id: row.person.display for row in rows},
        "rows": [view(row) for row in rows],
    }


def _event(data: dict[str, Any]) -> str:
    return f"event: rows\ndata: {msgspec.json.encode(data).decode()}\n\n"
