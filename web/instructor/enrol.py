"""Making a cohort from a pasted roster: shown as it was understood, corrected, then made."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from simulators.errors import InputError
from web import access
from web.instructor.frame import page
from web.instructor.tray import put
from web.settings import settings

blueprint = Blueprint("instructor_enrol", __name__)
EXAMPLE = "Alice Martin;alice.martin@example.org;22301457\nBob Durand;bob.durand@example.org"


@blueprint.get("/instructor/cohorts/new")
@access.instructor
def show() -> ResponseReturnValue:
    return _form("", "")


@blueprint.post("/instructor/cohorts/new")
@access.instructor
def make() -> ResponseReturnValue:
    """`do=preview` shows the roster as read; `do=create` makes the cohort, or shows what to correct."""
    # A text field sends CR LF; a spreadsheet's columns come apart by tabs.
    roster = request.form.get("roster", "").replace("\r\n", "\n").replace("\t", ";")
    name = request.form.get("name", "").strip()
    lines = settings().cohorts.read_roster(roster)
    shown: dict[str, Any] = {"lines": lines, "problems": sum(line.problem is not None for line in lines)}
    if request.form.get("do") != "create" or shown["problems"]:
        return _form(name, roster, **shown), (400 if request.form.get("do") == "create" else 200)
    try:
        cohort, links = settings().cohorts.create(name, roster)
    except InputError as error:
        return _form(name, roster, refusal=str(error), **shown), 400
    return redirect(url_for("instructor_links.show", cohort_id=cohort.id, key=put(cohort.id, links)))


def _form(name: str, roster: str, **shown: Any) -> str:
    crumb = (gettext("New cohort"), url_for("instructor_enrol.show"))
    return page("enrol.html", [crumb], name=name, roster=roster, example=EXAMPLE, **shown)
