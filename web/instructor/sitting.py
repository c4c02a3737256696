"""One trainee at work: the plant's truth beside what SCADA shows, steps, what happened, what can be done."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, gettext

from lab.catalog import find_line
from lab.exercises.model import Exercise
from lab.training.contract import Sitting
from simulators.model import Line
from web import access
from web.faults import named
from web.instructor.actions import fault_modes, panel
from web.instructor.frame import Crumb, cohort_crumb, matrix_crumb, page
from web.language import chosen, reader
from web.settings import settings
from web.trainee.terms import terms
from web.trainee.timeline import Moment, moments

blueprint = Blueprint("instructor_sitting", __name__)


@blueprint.get("/instructor/sittings/<int:sitting_id>")
@access.instructor
def show(sitting_id: int) -> ResponseReturnValue:
    sitting = settings().sittings.sitting(sitting_id)
    exercise = settings().sittings.exercise(sitting.exercise)
    line = find_line(exercise.line)
    return page(
        "sitting.html",
        crumbs(sitting, exercise),
        data=_data(sitting, line),
        sitting=sitting,
        exercise=exercise,
        line=line,
        measured=_measured(line),
        standing=settings().sittings.standing(sitting_id),
        timeline=list(_timeline(sitting, exercise)),
        actions=panel(exercise),
        **_neighbours(sitting),
    )


def crumbs(sitting: Sitting, exercise: Exercise) -> list[Crumb]:
    """The cohort and the matrix that the sitting is in, if any, then its person."""
    here = (sitting.person.display, url_for("instructor_sitting.show", sitting_id=sitting.id))
    if sitting.cohort is None:
        return [here]
    cohort = settings().cohorts.cohort(sitting.cohort)
    return [cohort_crumb(cohort), matrix_crumb(cohort, exercise), here]


def _neighbours(sitting: Sitting) -> dict[str, tuple[int, str] | None]:
    """Who comes before and after in the cohort, to walk through the class."""
    if sitting.cohort is None:
        return {}
    rows = settings().cohorts.matrix(sitting.cohort, sitting.exercise)
    begun = [(row.sitting, row.person.display) for row in rows if row.sitting is not None]
    begun.sort(key=lambda one: one[1].casefold())
    at = next((index for index, one in enumerate(begun) if one[0] == sitting.id), None)
    if at is None:
        return {}
    return {"before": begun[at - 1] if at else None, "after": begun[at + 1] if at + 1 < len(begun) else None}


def _measured(line: Line) -> list[str]:
    """The tags that have a truth of their own in the plant: inputs first, in the order of the line."""
    return [tag.id for tag in line.tags if tag.signal]


def _timeline(sitting: Sitting, exercise: Exercise) -> Iterator[tuple[Moment, str, str]]:
    """What happened, latest first: the moment, its kind in words, its details."""
    kinds = terms()["event"]
    line = find_line(exercise.line)
    events = reversed(settings().sittings.timeline(sitting.id))
    for moment, event in zip(moments(sitting, exercise), events, strict=False):
        details = _fault(line, event.data) if event.kind == "fault" else moment.details
        yield moment, kinds.get(moment.kind, moment.kind), details


def _fault(line: Line, data: dict[str, Any]) -> str:
    """Asset, fault and severity in words; `data` is the event's."""
    asset, mode = str(data.get("asset", "")), str(data.get("mode", ""))
    names = {known.id: reader(known.name) for known in line.assets}
    words = named(line, fault_modes(line.id)).get(asset, {}).get(mode, mode)
    severity = float(data.get("severity", 0))
    told = format_decimal(severity) if severity else gettext("mended")
    return f"{names.get(asset, asset)}, {words}, {told}"


def _data(sitting: Sitting, line: Line) -> dict[str, Any]:
    language = chosen()
    return {
        "act": url_for("instructor_actions.act"),
        "stream": url_for("stream.show", name=sitting.lab) + "?truth=1" if sitting.lab else None,
        "sittings": [sitting.id],
        "names": {sitting.id: sitting.person.display},
        "tags": {
            tag.id: {
                "unit": tag.unit,
                "type": tag.type,
                "range": tag.range,
                "states": {key: text.in_language(language) for key, text in (tag.states or {}).items()},
            }
            for tag in line.tags
            if tag.signal
        },
        "assets": {asset.id: asset.name.in_language(language) for asset in line.assets},
        "faults": named(line, fault_modes(line.id)),
    }
