"""Where a trainee stands, from the events alone: pure. The score itself is `lab.exercises.score`."""

from collections.abc import Iterable, Sequence
from typing import Any

from lab.exercises import score
from lab.exercises.model import Exercise
from lab.exercises.report import CheckReport, GateResult, StepResult
from lab.training.contract import Event, Standing, StepStanding
from simulators.text import Text

NOTHING = Text(fr="", en="")


def summary(report: CheckReport) -> dict[str, Any]:
    """What the event of a check keeps of its report: all that the score needs."""
    return {
        "conclusive": report.conclusive,
        "steps": {step.step: step.outcome for step in report.steps},
        "gates": {gate.gate: {"outcome": gate.outcome, "cap": gate.cap} for gate in report.gates},
        "duration_s": round(report.duration_s, 3),
    }


def standing(
    exercise: Exercise, events: Sequence[Event], now: float, last: CheckReport | None = None
) -> Standing:
    """Derived from `events`; `last` is the last check's whole report, for who wants to show it."""
    checks = [(event.unix_s, _report(exercise, event)) for event in events if event.kind == "checked"]
    found = score.standing(exercise, checks, hints_taken(events))
    ends = [unix_s for unix_s, report in checks if report.conclusive]
    wait_s = ends[-1] + exercise.attempts.cooldown_s - now if ends else 0.0
    left = exercise.attempts.max - found.attempts if exercise.attempts.max else None
    return Standing(
        score=round(found.score, 2),
        cap=found.cap,
        points=round(found.score * exercise.points / 100, 2),
        points_max=exercise.points,
        attempts=found.attempts,
        attempts_left=None if left is None else max(left, 0),
        wait_s=max(0.0, wait_s),
        steps=[
            StepStanding(
                step=step.step,
                points=step.points,
                outcome=step.outcome,
                earned=round(step.earned, 2),
                hint_cost=round(step.hint_cost, 2),
                hints_taken=step.hints_taken,
            )
            for step in found.steps
        ],
        last=last,
    )


def hints_taken(events: Iterable[Event]) -> list[score.HintTaken]:
    """(date, step, index) of every hint."""
    return [(e.unix_s, str(e.data["step"]), int(e.data["index"])) for e in events if e.kind == "hint"]


def interrupted(events: Sequence[Event]) -> Event | None:
    """The check that began and has no end, if the last one is so."""
    begun: Event | None = None
    for event in events:
        if event.kind == "check_started":
            begun = event
        elif event.kind in {"checked", "check_failed"}:
            begun = None
    return begun


def _report(exercise: Exercise, event: Event) -> CheckReport:
    """A report without its evidence."""
    data = event.data
    return CheckReport(
        exercise=exercise.id,
        version=exercise.version,
        conclusive=data["conclusive"],
        steps=[StepResult(step, outcome, []) for step, outcome in data["steps"].items()],
        gates=[
            GateResult(gate, seen["outcome"], {}, seen["cap"], NOTHING)
            for gate, seen in data["gates"].items()
        ],
        unix_s=event.unix_s,
        duration_s=data["duration_s"],
    )
