"""Device configurations as a trainee edits them: read, checked while they are typed, applied."""

import re

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from lab.catalog import find_line
from simulators.devices import kind
from simulators.errors import InputError
from simulators.validation import decoded
from web import access
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("editing", __name__, url_prefix="/sittings/<int:sitting_id>/configurations/<device>")
LINE = re.compile(r":(\d+)(?::\d+)? ?:")


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the editor holds."""

    text: str


@blueprint.get("")
@access.sitting_owner
def configuration(sitting_id: int, device: str) -> ResponseReturnValue:
    """{"text", "default", "versions", "schema"}."""
    return jsonify(settings().sittings.configuration(sitting_id, device))


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
    text = typed(request.get_data())
    given = settings().sittings
    exercise = given.exercise(given.sitting(sitting_id).exercise)
    spec = find_line(exercise.line).device(device)
    try:
        kind(spec.kind).parse(text, spec.config or f"{spec.id}.yaml")
    except InputError as error:
        return jsonify(problem=problem(error))
    return jsonify(problem=None)


def typed(body: bytes) -> str:
    """The text of a request. Raises: InputError."""
    return decoded(body, Typed, "texte", "text").text


def problem(error: InputError) -> dict[str, object]:
    """An error about a text, with the line that it names, for the editor's margin."""
    found = LINE.search(error.text.en)
    return {"line": int(found[1]) if found else None, "text": str(error)}
