"""What every page of the instructor has in common: where it stands, and what its modules start from."""

from datetime import UTC, datetime
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext

from lab.exercises.model import Exercise
from lab.training.contract import Cohort
from web.instructor.words import words as own_words
from web.language import reader
from web.live import common
from web.words import words

Crumb = tuple[str, str]


def page(template: str, crumbs: list[Crumb], data: dict[str, Any] | None = None, **context: Any) -> str:
    """`crumbs` lead here, the last one is this page. With `data`, the page's modules find it as JSON."""
    if data is not None:
        data = {**common(), "words": {**words(), **own_words()}, **data}
    return render_template(f"instructor/{template}", crumbs=[home(), *crumbs], data=data, iso=iso, **context)


def iso(unix_s: float) -> str:
    """A date for a `time` element; the page's modules put it into the reader's own zone."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def home() -> Crumb:
    return gettext("Instructor"), url_for("instructor.show")


def cohort_crumb(cohort: Cohort) -> Crumb:
    return cohort.name, url_for("instructor_cohort.show", cohort_id=cohort.id)


def matrix_crumb(cohort: Cohort, exercise: Exercise) -> Crumb:
    address = url_for("instructor_matrix.show", cohort_id=cohort.id, exercise_id=exercise.id)
    return reader(exercise.title), address
