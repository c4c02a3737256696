"""The matrix trainee × step of a cohort on one exercise, live, or as it was frozen."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.exercises.model import Exercise
from lab.store.tables import EventRow, FrozenRow, Member, PersonRow, SittingRow
from lab.training.claims import claimed
from lab.training.context import Context
from lab.training.contract import Cell, Event, EventKind, Person, Row
from lab.training.events import by_hand, events_by_sitting
from lab.training.opening import lab_state, runtime_of
from lab.training.people import person_of
from lab.training.standing import standing

KINDS: tuple[EventKind, ...] = ("hint", "checked", "paused", "resumed", "lab_started")


class Graded(msgspec.Struct, frozen=True):
    """A row of the matrix with its points."""

    row: Row
    points: float
    points_max: float


def members(session: Session, cohort_id: int) -> list[Person]:
    """In the roster's order."""
    wanted = (
        select(PersonRow).join(Member, Member.person_id == PersonRow.id).where(Member.cohort_id == cohort_id)
    )
    return [person_of(row) for row in session.scalars(wanted.order_by(Member.position))]


def live(context: Context, session: Session, cohort_id: int, exercise: Exercise) -> list[Graded]:
    """From the events, now."""
    people = members(session, cohort_id)
    wanted = select(SittingRow).where(SittingRow.cohort_id == cohort_id, SittingRow.exercise == exercise.id)
    # The latest of each, should there be several.
    rows = {row.person_id: row for row in session.scalars(wanted.order_by(SittingRow.id))}
    ids = [row.id for row in rows.values()]
    events = events_by_sitting(session, ids, KINDS)
    seen = _last_seen(session, ids)
    busy = claimed(session, ids, context.clock())
    statuses = context.statuses() if rows else {}
    made: list[Graded] = []
    for person in people:
        row = rows.get(person.id)
        if row is None:
            made.append(_not_begun(person, exercise))
            continue
        state = lab_state(row, statuses.get(row.lab), busy.get(row.id))
        begun = msgspec.structs.replace(
            _not_begun(person, exercise).row,
            sitting=row.id,
            lab=row.lab,
            lab_state=state,
            runtime=runtime_of(statuses.get(row.lab)),
            last_seen_unix_s=seen.get((row.id, person.id)),
            paused=paused(events[row.id]),
            expires_unix_s=row.expires_unix_s,
        )
        made.append(_graded(begun, exercise, events[row.id], context.clock()))
    return made


def paused(events: Sequence[Event]) -> bool:
    """Whether an instructor paused the lab and did not resume it; a lab that starts runs."""
    said = [event.kind for event in events if event.kind in {"paused", "resumed", "lab_started"}]
    return bool(said) and said[-1] == "paused"


def frozen(session: Session, cohort_id: int, exercise_id: str) -> list[Graded]:
    """As they were when the cohort was archived."""
    wanted = (
        select(FrozenRow)
        .join(Member, (Member.cohort_id == FrozenRow.cohort_id) & (Member.person_id == FrozenRow.person_id))
        .where(FrozenRow.cohort_id == cohort_id, FrozenRow.exercise == exercise_id)
        .order_by(Member.position)
    )
    return [msgspec.convert(row.data, Graded) for row in session.scalars(wanted)]


def freeze(graded: Graded) -> dict[str, Any]:
    """What is kept of a row; its lab is not."""
    row = msgspec.structs.replace(graded.row, lab_state="none", runtime="", paused=False)
    kept: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(graded, row=row))
    return kept


def _graded(row: Row, exercise: Exercise, events: Sequence[Event], now: float) -> Graded:
    found = standing(exercise, events, now)
    return Graded(
        row=msgspec.structs.replace(
            row,
            score=found.score,
            attempts=found.attempts,
            cells=[Cell(step.step, step.outcome, len(step.hints_taken)) for step in found.steps],
        ),
        points=found.points,
        points_max=found.points_max,
    )


def _not_begun(person: Person, exercise: Exercise) -> Graded:
    row = Row(
        person=person,
        sitting=None,
        lab="",
        lab_state="none",
        score=0.0,
        attempts=0,
        last_seen_unix_s=None,
        cells=[Cell(step.id, None, 0) for step in exercise.steps],
    )
    return Graded(row, 0.0, exercise.points)


def _last_seen(session: Session, sittings: Sequence[int]) -> dict[tuple[int, int], float]:
    """When somebody last did something, by sitting and person; what the system noted is nobody's doing."""
    wanted = (
        select(EventRow.sitting_id, EventRow.by_id, func.max(EventRow.unix_s))
        .where(EventRow.sitting_id.in_(sittings), by_hand())
        .group_by(EventRow.sitting_id, EventRow.by_id)
    )
    return {(sitting, by): unix_s for sitting, by, unix_s in session.execute(wanted)}
