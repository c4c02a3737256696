"""What a page may ask of a lab: a small table of verbs, each with its arguments parsed here."""

from typing import Annotated, Any

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from lab.labs import Connection
from simulators.errors import InputError
from simulators.model import Tag
from web.description import describe
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


COMMANDS: dict[str, type[msgspec.Struct]] = {
    "speed": Speed,
    "pause": Nothing,
    "resume": Nothing,
    "reset": Nothing,
    "acknowledge": Acknowledge,
    "fault": Fault,
    "write": Write,
    "capture_start": Nothing,
    "capture_stop": Nothing,
}


@blueprint.post("/labs/<name>/commands/<verb>")
def run(name: str, verb: str) -> ResponseReturnValue:
    """Send one verb with the JSON body as its arguments; answers `{"result": …}` or `{"error": words}`."""
    arguments = _parse(verb, request.get_data())
    with settings().labs.attach(name) as lab:
        if isinstance(arguments, Write):
            arguments = _checked(lab, arguments)
        result = lab.request(verb, **msgspec.structs.asdict(arguments))
    return jsonify(result=result)


def _parse(verb: str, body: bytes) -> msgspec.Struct:
    kind = COMMANDS.get(verb)
    if kind is None:
        raise InputError(
            f"commande {verb} inconnue ; choisissez parmi : {', '.join(COMMANDS)}",
            f"unknown command {verb}; choose one of: {', '.join(COMMANDS)}",
        )
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise InputError(
            f"commande {verb} : {error} ; corrigez cette valeur",
            f"command {verb}: {error}; correct that value",
        ) from error


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
