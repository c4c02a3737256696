"""The list of labs."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web.settings import settings

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The default lab, or the only one, else the list."""
    labs = settings().labs.list()
    names = [status.name for status in labs]
    wanted = settings().default_lab
    if "all" not in request.args:
        if wanted in names:
            return redirect(url_for("live.show", name=wanted))
        if len(names) == 1:
            return redirect(url_for("live.show", name=names[0]))
    return render_template("overview.html", labs=labs)
