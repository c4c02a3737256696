"""Where everybody begins: the lines that run for the reader, and their exercises; an instructor's classes beside them."""

from dataclasses import dataclass

import msgspec
from flask import Blueprint, render_template, session
from flask.typing import ResponseReturnValue

from lab.catalog import find_line
from lab.labs import LabStatus
from lab.training.contract import Cohort, Person, Sitting
from simulators.errors import NotFoundError, UsineError
from simulators.snapshot import Snapshot
from simulators.text import Text
from web import access
from web.language import reader
from web.live import common
from web.session import current_person
from web.settings import settings
from web.trainee.catalogue import Card, all_cards
from web.trainee.terms import terms

blueprint = Blueprint("overview", __name__)
HIDDEN = "hidden-"  # labs of hidden runs, which end by themselves
LINES_MAX = 6
CARDS_MAX = 9


@dataclass(frozen=True)
class RunningLine:
    """A lab of the reader's. `seen` None: it does not answer now. `sitting`: whose lab it is, if it is an exercise's."""

    status: LabStatus
    name: str
    seen: Snapshot | None
    sitting: Sitting | None
    exercise: str

    @property
    def state(self) -> str:
        """Of the lamp: the lab's own, or `paused`."""
        if self.status.state == "running" and self.seen is None:
            return "starting"
        return "paused" if self.seen is not None and self.seen.paused else self.status.state

    @property
    def alarms(self) -> list[tuple[int, int]]:
        """(priority, number) of the active ones, most urgent first."""
        found = [alarm.priority for alarm in (self.seen.alarms if self.seen else [])]
        return [(priority, found.count(priority)) for priority in sorted(set(found))]

    @property
    def devices_ok(self) -> int:
        return sum(device.health.state == "ok" for device in (self.seen.devices if self.seen else []))


@blueprint.get("/")
@access.signed_in
def show() -> ResponseReturnValue:
    """The reader's lines and exercises, and classes if they have any."""
    cards = all_cards()
    return render_template(
        "home.html",
        **_shown(),
        cards=_first(cards),
        total=len(cards),
        cohorts=_cohorts(),
        terms=terms(),
        by_link=session.get("by_link", False),
        data=common(),
    )


@blueprint.get("/lines")
@access.signed_in
def lines() -> ResponseReturnValue:
    """The part of the first page that changes while the lines run; its module puts it in place."""
    return render_template("_lines.html", **_shown())


@blueprint.get("/labs")
@access.instructor
def labs() -> ResponseReturnValue:
    """All labs that run."""
    return render_template("overview.html", labs=settings().labs.list())


def _shown() -> dict[str, object]:
    running = _mine(current_person())
    return {
        "lines": [_line(status, sitting) for status, sitting in running[:LINES_MAX]],
        "more": running[LINES_MAX:],
    }


def _mine(person: Person) -> list[tuple[LabStatus, Sitting | None]]:
    """Labs of the person's own sittings; for an instructor, those too that are nobody's (`lab up`, `lab start`)."""
    own = {sitting.lab: sitting for sitting in settings().sittings.of(person)}
    held = settings().sittings.held_labs() if person.role == "instructor" else set()
    found: list[tuple[LabStatus, Sitting | None]] = []
    for status in settings().labs.list():
        free = person.role == "instructor" and status.name not in held and not status.name.startswith(HIDDEN)
        if status.name in own or free:
            found.append((status, own.get(status.name)))
    # What was started last is what one came for.
    return sorted(found, key=lambda one: -one[0].started_unix_s)


def _line(status: LabStatus, sitting: Sitting | None) -> RunningLine:
    return RunningLine(
        status=status,
        name=reader(_line_name(status.line)),
        seen=_seen(status),
        sitting=sitting,
        exercise=_title(sitting) if sitting else "",
    )


def _seen(status: LabStatus) -> Snapshot | None:
    if status.state != "running":
        return None
    try:
        with settings().labs.attach(status.name) as lab:
            return msgspec.convert(lab.request("snapshot"), Snapshot)
    except (UsineError, OSError):
        return None


def _line_name(line: str) -> Text:
    try:
        return find_line(line).name
    except UsineError:  # a line that was given by its path
        return Text(fr=line, en=line)


def _title(sitting: Sitting) -> str:
    try:
        return reader(settings().sittings.exercise(sitting.exercise).title)
    except NotFoundError:
        return sitting.exercise


def _first(cards: list[Card]) -> list[Card]:
    """Those begun before the others, as many as a first page holds."""
    return sorted(cards, key=lambda card: card.sitting is None or card.sitting.closed)[:CARDS_MAX]


def _cohorts() -> list[Cohort]:
    if current_person().role != "instructor":
        return []
    return [cohort for cohort in settings().cohorts.all() if not cohort.archived]
