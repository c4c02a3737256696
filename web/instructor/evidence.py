"""The evidence of one step of one trainee: what was observed, and why it passed or not."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import access
from web.instructor.frame import iso, page
from web.instructor.sitting import crumbs
from web.settings import settings

blueprint = Blueprint("instructor_evidence", __name__)


@blueprint.get("/instructor/sittings/<int:sitting_id>/steps/<step_id>")
@access.instructor
def show(sitting_id: int, step_id: str) -> ResponseReturnValue:
    """A page; with `?part=1` only what the matrix puts into its dialog."""
    sitting = settings().sittings.sitting(sitting_id)
    exercise = settings().sittings.exercise(sitting.exercise)
    step = exercise.step(step_id)
    standing = settings().sittings.standing(sitting_id)
    report = standing.last
    shown: dict[str, Any] = {
        "sitting": sitting,
        "exercise": exercise,
        "step": step,
        "report": report,
        "standing": next((found for found in standing.steps if found.step == step_id), None),
        "result": next((found for found in (report.steps if report else []) if found.step == step_id), None),
    }
    if request.args.get("part"):
        return render_template("instructor/_evidence.html", iso=iso, **shown)
    here = url_for("instructor_evidence.show", sitting_id=sitting_id, step_id=step_id)
    return page("evidence.html", [*crumbs(sitting, exercise), (step_id, here)], data={}, **shown)
