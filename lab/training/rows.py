"""A sitting's row and its events: read, changed, added to."""

from typing import Any

from sqlalchemy import update

from lab.exercises.model import Exercise
from lab.store.tables import SittingRow
from lab.training.context import Context, row_of
from lab.training.contract import EventKind
from lab.training.events import events_by_sitting, record
from simulators.errors import InputError


def open_row(context: Context, sitting_id: int) -> SittingRow:
    """Raises: NotFoundError. InputError: it is closed."""
    with context.database.read() as session:
        row = row_of(session, sitting_id)
    if row.closed:
        raise InputError(
            "ce travail est clos ; ouvrez l'exercice à nouveau depuis le catalogue",
            "this work is closed; open the exercise again from the catalogue",
        )
    return row


def current_exercise(context: Context, row: SittingRow) -> Exercise:
    """Raises: InputError: the exercise has changed since the sitting was opened."""
    exercise = context.engine.exercise(row.exercise)
    if exercise.version != row.version:
        raise InputError(
            f"l'exercice a changé (version {exercise.version}) ; ouvrez-le à nouveau depuis le catalogue",
            f"the exercise has changed (version {exercise.version}); open it again from the catalogue",
        )
    return exercise


def note(
    context: Context, sitting_id: int, kind: EventKind, by: int, data: dict[str, Any] | None = None
) -> int:
    """Append one event."""
    with context.database.write() as session:
        return record(session, sitting_id, context.clock(), kind, by, data)


def note_loss(context: Context, sitting_id: int, by: int) -> None:
    """Append that the lab is lost, once a loss."""
    with context.database.write() as session:
        lab_events = events_by_sitting(session, [sitting_id], ("lab_started", "lab_lost"))[sitting_id]
        if not lab_events or lab_events[-1].kind != "lab_lost":
            record(session, sitting_id, context.clock(), "lab_lost", by)


def mark(context: Context, sitting_id: int, **values: object) -> None:
    """Change fields of the sitting itself."""
    with context.database.write() as session:
        session.execute(update(SittingRow).where(SittingRow.id == sitting_id).values(**values))
