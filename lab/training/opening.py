"""Sittings: opened, listed, found again."""

import re
import secrets
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lab.exercises.model import Exercise
from lab.labs import LabStatus
from lab.paths import check_name
from lab.store.tables import PersonRow, SittingRow
from lab.training.claims import claimed
from lab.training.context import Context, row_of
from lab.training.contract import LabState, Person, Sitting
from lab.training.events import record
from lab.training.people import people_of
from simulators.errors import NotFoundError

SEEDS = 1 << 31


def open_sitting(
    context: Context, person: Person, exercise_id: str, cohort: int | None, by: Person | None = None
) -> int:
    """The id of the person's open sitting on the exercise's present version, or of a new one.

    A cohort takes over what its member began alone.
    """
    exercise = context.engine.exercise(exercise_id)
    now = context.clock()
    with context.database.write() as session:
        # Two clicks at once open one.
        session.scalars(select(PersonRow).where(PersonRow.id == person.id).with_for_update()).one()
        for row in _open_rows(session, person.id, exercise_id, cohort):
            if row.version == exercise.version:
                row.cohort_id = row.cohort_id or cohort
                return row.id
            row.closed = True
        row = SittingRow(
            person_id=person.id,
            exercise=exercise.id,
            version=exercise.version,
            cohort_id=cohort,
            lab=lab_name(exercise.id, person.name),
            lab_seed=secrets.randbelow(SEEDS),
            lab_wanted=False,
            opened_unix_s=now,
            closed=False,
        )
        session.add(row)
        session.flush()
        data = {"exercise": exercise.id, "version": exercise.version}
        record(session, row.id, now, "opened", (by or person).id, data)
        return row.id


def lab_name(exercise_id: str, person_name: str) -> str:
    """A name that a person can tell apart and nobody can guess."""
    words = re.sub(r"[^a-z0-9-]", "", f"{exercise_id[:12].rstrip('-')}-{person_name[:12]}")
    return check_name(f"{words}-{secrets.token_hex(5)}")


def sittings_of(context: Context, person: Person) -> list[Sitting]:
    """All of a person, the newest first."""
    wanted = select(SittingRow).where(SittingRow.person_id == person.id)
    with context.database.read() as session:
        return seen(context, session, session.scalars(wanted.order_by(SittingRow.id.desc())).all())


def sitting(context: Context, sitting_id: int) -> Sitting:
    """Raises: NotFoundError."""
    with context.database.read() as session:
        return seen(context, session, [row_of(session, sitting_id)])[0]


def seen(context: Context, session: Session, rows: Sequence[SittingRow]) -> list[Sitting]:
    """Rows as everybody else sees them, with the state of their labs."""
    people = people_of(session, [row.person_id for row in rows])
    busy = claimed(session, [row.id for row in rows], context.clock())
    statuses = context.statuses() if rows else {}
    return [
        Sitting(
            id=row.id,
            person=people[row.person_id],
            exercise=row.exercise,
            version=row.version,
            cohort=row.cohort_id,
            lab=row.lab,
            lab_state=lab_state(row, statuses.get(row.lab), busy.get(row.id)),
            runtime=runtime_of(statuses.get(row.lab)),
            opened_unix_s=row.opened_unix_s,
            expires_unix_s=row.expires_unix_s,
            closed=row.closed,
            parameters=_visible(context, row),
            subnets=status.subnets if (status := statuses.get(row.lab)) is not None else {},
        )
        for row in rows
    ]


def lab_state(row: SittingRow, status: LabStatus | None, busy: str | None) -> LabState:
    """`lost`: it should run and does not, or runs and was never set up to the end: start it again."""
    if busy == "start":
        return "starting"
    if status is not None:
        return status.state if row.lab_wanted else "lost"
    return "lost" if row.lab_wanted else "none"


def runtime_of(status: LabStatus | None) -> str:
    """What carries the lab, nothing where none runs."""
    return "" if status is None else status.runtime


def parameters(context: Context, exercise: Exercise, person_id: int, version: int) -> dict[str, object]:
    """What was drawn for the person, hidden values too."""
    as_it_was = msgspec.structs.replace(exercise, version=version)
    return context.engine.parameters(as_it_was, context.secret, f"person-{person_id}")


def _visible(context: Context, row: SittingRow) -> dict[str, object]:
    try:
        exercise = context.engine.exercise(row.exercise)
    except NotFoundError:  # it was withdrawn; the work stays readable
        return {}
    if exercise.version != row.version:
        return {}
    drawn = parameters(context, exercise, row.person_id, row.version)
    return {name: value for name, value in drawn.items() if not exercise.parameters[name].hidden}


def _open_rows(
    session: Session, person_id: int, exercise_id: str, cohort: int | None
) -> Iterable[SittingRow]:
    wanted = (
        select(SittingRow)
        .where(SittingRow.person_id == person_id, SittingRow.exercise == exercise_id)
        .where(SittingRow.closed.is_(False))
    )
    if cohort is not None:
        wanted = wanted.where(or_(SittingRow.cohort_id == cohort, SittingRow.cohort_id.is_(None)))
    # The cohort's own comes before one that the member began alone.
    return session.scalars(wanted.order_by(SittingRow.cohort_id.is_(None), SittingRow.id.desc())).all()
