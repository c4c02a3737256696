"""What happened in a sitting, written once and read again."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from lab.exercises.report import CheckReport
from lab.store.tables import EventRow, EvidenceRow
from lab.training.contract import Event, EventKind

# What the system writes down, under the name of whose sitting it is.
SYSTEM: tuple[EventKind, ...] = ("note", "lab_lost", "check_failed")


def record(
    session: Session,
    sitting_id: int,
    unix_s: float,
    kind: EventKind,
    by: int,
    data: dict[str, Any] | None = None,
) -> int:
    """Append an event; returns its id. `by` is a person's id."""
    row = EventRow(sitting_id=sitting_id, unix_s=unix_s, kind=kind, by_id=by, data=data or {})
    session.add(row)
    session.flush()
    return row.id


def events_of(session: Session, sitting_id: int) -> list[Event]:
    """All of a sitting, oldest first."""
    return events_by_sitting(session, [sitting_id])[sitting_id]


def events_by_sitting(
    session: Session, sittings: Sequence[int], kinds: Sequence[EventKind] | None = None
) -> dict[int, list[Event]]:
    """Those of several sittings, oldest first; of some kinds only if they are named."""
    found: dict[int, list[Event]] = {sitting: [] for sitting in sittings}
    wanted = select(EventRow).where(EventRow.sitting_id.in_(sittings)).order_by(EventRow.id)
    if kinds is not None:
        wanted = wanted.where(EventRow.kind.in_(kinds))
    for row in session.scalars(wanted):
        found[row.sitting_id].append(msgspec.convert(_fields(row), Event))
    return found


def by_hand() -> ColumnElement[bool]:
    """Of events that somebody did, for a query: a start that a person asked for, not the warm-up that follows it."""
    # A lab that was stopped for a reason (its time was over) was stopped by nobody.
    stopped_by_nobody = and_(EventRow.kind == "lab_stopped", EventRow.data["why"].as_string().is_not(None))
    return ~or_(EventRow.kind.in_(SYSTEM), stopped_by_nobody)


def keep_report(session: Session, event_id: int, report: CheckReport) -> None:
    """Keep a check's evidence beside its event."""
    session.add(EvidenceRow(event_id=event_id, report=zlib.compress(msgspec.json.encode(report), 6)))


def report_of(session: Session, event_id: int) -> CheckReport | None:
    """The report kept with an event."""
    row = session.get(EvidenceRow, event_id)
    return None if row is None else msgspec.json.decode(zlib.decompress(row.report), type=CheckReport)


def _fields(row: EventRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "sitting": row.sitting_id,
        "unix_s": row.unix_s,
        "kind": row.kind,
        "by": row.by_id,
        "data": row.data,
    }
