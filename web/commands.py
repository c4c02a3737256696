"""What a page may ask of a lab: a small table of verbs, each with its arguments parsed here."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from lab.labs import Connection
from lab.training.contract import Role
from simulators.errors import InputError
from simulators.model import Tag
from simulators.validation import decoded
from web import access, failures
from web.description import describe
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("commands", __name__)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verb without arguments."""


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    speed: Annotated[float, msgspec.Meta(ge=1, le=100)]


class Acknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alarm: str


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`severity` 0 clears it."""

    asset: str
    mode: str
    severity: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Write(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tag: str
    value: bool | float


@dataclass(frozen=True)
class Command:
    """`who` may send it: a trainee acts on their own lab as an operator does; time and faults are the instructor's."""

    arguments: type[msgspec.Struct]
    who: Role


COMMANDS: dict[str, Command] = {
    "speed": Command(Speed, "instructor"),
    "pause": Command(Nothing, "instructor"),
    "resume": Command(Nothing, "instructor"),
    "reset": Command(Nothing, "instructor"),
    "fault": Command(Fault, "instructor"),
    "acknowledge": Command(Acknowledge, "trainee"),
    "write": Command(Write, "trainee"),
    "capture_start": Command(Nothing, "trainee"),
    "capture_stop": Command(Nothing, "trainee"),
}


@blueprint.post("/labs/<name>/commands/<verb>")
@access.lab_owner
def run(name: str, verb: str) -> ResponseReturnValue:
    """Send one verb with the JSON body as its arguments; answers `{"result": …}` or `{"error": words}`."""
    command = _known(verb)
    if command.who == "instructor" and current_person().role != "instructor":
        return failures.forbidden(owned=False)
    arguments = _parse(verb, command.arguments, request.get_data())
    with settings().labs.attach(name) as lab:
        if isinstance(arguments, Write):
            arguments = _checked(lab, arguments)
        result = lab.request(verb, **msgspec.structs.asdict(arguments))
    return jsonify(result=result)


def _known(verb: str) -> Command:
    command = COMMANDS.get(verb)
    if command is None:
        raise InputError(
            f"commande {verb} inconnue ; choisissez parmi : {', '.join(COMMANDS)}",
            f"unknown command {verb}; choose one of: {', '.join(COMMANDS)}",
        )
    return command


def _parse(verb: str, kind: type[msgspec.Struct], body: bytes) -> msgspec.Struct:
    return decoded(body or b"{}", kind, f"commande {verb}", f"command {verb}")


def _checked(lab: Connection, write: Write) -> Write:
    """The write with a value of the tag's type, in its range. Raises: InputError: what the tag takes."""
    tag = describe(lab).line.tag(write.tag)
    if not tag.writable:
        raise InputError(
            f"{tag.id} ne s'écrit pas ; choisissez une consigne ou une commande",
            f"{tag.id} is not writable; choose a set point or a command",
        )
    if tag.range is not None and not tag.range[0] <= write.value <= tag.range[1]:
        low, high = tag.range
        raise InputError(
            f"{tag.id} : {write.value:g} est hors de l'étendue {low:g} à {high:g} {tag.unit}".rstrip(),
            f"{tag.id}: {write.value:g} is outside the range {low:g} to {high:g} {tag.unit}".rstrip(),
        )
    return Write(write.tag, _typed(tag, write.value))


def _typed(tag: Tag, value: Any) -> bool | float:
    if tag.type == "BOOL":
        return bool(value)
    if tag.type in {"REAL", "LREAL"}:
        return float(value)
    if value != int(value):
        raise InputError(
            f"{tag.id} : {value:g} n'est pas un nombre entier ; arrondissez-le",
            f"{tag.id}: {value:g} is not a whole number; round it",
        )
    return int(value)
