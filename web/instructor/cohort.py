"""One cohort: its people, its exercises, archived and back."""

from collections.abc import Iterator

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from lab.exercises.model import Exercise
from lab.training.contract import Cohort, Row
from simulators.errors import NotFoundError
from web import access
from web.instructor.frame import cohort_crumb, page
from web.settings import settings

blueprint = Blueprint("instructor_cohort", __name__)


@blueprint.get("/instructor/cohorts/<int:cohort_id>")
@access.instructor
def show(cohort_id: int) -> ResponseReturnValue:
    """Who is in it, what was launched, what can be."""
    cohort = settings().cohorts.cohort(cohort_id)
    return page(
        "cohort.html",
        [cohort_crumb(cohort)],
        data={},
        cohort=cohort,
        launched=list(_launched(cohort)),
        exercises=settings().sittings.exercises(),
    )


@blueprint.post("/instructor/cohorts/<int:cohort_id>/archive")
@access.instructor
def archive(cohort_id: int) -> ResponseReturnValue:
    settings().cohorts.archive(cohort_id)
    return redirect(url_for("instructor_cohort.show", cohort_id=cohort_id))


@blueprint.post("/instructor/cohorts/<int:cohort_id>/restore")
@access.instructor
def restore(cohort_id: int) -> ResponseReturnValue:
    settings().cohorts.restore(cohort_id)
    return redirect(url_for("instructor_cohort.show", cohort_id=cohort_id))


def _launched(cohort: Cohort) -> Iterator[tuple[Exercise, list[Row], float | None]]:
    """Each exercise of the cohort with its rows begun, and the mean score of those checked."""
    for exercise_id in cohort.exercises:
        try:
            exercise = settings().sittings.exercise(exercise_id)
        except NotFoundError:
            continue
        rows = [row for row in settings().cohorts.matrix(cohort.id, exercise_id) if row.sitting is not None]
        scores = [row.score for row in rows if row.attempts]
        yield exercise, rows, sum(scores) / len(scores) if scores else None
