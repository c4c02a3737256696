"""The one-time links of a cohort: a table, slips to cut out, a CSV file; renewed for one, several or all."""

import csv
import io
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from lab.training.contract import Link
from simulators.errors import InputError
from web import access
from web.instructor.frame import cohort_crumb, page
from web.instructor.tray import Tray, find, put
from web.settings import settings

blueprint = Blueprint("instructor_links", __name__)
LOOPBACK = ("127.", "localhost", "[::1]")


@dataclass(frozen=True)
class Slip:
    """What one person is handed."""

    link: Link
    address: str


@blueprint.record_once
def _with_tray(state: BlueprintSetupState) -> None:
    state.app.extensions["usine_ecole_links"] = Tray()


@blueprint.post("/instructor/cohorts/<int:cohort_id>/links")
@access.instructor
def renew(cohort_id: int) -> ResponseReturnValue:
    """New links for those whose boxes are ticked, or for all (`everybody`)."""
    cohort = settings().cohorts.cohort(cohort_id)
    chosen = {int(person) for person in request.form.getlist("person") if person.isdecimal()}
    people = [p.id for p in cohort.people if "everybody" in request.form or p.id in chosen]
    if not people:
        raise InputError(
            "personne n'est choisi ; cochez au moins un stagiaire",
            "nobody is chosen; tick at least one trainee",
        )
    key = put(cohort_id, settings().cohorts.new_links(cohort_id, people))
    return redirect(url_for("instructor_links.show", cohort_id=cohort_id, key=key))


@blueprint.get("/instructor/cohorts/<int:cohort_id>/links/<key>")
@access.instructor
def show(cohort_id: int, key: str) -> ResponseReturnValue:
    cohort = settings().cohorts.cohort(cohort_id)
    here = url_for("instructor_links.show", cohort_id=cohort_id, key=key)
    return page(
        "links.html",
        [cohort_crumb(cohort), (gettext("One-time links"), here)],
        data={},
        cohort=cohort,
        key=key,
        slips=_slips(cohort_id, key),
        this_machine_only=request.host.startswith(LOOPBACK),
    )


@blueprint.get("/instructor/cohorts/<int:cohort_id>/links/<key>/links.csv")
@access.instructor
def download(cohort_id: int, key: str) -> ResponseReturnValue:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["name", "login", "email", "idnumber", "link"])
    for slip in _slips(cohort_id, key):
        person = slip.link.person
        rows.writerow(
            [_plain(cell) for cell in (person.display, person.name, person.email, person.id_number)]
            + [slip.address]
        )
    return Response(
        "\ufeff" + text.getvalue(),  # without the mark, Excel takes UTF-8 for another alphabet
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="links-{cohort_id}.csv"'},
    )


def _slips(cohort_id: int, key: str) -> list[Slip]:
    return [
        Slip(link, url_for("login.enter", token=link.token, _external=True)) for link in find(cohort_id, key)
    ]


def _plain(cell: str) -> str:
    """A spreadsheet runs what begins like a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell
