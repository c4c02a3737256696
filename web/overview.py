"""Where everybody begins."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from web import access
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@access.signed_in
def show() -> ResponseReturnValue:
    """A trainee's exercises, and those of who works alone; an instructor's labs and ways onward."""
    if current_person().role != "instructor" or not settings().cohorts.all():
        return redirect(url_for("catalogue.show"))
    return redirect(url_for("instructor.show"))


@blueprint.get("/labs")
@access.instructor
def labs() -> ResponseReturnValue:
    """All labs that run."""
    return render_template("overview.html", labs=settings().labs.list())
