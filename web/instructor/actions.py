"""What an instructor does to one lab, to several or to all: asked, done side by side, answered lab by lab."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from lab.catalog import find_line
from lab.exercises.model import Exercise
from lab.training.contract import (
    Action,
    ActionResult,
    AttackOffer,
    Classroom,
    Extend,
    Inject,
    Mend,
    Pause,
    Resume,
    Start,
    Stop,
)
from simulators.plant.engine import Plant
from simulators.validation import decoded
from web import access
from web.faults import named
from web.language import reader
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("instructor_actions", __name__)
SITTINGS_MAX = 500


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends."""

    sittings: Annotated[list[int], msgspec.Meta(min_length=1, max_length=SITTINGS_MAX)]
    action: Action


@dataclass(frozen=True)
class Panel:
    """What the dialogs offer: attacks, and {asset: (name, {mode: words})}."""

    attacks: list[AttackOffer]
    faults: dict[str, tuple[str, dict[str, str]]]


def classroom() -> Classroom:
    given: Classroom = settings().classroom
    return given


def panel(exercise: Exercise) -> Panel:
    """What can be done to labs of the exercise."""
    line = find_line(exercise.line)
    names = {asset.id: reader(asset.name) for asset in line.assets}
    modes = named(line, fault_modes(exercise.line))
    return Panel(
        classroom().attacks(),
        {asset: (names.get(asset, asset), words) for asset, words in modes.items() if words},
    )


@cache
def fault_modes(line_name: str) -> dict[str, list[str]]:
    """Those of the line's plant, as a lab's `describe` gives them."""
    return dict(Plant(find_line(line_name), seed=1).fault_modes())


@blueprint.post("/instructor/act")
@access.instructor
def act() -> ResponseReturnValue:
    """`{"results": [{"sitting", "ok", "said"}], "undo": action or null}`; `undo` goes to those that succeeded."""
    order = _parse(request.get_data())
    sittings = list(dict.fromkeys(order.sittings))
    results = classroom().act(sittings, order.action, current_person())
    return jsonify(
        results=[_shown(result) for result in results], undo=msgspec.to_builtins(undo(order.action))
    )


def undo(action: Action) -> Action | None:
    """What takes the action back; None where nothing does."""
    match action:
        case Inject():
            return Mend(action.asset, action.mode)
        case Pause():
            return Resume()
        case Resume():
            return Pause()
        case Extend():
            return Extend(-action.minutes)
        case Stop():
            return Start()
        case _:
            return None


def _parse(body: bytes) -> Order:
    order: Any = Order  # a union is a type to msgspec, not to mypy
    found: Order = decoded(body, order, "action", "action")
    return found


def _shown(result: ActionResult) -> dict[str, Any]:
    return {"sitting": result.sitting, "ok": result.ok, "said": reader(result.said)}
