"""Practice attacks: those that the exercise lets a trainee launch in their own lab, to see what they look like."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from lab.exercises.model import Exercise
from lab.training.contract import AttackOffer, Strike
from simulators.errors import InputError
from web import access
from web.session import current_person
from web.settings import settings
from web.throttle import limiter

blueprint = Blueprint("practising", __name__, url_prefix="/sittings/<int:sitting_id>/practice")


@blueprint.post("/<attack>")
@access.sitting_owner
@limiter.limit("10 per minute")
def launch(sitting_id: int, attack: str) -> ResponseReturnValue:
    """Begin one; it ends by itself, and the timeline tells both."""
    given = settings()
    exercise = given.sittings.exercise(given.sittings.sitting(sitting_id).exercise)
    if attack not in exercise.practice:
        known = ", ".join(exercise.practice) or "–"
        raise InputError(
            f"{attack} n'est pas une attaque d'entraînement de cet exercice ; choisissez parmi : {known}",
            f"{attack} is no practice attack of this exercise; choose one of: {known}",
        )
    (done,) = given.classroom.act([sitting_id], Strike(attack), current_person())
    if not done.ok:
        raise InputError(done.said.fr, done.said.en)
    return jsonify(result=str(done.said))


def offers(exercise: Exercise) -> list[AttackOffer]:
    """What the page offers."""
    if not exercise.practice:
        return []
    known = {offer.id: offer for offer in settings().classroom.attacks()}
    return [known[attack] for attack in exercise.practice if attack in known]
