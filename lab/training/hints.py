"""Hints: in their order, at their price, when they are due."""

from collections.abc import Sequence

from sqlalchemy import select

from lab.exercises.model import Hint, Step
from lab.exercises.score import cost_points
from lab.store.tables import SittingRow
from lab.training.context import Context, row_of
from lab.training.contract import Event, HintOffer, Person
from lab.training.events import events_of, record
from lab.training.rows import current_exercise, open_row
from lab.training.standing import hints_taken
from simulators.errors import InputError


def offers(context: Context, sitting_id: int) -> list[HintOffer]:
    """The next hint of each step that has one left."""
    with context.database.read() as session:
        row = row_of(session, sitting_id)
        events = events_of(session, sitting_id)
    exercise = context.engine.exercise(row.exercise)
    found = (offer(step, events, context.clock()) for step in exercise.steps)
    return [made for made in found if made is not None]


def offer(step: Step, events: Sequence[Event], now: float) -> HintOffer | None:
    """The next hint of `step`; its minutes are counted from the lab's first start. Pure."""
    index = len({i for _unix_s, of, i in hints_taken(events) if of == step.id})
    if index >= len(step.hints):
        return None
    hint = step.hints[index]
    begun = next((event.unix_s for event in events if event.kind == "lab_started"), now)
    return HintOffer(
        step=step.id,
        index=index,
        cost_points=cost_points(hint.cost, step.points),
        available_in_s=max(0.0, begun + 60 * hint.after_min - now),
    )


def take(context: Context, sitting_id: int, by: Person, step_id: str) -> Hint:
    """Raises: InputError: none left, or not yet."""
    exercise = current_exercise(context, open_row(context, sitting_id))
    step = exercise.step(step_id)
    now = context.clock()
    with context.database.write() as session:
        # Two clicks at once take one hint after the other, not the same one twice.
        session.scalars(select(SittingRow).where(SittingRow.id == sitting_id).with_for_update()).one()
        made = offer(step, events_of(session, sitting_id), now)
        if made is None:
            raise InputError(f"plus d'indice pour {step.name.fr}", f"no hint left for {step.name.en}")
        if made.available_in_s > 0:
            minutes = int(made.available_in_s // 60) + 1
            raise InputError(
                f"cet indice s'ouvre dans {minutes} min", f"this hint can be taken in {minutes} min"
            )
        data = {"step": step_id, "index": made.index, "cost_points": made.cost_points}
        record(session, sitting_id, now, "hint", by.id, data)
    return step.hints[made.index]
