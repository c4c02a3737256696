"""The lab of a sitting: started, reset, stopped, its checkpoint kept."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.validation import decoded
from web import access
from web.runs import Message, Tell, events, runs
from web.session import current_person
from web.settings import settings
from web.stream import event_stream

blueprint = Blueprint("running", __name__, url_prefix="/sittings/<int:sitting_id>/lab")


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`device` is named where `what` is `device`."""

    what: Literal["device", "checkpoint", "lab"]
    device: str | None = None


@blueprint.post("/start")
@access.sitting_owner
def start(sitting_id: int) -> ResponseReturnValue:
    """Begin to start the lab; `progress` tells each device."""
    given, person = settings().sittings, current_person()

    def work(tell: Tell) -> Message:
        given.start_lab(sitting_id, person, tell)
        return {}

    return _begin(sitting_id, work)


@blueprint.post("/reset")
@access.sitting_owner
def reset(sitting_id: int) -> ResponseReturnValue:
    """A device, the checkpoint, or the lab anew."""
    given, person = settings().sittings, current_person()
    wanted = _parse(request.get_data())

    def work(_tell: Tell) -> Message:
        given.reset(sitting_id, person, wanted.what, wanted.device)
        return {}

    return _begin(sitting_id, work)


@blueprint.post("/stop")
@access.sitting_owner
def stop(sitting_id: int) -> ResponseReturnValue:
    """End the lab; work and configurations are kept."""
    settings().sittings.stop_lab(sitting_id, current_person())
    return jsonify(result=True)


@blueprint.post("/checkpoint")
@access.sitting_owner
def checkpoint(sitting_id: int) -> ResponseReturnValue:
    """Keep the plant and the configurations as they are, to come back to."""
    settings().sittings.checkpoint(sitting_id, current_person())
    return jsonify(result=True)


@blueprint.get("/progress")
@access.sitting_owner
def progress(sitting_id: int) -> Response:
    """How the start or the reset goes on, from its beginning."""
    return event_stream(events(runs().find(f"lab {sitting_id}")))


def _begin(sitting_id: int, work: Callable[[Tell], dict[str, Any]]) -> ResponseReturnValue:
    runs().start(f"lab {sitting_id}", work)
    return jsonify(result=True), 202


def _parse(body: bytes) -> Reset:
    return decoded(body, Reset, "reprise", "reset")
