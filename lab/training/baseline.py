"""What must hold before the trainee acts: where it does not, the lab is at fault, and no attempt may be spent on it."""

from collections.abc import Sequence

from lab.exercises.model import Exercise
from lab.exercises.report import CheckReport
from lab.store.tables import SittingRow
from lab.training.configurations import wanted
from lab.training.context import Context
from lab.training.contract import Event
from lab.training.events import events_of
from lab.training.opening import parameters
from lab.training.rows import note
from simulators.errors import InputError
from simulators.text import Text

HELD = Text(fr="L'état de départ est celui qu'il faut.", en="The starting state is as it should be.")


def look_at_start(context: Context, row: SittingRow, exercise: Exercise) -> None:
    """Observe the baseline of a lab that the trainee has not changed, and write down what was seen. Raises: UsineError."""
    with context.database.read() as session:
        events = events_of(session, row.id)
    if not exercise.baseline or wanted(events):
        return
    drawn = parameters(context, exercise, row.person_id, row.version)
    report = context.engine.baseline(exercise, context.labs, row.lab, drawn)
    said = report.trouble or HELD
    data = {"what": "baseline", "broken": _broken(report), "fr": said.fr, "en": said.en}
    note(context, row.id, "note", row.person_id, data)


def demand_start(events: Sequence[Event]) -> None:
    """Raises: InputError: the lab was seen not to be in its starting state."""
    seen = [event for event in events if event.kind == "note" and event.data.get("what") == "baseline"]
    if seen and seen[-1].data["broken"]:
        raise InputError(
            "votre labo n'était pas dans son état de départ, ce n'est pas de votre fait ; remettez-le à neuf, puis vérifiez",
            "your lab was not in its starting state, through no fault of yours; reset the lab, then check",
        )


def _broken(report: CheckReport) -> bool:
    """What could not be observed, on a busy machine, proves nothing against the lab."""
    return any(step.outcome == "fail" for step in report.steps)
