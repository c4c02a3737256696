"""A check: begun by a click, followed by every page that shows the sitting, also after a reload."""

from typing import Any

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from lab.exercises.report import Progress
from web import access
from web.runs import Message, Tell, events, runs
from web.session import current_person
from web.settings import settings
from web.stream import event_stream

blueprint = Blueprint("checking", __name__, url_prefix="/sittings/<int:sitting_id>/check")


@blueprint.post("")
@access.sitting_owner
def begin(sitting_id: int) -> ResponseReturnValue:
    """Begin a check, or join the one that is under way."""
    given, person = settings().sittings, current_person()

    def work(tell: Tell) -> Message:
        report = given.check(sitting_id, person, lambda progress: tell(message(progress)))
        return {"conclusive": report.conclusive, "trouble": report.trouble}

    runs().start(f"check {sitting_id}", work)
    return jsonify(result=True), 202


@blueprint.get("/progress")
@access.sitting_owner
def progress(sitting_id: int) -> Response:
    """Where the check is, from its beginning."""
    return event_stream(events(runs().find(f"check {sitting_id}")))


def message(progress: Progress) -> dict[str, Any]:
    """What the page shows of a check under way: the evidence comes with the report."""
    told: dict[str, Any] = {"done": progress.done, "total": progress.total, "doing": progress.doing}
    if progress.result is not None:
        told |= {"step": progress.result.step, "outcome": progress.result.outcome}
    return told
