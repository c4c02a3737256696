"""The instructor's first page: cohorts, labs that run, what the machine has left."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from simulators.errors import NotFoundError
from web import access
from web.instructor.frame import page
from web.instructor.machine import read_machine
from web.language import reader
from web.settings import settings

blueprint = Blueprint("instructor", __name__)
HIDDEN = "hidden-"  # labs of hidden runs, which end by themselves


@blueprint.get("/instructor")
@access.instructor
def show() -> ResponseReturnValue:
    """Three steps to begin with, then the cohorts."""
    cohorts = settings().cohorts.all()
    return page(
        "dashboard.html",
        [],
        cohorts=[cohort for cohort in cohorts if not cohort.archived],
        archived=[cohort for cohort in cohorts if cohort.archived],
        labs=[lab for lab in settings().labs.list() if not lab.name.startswith(HIDDEN)],
        machine=read_machine(),
        titles={cohort.id: [title_of(exercise) for exercise in cohort.exercises] for cohort in cohorts},
    )


def title_of(exercise_id: str) -> tuple[str, str]:
    """An exercise's id and its title; its id alone when its folder is gone."""
    try:
        return exercise_id, reader(settings().sittings.exercise(exercise_id).title)
    except NotFoundError:
        return exercise_id, exercise_id
