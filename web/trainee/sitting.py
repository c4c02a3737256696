"""The page of an exercise that a person works on."""

from typing import Any

from flask import Blueprint, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from lab.training.contract import Sitting
from simulators.errors import UsineError
from simulators.network.dissect.row import LOGS
from web import access, live
from web.language import chosen, reader
from web.runs import runs
from web.session import current_person
from web.settings import settings
from web.trainee.desk import Desk, brief, desk
from web.trainee.measures import measures
from web.trainee.practising import offers
from web.trainee.terms import terms
from web.trainee.words import words

blueprint = Blueprint("sitting", __name__, url_prefix="/sittings/<int:sitting_id>")


@blueprint.get("")
@access.sitting_owner
def show(sitting_id: int) -> ResponseReturnValue:
    """The page: the brief and the steps; beside them the lab, once it runs."""
    work = desk(sitting_id)
    page = _lab(work.sitting)
    data = {**(page.data if page else live.common()), **_data(work)}
    data["words"] = {**data["words"], **words()}
    return render_template(
        "exercise.html",
        desk=work,
        brief=brief(work.exercise, work.sitting),
        page=page,
        data=data,
        terms=terms(),
        unavailable=settings().sittings.unavailable(work.exercise),
        practice=offers(work.exercise),
        logs=LOGS,
    )


@blueprint.get("/work")
@access.sitting_owner
def show_work(sitting_id: int) -> ResponseReturnValue:
    """What changes with every check and every hint: score, steps, timeline; the page puts each in its place."""
    return render_template("_work.html", desk=desk(sitting_id), terms=terms())


@blueprint.post("/hints/<step_id>")
@access.sitting_owner
def take_hint(sitting_id: int, step_id: str) -> ResponseReturnValue:
    """Take the next hint of a step, at its price."""
    settings().sittings.take_hint(sitting_id, current_person(), step_id)
    return jsonify(result=True)


def _lab(sitting: Sitting) -> live.Page | None:
    """The live page's own parts, None while the lab does not answer."""
    if sitting.lab_state != "running":
        return None
    try:
        return live.page(sitting.lab)
    except (UsineError, OSError):
        return None


def _data(work: Desk) -> dict[str, Any]:
    """What the page's modules start from."""
    sitting = work.sitting

    def here(endpoint: str, **values: Any) -> str:
        return url_for(endpoint, sitting_id=sitting.id, **values)

    return {
        "language": chosen(),
        "sitting": sitting.id,
        "lab_state": sitting.lab_state,
        "urls": {
            "work": here("sitting.show_work"),
            "hint": here("sitting.take_hint", step_id="STEP"),
            "start": here("running.start"),
            "stop": here("running.stop"),
            "reset": here("running.reset"),
            "checkpoint": here("running.checkpoint"),
            "lab_progress": here("running.progress"),
            "check": here("checking.begin"),
            "check_progress": here("checking.progress"),
            "configuration": here("editing.configuration", device="DEVICE"),
            "configuration_check": here("editing.check", device="DEVICE"),
            "rules": here("detecting.rules"),
            "rules_check": here("detecting.check"),
            "rules_try": here("detecting.attempt"),
            "events": here("detecting.events"),
            "events_csv": here("detecting.events_csv"),
            "practice": here("practising.launch", attack="ATTACK"),
            "monitor": here("monitoring.show"),
        },
        "editor": live.vendor_file("codemirror.mjs"),
        "checking": _under_way(f"check {sitting.id}"),
        "starting": _under_way(f"lab {sitting.id}"),
        "wait_s": work.standing.wait_s,
        "editable": work.exercise.editable,
        "measures": measures(),
        "steps": {view.step.id: reader(view.step.name) for view in work.steps},
    }


def _under_way(key: str) -> bool:
    run = runs().find(key)
    return run is not None and not run.over
