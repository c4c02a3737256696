"""Grades: seen as a table, downloaded as the CSV that Moodle imports."""

import re
import time
from datetime import UTC, datetime

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from lab.training.contract import Row, Standing
from web import access
from web.instructor.frame import cohort_crumb, matrix_crumb, page
from web.settings import settings

blueprint = Blueprint("instructor_grades", __name__)
GRADES = "/instructor/cohorts/<int:cohort_id>/exercises/<exercise_id>/grades"


@blueprint.get(GRADES)
@access.instructor
def show(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """The score of everybody, step by step, at the date that the page tells."""
    cohort, exercise = settings().cohorts.cohort(cohort_id), settings().sittings.exercise(exercise_id)
    here = (
        gettext("Grades"),
        url_for("instructor_grades.show", cohort_id=cohort_id, exercise_id=exercise_id),
    )
    rows = settings().cohorts.matrix(cohort_id, exercise_id)
    return page(
        "grades.html",
        [cohort_crumb(cohort), matrix_crumb(cohort, exercise), here],
        data={},
        cohort=cohort,
        exercise=exercise,
        rows=[(row, _standing(row)) for row in rows],
        unmatched=[row.person for row in rows if not row.person.email and not row.person.id_number],
        frozen_unix_s=time.time(),
    )


@blueprint.get(f"{GRADES}.csv")
@access.instructor
def download(cohort_id: int, exercise_id: str) -> ResponseReturnValue:
    """The file's name carries the date of the scores."""
    text = settings().cohorts.grades_csv(cohort_id, exercise_id)
    name = re.sub(r"\W+", "-", settings().cohorts.cohort(cohort_id).name.lower(), flags=re.ASCII).strip("-")
    moment = datetime.fromtimestamp(time.time(), UTC).strftime("%Y%m%dT%H%MZ")
    return Response(
        text,
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name or cohort_id}-{exercise_id}-{moment}.csv"'
        },
    )


def _standing(row: Row) -> Standing | None:
    return None if row.sitting is None else settings().sittings.standing(row.sitting)
