"""Device configurations as a trainee edits them: read, checked while they are typed, applied."""

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.errors import InputError
from simulators.validation import decoded
from web import access
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("editing", __name__, url_prefix="/sittings/<int:sitting_id>/configurations/<device>")


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the editor holds."""

    text: str


@blueprint.get("")
@access.sitting_owner
def configuration(sitting_id: int, device: str) -> ResponseReturnValue:
    """{"text", "default", "versions", "schema"}."""
    return jsonify(settings().sittings.configuration(sitting_id, current_person(), device))


@blueprint.post("")
@access.sitting_owner
def apply(sitting_id: int, device: str) -> ResponseReturnValue:
    """Apply what was typed; what is wrong with it comes back, and nothing changed."""
    settings().sittings.configure(sitting_id, current_person(), device, typed(request.get_data()))
    return jsonify(result=True)


@blueprint.post("/check")
@access.sitting_owner
def check(sitting_id: int, device: str) -> ResponseReturnValue:
    """What is wrong with the text, without applying it: {"problem": {"line", "text"} or null}."""
    try:
        settings().sittings.examine(sitting_id, current_person(), device, typed(request.get_data()))
    except InputError as error:
        return jsonify(problem=problem(error))
    return jsonify(problem=None)


def typed(body: bytes) -> str:
    """The text of a request. Raises: InputError."""
    return decoded(body, Typed, "texte", "text").text


def problem(error: InputError) -> dict[str, object]:
    """An error about a text, with the line that it carries, for the editor's margin."""
    return {"line": error.line, "text": str(error)}
