"""The catalogue of exercises: what there is, what one has done of it."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from lab.exercises.model import Exercise
from lab.training.contract import Sitting, Standing
from simulators.text import Text
from web import access
from web.language import reader
from web.session import current_person
from web.settings import settings
from web.trainee.terms import terms

blueprint = Blueprint("catalogue", __name__)
FILTERS = ("track", "level", "sector")


@dataclass(frozen=True)
class Card:
    """One exercise, as the reader stands in it; `sitting` None: not begun."""

    exercise: Exercise
    unavailable: Text | None
    sitting: Sitting | None
    standing: Standing | None

    @property
    def passed(self) -> int:
        """Steps that are earned."""
        steps = self.standing.steps if self.standing else []
        return sum(step.outcome == "pass" for step in steps)


@blueprint.get("/exercises")
@access.signed_in
def show() -> ResponseReturnValue:
    """Cards, filtered by `?track=…&level=…&sector=…&q=…`."""
    cards = all_cards()
    chosen = {name: request.args.get(name, "") for name in FILTERS} | {"q": request.args.get("q", "")}
    return render_template(
        "catalogue.html",
        cards=[card for card in cards if _wanted(card.exercise, chosen)],
        total=len(cards),
        chosen=chosen,
        choices={name: sorted({getattr(card.exercise, name) for card in cards}) for name in FILTERS},
        terms=terms(),
        by_link=session.get("by_link", False),
    )


@blueprint.post("/exercises/<exercise_id>/open")
@access.signed_in
def begin(exercise_id: str) -> ResponseReturnValue:
    """The reader's own sitting on it, a new one if there is none."""
    sitting = settings().sittings.open(current_person(), exercise_id)
    return redirect(url_for("sitting.show", sitting_id=sitting.id))


def all_cards() -> list[Card]:
    """Every exercise, as the reader stands in it."""
    mine = _mine()
    return [_card(exercise, mine) for exercise in settings().sittings.exercises()]


def _mine() -> dict[str, Sitting]:
    """The reader's last sitting on each exercise, an open one before a closed one."""
    sittings = settings().sittings.of(current_person())
    return {sitting.exercise: sitting for sitting in sorted(sittings, key=lambda s: (not s.closed, s.id))}


def _card(exercise: Exercise, mine: dict[str, Sitting]) -> Card:
    given = settings().sittings
    sitting = mine.get(exercise.id)
    standing = given.standing(sitting.id) if sitting else None
    return Card(exercise, given.unavailable(exercise), sitting, standing)


def _wanted(exercise: Exercise, chosen: dict[str, Any]) -> bool:
    if any(chosen[name] and getattr(exercise, name) != chosen[name] for name in FILTERS):
        return False
    competences = [terms()["competence"].get(name, name) for name in exercise.competences]
    words = " ".join([exercise.id, reader(exercise.title), reader(exercise.summary), *competences])
    return all(word in words.casefold() for word in chosen["q"].casefold().split())
