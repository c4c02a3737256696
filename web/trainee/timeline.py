"""What happened in a sitting, in words."""

from dataclasses import dataclass
from typing import Any

from flask_babel import format_decimal, gettext

from lab.exercises.model import Exercise
from lab.training.contract import Event, Sitting
from simulators.errors import InputError, NotFoundError
from simulators.text import Text
from web.language import reader
from web.session import current_person
from web.settings import settings

SECRET = ("fault", "attack")


@dataclass(frozen=True)
class Moment:
    """One event: its kind, its details in words, and by whom if somebody else acted."""

    unix_s: float
    kind: str
    details: str
    by: str


def moments(sitting: Sitting, exercise: Exercise) -> list[Moment]:
    """The latest first. What an instructor did to the line is for the trainee to find out."""
    events = settings().sittings.timeline(sitting.id)
    if current_person().role != "instructor":
        events = [event for event in events if event.kind not in SECRET or event.by == sitting.person.id]
    names = _names(sitting, events)
    return [
        Moment(event.unix_s, event.kind, str(_details(event, exercise)), names.get(event.by, ""))
        for event in reversed(events)
    ]


def _names(sitting: Sitting, events: list[Event]) -> dict[int, str]:
    """Who else acted."""
    found: dict[int, str] = {}
    for person_id in {event.by for event in events} - {sitting.person.id}:
        try:
            found[person_id] = settings().people.person(person_id).display
        except NotFoundError:
            continue
    return found


def _details(event: Event, exercise: Exercise) -> Any:
    data = event.data
    match event.kind:
        case "configuration" | "reverted":
            return str(data.get("device", ""))
        case "hint":
            return gettext(
                "%(step)s, hint %(number)s", step=_step(exercise, data), number=data.get("index", 0) + 1
            )
        case "checked":
            return _outcomes(data)
        case "reset":
            return _reset(data)
        case "extended":
            return gettext("%(minutes)s min", minutes=format_decimal(data.get("minutes", 0)))
        case "check_failed" if data.get("interrupted"):
            return gettext("It was interrupted; no attempt is spent.")
        case "attack":
            return ", ".join(part for part in (str(data.get("attack", "")), _state(data)) if part)
        case "fault" | "note" | "check_failed" | "lab_stopped":
            return _said(data)
    return ""


def _step(exercise: Exercise, data: dict[str, Any]) -> str:
    try:
        return reader(exercise.step(str(data.get("step"))).name)
    except InputError:
        return str(data.get("step"))


def _outcomes(data: dict[str, Any]) -> Any:
    outcomes = list(data.get("steps", {}).values())
    passed = gettext(
        "%(passed)s of %(total)s steps passed", passed=outcomes.count("pass"), total=len(outcomes)
    )
    if not data.get("conclusive", True):
        return gettext("Nothing could be concluded; no attempt is spent.")
    return passed if outcomes else ""


def _state(data: dict[str, Any]) -> str:
    words: dict[str, str] = {
        "began": gettext("began"),
        "ended": gettext("ended"),
        "failed": gettext("failed"),
    }
    return words.get(str(data.get("state")), "")


def _reset(data: dict[str, Any]) -> str:
    words: dict[str, str] = {
        "device": gettext("%(device)s to its first configuration", device=data.get("device", "")),
        "checkpoint": gettext("to the checkpoint"),
        "lab": gettext("a new lab"),
    }
    return words.get(str(data.get("what")), "")


def _said(data: dict[str, Any]) -> str:
    if "fr" in data and "en" in data:
        return reader(Text(fr=str(data["fr"]), en=str(data["en"])))
    known: dict[str, str] = {
        "warmed": gettext("The line has warmed up."),
        "lab_restarted": gettext("The lab was restarted after a crash."),
        "expires_soon": gettext("The lab ends soon, unless you go on working."),
        "expired": gettext("Its time was over."),
        "closed": gettext("The work was closed."),
    }
    for key in ("what", "why"):
        if data.get(key) in known:
            return known[data[key]]
    return ", ".join(str(data[key]) for key in ("attack", "asset", "mode", "why", "what") if data.get(key))
