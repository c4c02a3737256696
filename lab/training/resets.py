"""Back to an earlier state: one device, the checkpoint, or the lab anew."""

import contextlib
from typing import Literal

from lab.store.tables import SittingRow
from lab.training.claims import claim
from lab.training.configurations import has_checkpoint, wanted
from lab.training.context import Context
from lab.training.contract import Event, Person
from lab.training.editing import demand_editable, setup_text
from lab.training.events import events_of
from lab.training.rows import mark, note, open_row
from lab.training.running import Tell, start_lab
from simulators.errors import InputError, NotFoundError

What = Literal["device", "checkpoint", "lab"]


def checkpoint(context: Context, sitting_id: int, by: Person) -> None:
    """Keep the plant's state and all configurations, in place of the former checkpoint."""
    row = open_row(context, sitting_id)
    with claim(context, sitting_id, "configure"):
        with context.attach(row) as lab:
            lab.request("checkpoint")
        note(context, sitting_id, "checkpoint", by.id)


def reset(
    context: Context, sitting_id: int, by: Person, what: What, device: str | None, progress: Tell
) -> None:
    """Raises: InputError: no such device, or no checkpoint."""
    row = open_row(context, sitting_id)
    if what == "lab":
        _anew(context, row, by, progress)
        return
    with claim(context, sitting_id, "reset"):
        if what == "checkpoint":
            _restore(context, row)
            note(context, sitting_id, "reset", by.id, {"what": what})
        else:
            _device(context, row, by, device)
            note(context, sitting_id, "reset", by.id, {"what": what, "device": device})


def _device(context: Context, row: SittingRow, by: Person, device: str | None) -> None:
    exercise = context.engine.exercise(row.exercise)
    if device is None:
        known = ", ".join(exercise.editable) or "–"
        raise InputError(f"quel équipement ? ({known})", f"which device? ({known})")
    demand_editable(exercise, device, by)
    text = setup_text(context, row, device)
    with context.attach(row) as lab:
        lab.request("configure", device=device, text=text)


def _restore(context: Context, row: SittingRow) -> None:
    with context.database.read() as session:
        events = events_of(session, row.id)
    if not has_checkpoint(events):
        raise InputError(
            "aucun point de reprise ; gardez-en un d'abord", "there is no checkpoint; keep one first"
        )
    after = wanted([*events, Event(0, row.id, 0.0, "reset", row.person_id, {"what": "checkpoint"})])
    with context.attach(row) as lab:
        lab.request("restore")
        # A lab that was started again since has forgotten its checkpoint's configurations; the events have not.
        for device, text in after.items():
            if lab.request("config", device=device)["text"] != text:
                lab.request("configure", device=device, text=text)


def _anew(context: Context, row: SittingRow, by: Person, progress: Tell) -> None:
    """The same seed and parameters, nothing else of what was."""
    with claim(context, row.id, "reset"):
        with contextlib.suppress(NotFoundError):
            context.labs.stop(row.lab, forget=True)
        mark(context, row.id, lab_wanted=False)
        note(context, row.id, "reset", by.id, {"what": "lab"})
    start_lab(context, row.id, by, progress)
