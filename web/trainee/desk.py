"""What a person sees of their work on an exercise: brief, steps with their outcome, what happened."""

import contextlib
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lab.catalog import find_line
from lab.exercises import folder
from lab.exercises.model import Exercise, Hint, Step
from lab.exercises.parameters import MASK, fill_text
from lab.exercises.report import GateResult, StepResult
from lab.training.contract import HintOffer, Sitting, Standing, StepStanding
from simulators.addressing import Addressing
from simulators.errors import InputError
from simulators.text import Text
from web.language import chosen, reader
from web.prose import line, prose
from web.settings import settings
from web.trainee.timeline import Moment, moments


@dataclass(frozen=True)
class StepView:
    """A step as the reader stands in it; `result` is the last check's, with its evidence."""

    step: Step
    number: int
    text: Markup
    standing: StepStanding
    result: StepResult | None
    feedback: str
    hints: list[Markup]
    offer: HintOffer | None


@dataclass(frozen=True)
class GateView:
    """A condition on the plant; `result` None before the first check."""

    name: str
    cap: float
    result: GateResult | None


@dataclass(frozen=True)
class Desk:
    """All that the left half of the page shows."""

    sitting: Sitting
    exercise: Exercise
    standing: Standing
    steps: list[StepView]
    gates: list[GateView]
    timeline: list[Moment]
    trouble: str


def desk(sitting_id: int) -> Desk:
    """Raises: NotFoundError."""
    given = settings().sittings
    sitting = given.sitting(sitting_id)
    exercise, standing = given.exercise(sitting.exercise), given.standing(sitting_id)
    offers = {offer.step: offer for offer in given.hint_offers(sitting_id)}
    report = standing.last
    results = {result.step: result for result in report.steps} if report else {}
    gates = {result.gate: result for result in report.gates} if report else {}
    by_step = {step.step: step for step in standing.steps}
    return Desk(
        sitting=sitting,
        exercise=exercise,
        standing=standing,
        steps=[
            _step(exercise, sitting, number, by_step[step.id], results.get(step.id), offers.get(step.id))
            for number, step in enumerate(exercise.steps, 1)
        ],
        gates=[GateView(reader(gate.name), gate.cap, gates.get(gate.id)) for gate in exercise.gates],
        timeline=moments(sitting, exercise),
        trouble=reader(report.trouble) if report and report.trouble else "",
    )


def brief(exercise: Exercise, sitting: Sitting) -> Markup:
    """The exercise's brief in the reader's language, with the reader's own parameters."""
    return prose(
        _there(exercise, sitting, folder.brief(exercise, chosen(), _values(exercise, sitting))), "brief"
    )


def hint_text(exercise: Exercise, sitting: Sitting, hint: Hint) -> Markup:
    """A hint that was paid for."""
    return prose(_filled(exercise, sitting, reader(hint.text)))


def _step(
    exercise: Exercise,
    sitting: Sitting,
    number: int,
    standing: StepStanding,
    result: StepResult | None,
    offer: HintOffer | None,
) -> StepView:
    step = exercise.step(standing.step)
    said: Text | None = step.feedback.get(result.outcome) if result else None
    return StepView(
        step=step,
        number=number,
        text=prose(_filled(exercise, sitting, reader(step.text))),
        standing=standing,
        result=result,
        feedback=line(_filled(exercise, sitting, reader(said))) if said else Markup(""),
        hints=[hint_text(exercise, sitting, step.hints[index]) for index in standing.hints_taken],
        offer=offer,
    )


def _filled(exercise: Exercise, sitting: Sitting, text: str) -> str:
    """`text` with the reader's parameters; hidden ones stay hidden, as do those that an older version had."""
    with contextlib.suppress(InputError):
        text = fill_text(text, _values(exercise, sitting))
    return _there(exercise, sitting, text)


def _there(exercise: Exercise, sitting: Sitting, text: str) -> str:
    """`text` with the addresses that the reader's lab has."""
    return Addressing.of(find_line(exercise.line), sitting.subnets).text(text)


def _values(exercise: Exercise, sitting: Sitting) -> dict[str, Any]:
    return {name: sitting.parameters.get(name, MASK) for name in exercise.parameters}
