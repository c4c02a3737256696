"""The lab of a sitting: started, started again after a loss, stopped, its time to live."""

import contextlib
from collections.abc import Callable
from typing import Any

from lab.exercises.model import Exercise
from lab.store.tables import SittingRow
from lab.training.claims import claim
from lab.training.configurations import wanted
from lab.training.context import Context, row_of
from lab.training.contract import Person
from lab.training.events import events_of, record
from lab.training.opening import parameters
from lab.training.rows import current_exercise, mark, note, note_loss, open_row
from lab.training.warming import warm_in_background
from simulators.errors import InputError, NotFoundError, UsineError

Tell = Callable[[dict[str, Any]], None]
MINUTES_MAX = 24 * 60.0


def start_lab(
    context: Context,
    sitting_id: int,
    by: Person,
    progress: Tell,
    warm: Callable[[Context, int], None] = warm_in_background,
) -> None:
    """Start the lab as `setup` says, with the configurations that the trainee had; none if it runs already.

    Once it runs, `warm` is called if the exercise wants a warm-up, or its starting state made sure of.

    Raises:
        UsineError: it does not start; nothing of it is left.
    """
    with claim(context, sitting_id, "start"):
        row = open_row(context, sitting_id)
        exercise = current_exercise(context, row)
        status = context.statuses().get(row.lab)
        if row.lab_wanted and status is not None and status.state == "running":
            return
        if row.lab_wanted and status is None:
            note_loss(context, sitting_id, by.id)
        try:
            if status is not None:
                context.labs.stop(row.lab)
            _launch(context, row, exercise, progress)
        except UsineError as error:
            _abandon(context, row, by, error)
            raise
        _started(context, row, exercise, by)
    if exercise.setup.warm_up_s or exercise.baseline:
        warm(context, sitting_id)


def stop_lab(context: Context, sitting_id: int, by: Person, why: str = "") -> None:
    """End the lab; what the trainee configured is kept."""
    with claim(context, sitting_id, "stop"):
        with context.database.read() as session:
            row = row_of(session, sitting_id)
        with contextlib.suppress(NotFoundError):
            context.labs.stop(row.lab)
        mark(context, sitting_id, lab_wanted=False)
        note(context, sitting_id, "lab_stopped", by.id, {"why": why} if why else {})


def extend(context: Context, sitting_id: int, by: Person, minutes: float) -> None:
    """More time to live, from its end or from now, whichever is later; less, if negative. Raises: InputError."""
    if not 0 < abs(minutes) <= MINUTES_MAX:
        raise InputError(
            f"{minutes:g} min : choisissez de 1 à {MINUTES_MAX:g}",
            f"{minutes:g} min: choose from 1 to {MINUTES_MAX:g}",
        )
    row = open_row(context, sitting_id)
    now = context.clock()
    expires = max(max(row.expires_unix_s or now, now) + 60 * minutes, now)
    mark(context, sitting_id, expires_unix_s=expires)
    note(context, sitting_id, "extended", by.id, {"minutes": minutes, "expires_unix_s": expires})


def _launch(context: Context, row: SittingRow, exercise: Exercise, progress: Tell) -> None:
    """Raises: UsineError."""
    context.labs.start(
        exercise.line,
        row.lab,
        seed=row.lab_seed,
        speed=exercise.setup.speed,
        progress=progress,
        runtime=context.runtime,
    )
    set_up(context, row, exercise, progress)


def set_up(context: Context, row: SittingRow, exercise: Exercise, progress: Tell) -> None:
    """Bring a lab that has just started to where the trainee was: the setup, then their texts. Raises: UsineError."""
    drawn = parameters(context, exercise, row.person_id, row.version)
    with context.database.read() as session:
        texts = wanted(events_of(session, row.id))
    with context.attach(row) as lab:
        context.engine.set_up(exercise, lab, drawn, progress)
        for device, text in texts.items():
            if lab.request("config", device=device)["text"] != text:
                lab.request("configure", device=device, text=text)


def _started(context: Context, row: SittingRow, exercise: Exercise, by: Person) -> None:
    now = context.clock()
    expires = max(row.expires_unix_s or 0.0, now + 60 * exercise.time_to_live_min)
    with context.database.write() as session:
        mine = row_of(session, row.id)
        mine.lab_wanted, mine.expires_unix_s = True, expires
        data = {"seed": row.lab_seed, "expires_unix_s": expires, "restarts": 0}
        record(session, row.id, now, "lab_started", by.id, data)


def _abandon(context: Context, row: SittingRow, by: Person, error: UsineError) -> None:
    with contextlib.suppress(UsineError):
        context.labs.stop(row.lab)
    mark(context, row.id, lab_wanted=False)
    note(context, row.id, "note", by.id, {"what": "start_failed", "fr": error.text.fr, "en": error.text.en})
