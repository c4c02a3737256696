"""The condition monitor: features, index and alarm of a machine over time."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from web import access
from web.settings import settings

blueprint = Blueprint("monitoring", __name__, url_prefix="/sittings/<int:sitting_id>/monitor")


@blueprint.get("")
@access.sitting_owner
def show(sitting_id: int) -> ResponseReturnValue:
    """What the monitor `?device=` lately heard of `?asset=`, the first machine if none is named."""
    arguments = {"device": request.args.get("device", ""), "asset": request.args.get("asset") or None}
    with settings().labs.attach(settings().sittings.sitting(sitting_id).lab) as lab:
        return jsonify(lab.request("monitor", **arguments))
