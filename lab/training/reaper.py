"""Looks after labs that nobody looks after: at their time's end, lost, left behind, restarted after a crash."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from lab.labs import LabStatus
from lab.store.tables import EventRow, SittingRow
from lab.training.claims import claim, claimed
from lab.training.context import Context, row_of
from lab.training.contract import Event, EventKind, Person
from lab.training.events import by_hand, events_by_sitting
from lab.training.people import people_of
from lab.training.rows import note, note_loss
from lab.training.running import set_up, stop_lab
from lab.training.standing import interrupted
from lab.training.warming import warm_in_background
from simulators.errors import InputError, NotFoundError, UsineError

# Said this long before the end; and whoever did something this lately keeps the lab beyond it.
WARNING_S, IDLE_S = 15 * 60.0, 10 * 60.0
KINDS: tuple[EventKind, ...] = (
    "lab_started", "lab_lost", "note", "extended", "check_started", "checked", "check_failed",
)  # fmt: skip
# What events and notes say of a lab's run.
RUNS = ("lab_started", "lab_restarted", "warmed")
log = logging.getLogger(__name__)


def sweep(context: Context) -> None:
    """Once, over every sitting with a lab; one that fails stops nothing, one that is busy is left alone."""
    now = context.clock()
    statuses = context.statuses()
    with context.database.read() as session:
        wanted = select(SittingRow).where(or_(SittingRow.lab_wanted, SittingRow.lab.in_(statuses)))
        rows = session.scalars(wanted).all()
        ids = [row.id for row in rows]
        busy = claimed(session, ids, now)
        events = events_by_sitting(session, ids, KINDS)
        people = people_of(session, [row.person_id for row in rows])
    for row in rows:
        if row.id in busy:
            continue
        sitting = Seen(row, people[row.person_id], statuses.get(row.lab), events[row.id], now)
        try:
            _look_after(context, sitting)
        except InputError:
            continue  # something began meanwhile
        except UsineError as error:
            log.warning("sweep of sitting %s: %s", row.id, error)


def keep_sweeping(context: Context, every_s: float) -> Callable[[], None]:
    """In a thread, until the function that is returned is called."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(every_s):
            try:
                sweep(context)
            except Exception:  # the next one may do better; the pages go on
                log.exception("sweep")

    thread = threading.Thread(target=work, daemon=True, name="sweep")
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


@dataclass(frozen=True)
class Seen:
    """A sitting as the sweep found it."""

    row: SittingRow
    person: Person
    status: LabStatus | None
    events: list[Event]
    now: float


def _look_after(context: Context, seen: Seen) -> None:
    row = seen.row
    if interrupted(seen.events):
        note(context, row.id, "check_failed", row.person_id, {"interrupted": True})
    if seen.status is not None and not row.lab_wanted:
        _end_leftover(context, row)
    elif row.closed:
        stop_lab(context, row.id, seen.person, "closed")
    elif seen.status is None:
        note_loss(context, row.id, row.person_id)
    elif seen.status.state == "running" and seen.status.restarts > _restarts(seen.events):
        _set_up_again(context, seen, seen.status)
    elif seen.status.state == "running" and _cold(context, seen):
        warm_in_background(context, row.id)
    elif row.expires_unix_s is not None:
        _watch_time(context, seen, row.expires_unix_s)


def _watch_time(context: Context, seen: Seen, expires_unix_s: float) -> None:
    row = seen.row
    if seen.now >= expires_unix_s:
        if seen.now - _last_seen(context, row) >= IDLE_S:
            stop_lab(context, row.id, seen.person, "expired")
    elif expires_unix_s - seen.now <= WARNING_S and not _warned(seen.events, expires_unix_s):
        data = {"what": "expires_soon", "expires_unix_s": expires_unix_s}
        note(context, row.id, "note", row.person_id, data)


def _cold(context: Context, seen: Seen) -> bool:
    """Whether its warm-up was cut short, or never began."""
    try:
        exercise = context.engine.exercise(seen.row.exercise)
        if not (exercise.setup.warm_up_s or exercise.baseline):
            return False
    except NotFoundError:  # the exercise was withdrawn
        return False
    runs = [str(event.data.get("what", event.kind)) for event in seen.events]
    last = [run for run in runs if run in RUNS]
    return bool(last) and last[-1] != "warmed"


def _end_leftover(context: Context, row: SittingRow) -> None:
    """A lab whose start was cut short: it was never set up to the end."""
    with claim(context, row.id, "stop"):
        with context.database.read() as session:
            left = not row_of(session, row.id).lab_wanted
        if left:
            context.labs.stop(row.lab)


def _set_up_again(context: Context, seen: Seen, status: LabStatus) -> None:
    """The supervisor restarted a lab that crashed; its faults and its speed are those of the line, not ours."""
    row = seen.row
    with claim(context, row.id, "start"):
        exercise = context.engine.exercise(row.exercise)
        set_up(context, row, exercise, lambda _message: None)
        note(context, row.id, "note", row.person_id, {"what": "lab_restarted", "restarts": status.restarts})


def _restarts(events: list[Event]) -> int:
    """How many restarts of the lab were seen to."""
    known = [event.data["restarts"] for event in events if "restarts" in event.data]
    return int(known[-1]) if known else 0


def _warned(events: list[Event], expires_unix_s: float) -> bool:
    return any(
        event.data.get("what") == "expires_soon" and event.data["expires_unix_s"] == expires_unix_s
        for event in events
    )


def _last_seen(context: Context, row: SittingRow) -> float:
    """When somebody last did something in it; what the system notes does not count."""
    with context.database.read() as session:
        last = session.scalar(
            select(func.max(EventRow.unix_s)).where(EventRow.sitting_id == row.id, by_hand())
        )
    return last or 0.0
