"""From reports and hints to a score. Pure; nothing is stored but what these are computed from.

score = min(gate caps, Σ points · pass · (1 - hint costs)) of the best conclusive check, out of 100. A hint counts on
its own step only, if it was taken before that step was first earned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.exercises.model import Cost, Exercise, Step
from lab.exercises.report import CheckReport, Outcome
from simulators.errors import InputError

Checked = tuple[float, CheckReport]
HintTaken = tuple[float, str, int]


@dataclass(frozen=True)
class StepScore:
    """Of one step: `outcome` is that of the last conclusive check, `earned` the points at the best one."""

    step: str
    points: float
    outcome: Outcome | None
    earned: float
    hint_cost: float
    hints_taken: list[int]


@dataclass(frozen=True)
class Score:
    """Of one person on one exercise. `score` is out of 100; `cap` is what gates left of it at the best check."""

    score: float = 0.0
    cap: float = 100.0
    points: float = 0.0
    points_max: float = 0.0
    attempts: int = 0
    steps: list[StepScore] = field(default_factory=list)
    last: CheckReport | None = None
    best_unix_s: float | None = None


def cost_points(cost: Cost, points: float) -> float:
    """A hint's price in points of a step worth `points`. Raises: InputError: it is no price."""
    try:
        amount = points * float(cost.removesuffix("%")) / 100 if isinstance(cost, str) else float(cost)
        priced = not isinstance(cost, str) or cost.endswith("%")
    except ValueError:
        amount, priced = 0.0, False
    if not priced or not 0 <= amount <= points:
        raise InputError(
            f'prix {cost} : de 0 à {points:g} points, ou de "0%" à "100%"',
            f'price {cost}: from 0 to {points:g} points, or from "0%" to "100%"',
        )
    return amount


def standing(exercise: Exercise, checks: Iterable[Checked], hints: Iterable[HintTaken]) -> Score:
    """Where somebody stands: `checks` are (unix seconds, report), `hints` (unix seconds, step, index), in any order."""
    checked = sorted(checks, key=lambda check: check[0])
    taken = sorted(hints)
    counted = [check for check in checked if check[1].conclusive]
    costs = {step.id: _hint_cost(step, taken, _first_earned(step, counted)) for step in exercise.steps}
    best = max(counted, key=lambda check: _score(exercise, check[1], costs), default=None)
    report = best[1] if best else None
    earned = _earned(exercise, report, costs)
    last = counted[-1][1] if counted else None
    return Score(
        score=_score(exercise, report, costs) if report else 0.0,
        cap=_cap(report) if report else 100.0,
        points=sum(earned.values()),
        points_max=exercise.points,
        attempts=len(counted),
        steps=[_step_score(step, last, earned, costs, taken) for step in exercise.steps],
        last=checked[-1][1] if checked else None,
        best_unix_s=best[0] if best else None,
    )


def score_of(exercise: Exercise, report: CheckReport) -> float:
    """What one report is worth without any hint; 0 if it is not conclusive."""
    return standing(exercise, [(report.unix_s, report)], []).score


def _score(exercise: Exercise, report: CheckReport, costs: dict[str, float]) -> float:
    share = 100.0 * sum(_earned(exercise, report, costs).values()) / exercise.points
    return min(_cap(report), share)


def _cap(report: CheckReport) -> float:
    return min([100.0, *(gate.cap for gate in report.gates)])


def _earned(exercise: Exercise, report: CheckReport | None, costs: dict[str, float]) -> dict[str, float]:
    passed = _passed(report)
    return {s.id: s.points - costs[s.id] if s.id in passed else 0.0 for s in exercise.steps}


def _passed(report: CheckReport | None) -> set[str]:
    return {result.step for result in report.steps if result.outcome == "pass"} if report else set()


def _first_earned(step: Step, counted: Sequence[Checked]) -> float:
    return next((unix_s for unix_s, report in counted if step.id in _passed(report)), float("inf"))


def _hint_cost(step: Step, taken: Sequence[HintTaken], before_unix_s: float) -> float:
    """Points that the hints taken before that date cost, at most the step's own."""
    indexes = {index for unix_s, of, index in taken if of == step.id and unix_s < before_unix_s}
    known = [step.hints[index] for index in indexes if 0 <= index < len(step.hints)]
    return min(step.points, sum(cost_points(hint.cost, step.points) for hint in known))


def _step_score(
    step: Step,
    last: CheckReport | None,
    earned: dict[str, float],
    costs: dict[str, float],
    taken: Sequence[HintTaken],
) -> StepScore:
    seen = {result.step: result.outcome for result in last.steps} if last else {}
    return StepScore(
        step=step.id,
        points=step.points,
        outcome=seen.get(step.id),
        earned=earned[step.id],
        hint_cost=costs[step.id],
        hints_taken=[index for _unix_s, of, index in taken if of == step.id],
    )
