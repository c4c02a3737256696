"""A check: one at a time in a sitting, bounded by attempts and a cool-down, written down before and after."""

import logging
from collections.abc import Callable

from lab.exercises.model import Exercise
from lab.exercises.report import CheckReport, Progress
from lab.store.tables import SittingRow
from lab.training.baseline import demand_start
from lab.training.claims import claim
from lab.training.configurations import rules
from lab.training.context import Context
from lab.training.contract import Event, Person
from lab.training.events import events_of, keep_report, record
from lab.training.evidence import bounded
from lab.training.opening import parameters
from lab.training.rows import current_exercise, note, open_row
from lab.training.standing import interrupted, standing, summary
from lab.training.stock import take
from simulators.errors import InputError, StartError, UsineError

log = logging.getLogger(__name__)


def check(context: Context, sitting_id: int, by: Person, progress: Callable[[Progress], None]) -> CheckReport:
    """Run all checks. Raises: InputError: no attempt left, cooling down, no lab, or something else is being done."""
    row = open_row(context, sitting_id)
    exercise = current_exercise(context, row)
    with claim(context, sitting_id, "check"):
        with context.database.read() as session:
            events = events_of(session, sitting_id)
        _allowed(context, row, exercise, events)
        if interrupted(events):
            note(context, sitting_id, "check_failed", by.id, {"interrupted": True})
        seed = take(context, exercise.id)
        begun = note(context, sitting_id, "check_started", by.id)
        try:
            report = _run(context, row, exercise, rules(events), seed, progress)
        except UsineError as error:
            data = {"begun": begun, "fr": error.text.fr, "en": error.text.en}
            note(context, sitting_id, "check_failed", by.id, data)
            raise
        with context.database.write() as session:
            data = {**summary(report), "begun": begun, "seed": seed}
            event = record(session, sitting_id, context.clock(), "checked", by.id, data)
            keep_report(session, event, report)
    return report


def _run(
    context: Context,
    row: SittingRow,
    exercise: Exercise,
    rules_text: str,
    seed: int,
    progress: Callable[[Progress], None],
) -> CheckReport:
    drawn = parameters(context, exercise, row.person_id, row.version)
    try:
        report = context.engine.check(exercise, context.labs, row.lab, drawn, rules_text, seed, progress)
    except UsineError:
        raise
    except Exception as error:
        # A probe's own fault is the grader's, never the trainee's: it is written down and spends nothing.
        log.exception("check of sitting %s", row.id)
        raise StartError(
            f"la vérification n'a pas abouti ({type(error).__name__}) ; aucun essai n'est compté, recommencez",
            f"the check did not come to its end ({type(error).__name__}); no attempt is spent, try again",
        ) from error
    return bounded(report)


def _allowed(context: Context, row: SittingRow, exercise: Exercise, events: list[Event]) -> None:
    demand_start(events)
    now = standing(exercise, events, context.clock())
    if now.attempts_left == 0:
        raise InputError("plus aucun essai", "no attempt left")
    if now.wait_s > 0:
        seconds = int(now.wait_s) + 1
        raise InputError(f"attendez encore {seconds} s", f"wait {seconds} s more")
    status = context.statuses().get(row.lab)
    if not row.lab_wanted or status is None or status.state != "running":
        raise InputError(
            "votre labo ne tourne pas ; démarrez-le, puis vérifiez",
            "your lab does not run; start it, then check",
        )
