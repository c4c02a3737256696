"""What a trainee writes: device configurations with every version, and detection rules."""

from typing import Any

from lab.catalog import find_line
from lab.exercises.model import Exercise
from lab.store.tables import SittingRow
from lab.training.claims import claim
from lab.training.configurations import rules as rules_in
from lab.training.configurations import versions, wanted
from lab.training.context import Context, row_of
from lab.training.contract import Event, Person
from lab.training.events import events_of
from lab.training.opening import parameters
from lab.training.rows import current_exercise, note, open_row
from simulators.devices import kind
from simulators.errors import InputError

TEXT_MAX = 64 * 1024


def demand_editable(exercise: Exercise, device: str, by: Person) -> None:
    """Raises: InputError: a trainee is not to see, change or reset that device; says which ones are theirs.

    A setup's text may hold values that are hidden from trainees.
    """
    if device in exercise.editable or by.role == "instructor":
        return
    known = ", ".join(exercise.editable) or "–"
    raise InputError(
        f"{device} ne se modifie pas dans cet exercice ; seuls : {known}",
        f"{device} is not to be edited in this exercise; only: {known}",
    )


def configuration(context: Context, sitting_id: int, by: Person, device: str) -> dict[str, Any]:
    """Text in force, the setup's, every earlier one, and the JSON Schema if there is one; with or without its lab."""
    row, events = _read(context, sitting_id)
    exercise = context.engine.exercise(row.exercise)
    demand_editable(exercise, device, by)
    spec = find_line(exercise.line).device(device)
    default = setup_text(context, row, device)
    text = wanted(events).get(device, default)
    made = versions(events, device)
    earlier = made[:-1] if made and made[-1]["text"] == text else made
    moved = context.moved(row)
    return {
        "text": moved.text(text),
        "default": moved.text(default),
        "versions": [{**version, "text": moved.text(version["text"])} for version in earlier],
        "schema": kind(spec.kind).SCHEMA,
    }


def setup_text(context: Context, row: SittingRow, device: str) -> str:
    """What the exercise starts the device with: its own text, or the line's."""
    exercise = context.engine.exercise(row.exercise)
    drawn = parameters(context, exercise, row.person_id, row.version)
    texts = context.engine.configurations(exercise, drawn)
    if device in texts:
        return texts[device]
    line = find_line(exercise.line)
    config = line.device(device).config
    return line.text_of(config) if config else ""


def examine(context: Context, sitting_id: int, by: Person, device: str, text: str) -> None:
    """Raises: InputError: the device would not take `text`; carries the line. Nothing changed."""
    check_length(text)
    with context.database.read() as session:
        row = row_of(session, sitting_id)
    exercise = context.engine.exercise(row.exercise)
    demand_editable(exercise, device, by)
    spec = find_line(exercise.line).device(device)
    kind(spec.kind).parse(text, spec.config or f"{spec.id}.yaml")
    # Tags, devices and files that it names: only the lab knows which there are.
    status = context.statuses().get(row.lab)
    if row.lab_wanted and status is not None and status.state == "running":
        with context.labs.attach(row.lab) as lab:
            lab.request("check", device=device, text=text)


def configure(context: Context, sitting_id: int, by: Person, device: str, text: str) -> None:
    """Raises: InputError: not one of `editable`, too long, or refused by the device; nothing changed."""
    row = open_row(context, sitting_id)
    exercise = current_exercise(context, row)
    demand_editable(exercise, device, by)
    check_length(text)
    text = context.moved(row).back.text(text)
    with claim(context, sitting_id, "configure"):
        with context.attach(row) as lab:
            lab.request("configure", device=device, text=text)
        with context.database.read() as session:
            former = versions(events_of(session, sitting_id), device)
        known_as = next((version["id"] for version in reversed(former) if version["text"] == text), None)
        data = {"device": device, "text": text}
        if known_as is None and text == setup_text(context, row, device):
            known_as = 0
        if known_as is None:
            note(context, sitting_id, "configuration", by.id, data)
        else:
            note(context, sitting_id, "reverted", by.id, {**data, "to": known_as})


def rules(context: Context, sitting_id: int) -> str:
    """The detection rules that were saved last, in the addresses of the sitting's lab."""
    row, events = _read(context, sitting_id)
    return context.moved(row).text(rules_in(events))


def save_rules(context: Context, sitting_id: int, by: Person, text: str) -> None:
    """Raises: InputError: these are no rules; nothing changed."""
    row = open_row(context, sitting_id)
    check_length(text)
    current_exercise(context, row)
    context.engine.check_rules(text)
    note(context, sitting_id, "rules", by.id, {"text": context.moved(row).back.text(text)})


def check_length(text: str) -> None:
    """Raises: InputError: too long to be kept, or not text."""
    if len(text.encode("utf-8", "replace")) > TEXT_MAX or "\0" in text:
        raise InputError(
            f"texte refusé : {TEXT_MAX // 1024} Kio au plus, sans caractère nul",
            f"text refused: {TEXT_MAX // 1024} KiB at most, without a null character",
        )


def _read(context: Context, sitting_id: int) -> tuple[SittingRow, list[Event]]:
    with context.database.read() as session:
        return row_of(session, sitting_id), events_of(session, sitting_id)
