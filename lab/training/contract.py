"""What pages and commands may ask of the training side, and what they are answered."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Protocol

import msgspec

from lab.exercises.model import Exercise, Hint
from lab.exercises.report import CheckReport, Outcome, Progress
from simulators.text import Text

Role = Literal["trainee", "instructor"]
LabState = Literal["none", "starting", "running", "failed", "lost"]
EventKind = Literal[
    "opened", "lab_started", "lab_stopped", "lab_lost", "configuration", "reverted", "rules", "hint",
    "check_started", "checked", "check_failed", "reset", "checkpoint", "extended", "fault", "attack", "paused", "resumed", "note",
]  # fmt: skip


class Person(msgspec.Struct, frozen=True):
    """An account. `id_number` is what the LMS knows it by (Moodle), may be empty."""

    id: int
    name: str
    display: str
    role: Role
    email: str = ""
    id_number: str = ""
    active: bool = True
    language: Literal["fr", "en"] = "fr"


class Link(msgspec.Struct, frozen=True):
    """A one-time login: `token` is shown once and only its hash kept."""

    person: Person
    token: str
    expires_unix_s: float


class Event(msgspec.Struct, frozen=True):
    """One thing that happened in a sitting; never changed, never deleted."""

    id: int
    sitting: int
    unix_s: float
    kind: EventKind
    by: int
    data: dict[str, Any] = {}


class StepStanding(msgspec.Struct, frozen=True):
    """Of one step. `earned` points are net of `hint_cost`; `hints_taken` are indexes, in order."""

    step: str
    points: float
    outcome: Outcome | None
    earned: float
    hint_cost: float
    hints_taken: list[int]


class Standing(msgspec.Struct, frozen=True):
    """Derived from the events alone. `score` is out of 100; `cap` is what gates left of it at the best check."""

    score: float
    cap: float
    points: float
    points_max: float
    attempts: int
    attempts_left: int | None
    wait_s: float
    steps: list[StepStanding]
    last: CheckReport | None = None


class Sitting(msgspec.Struct, frozen=True):
    """One person's work on one exercise. It outlives labs, browsers and restarts; `parameters` are without the hidden ones.

    `runtime` carries the lab that runs, `subnets` (zone → subnet) are those of that lab.
    """

    id: int
    person: Person
    exercise: str
    version: int
    cohort: int | None
    lab: str
    lab_state: LabState
    opened_unix_s: float
    expires_unix_s: float | None
    closed: bool
    parameters: dict[str, Any]
    runtime: str = ""
    subnets: dict[str, str] = {}


class HintOffer(msgspec.Struct, frozen=True):
    """The next hint of a step: its price in points of that step and when it may be taken (0: now)."""

    step: str
    index: int
    cost_points: float
    available_in_s: float


class People(Protocol):
    """Accounts. A name is what a person signs in with; passwords and tokens are kept as hashes only."""

    def all(self) -> list[Person]: ...

    def person(self, person_id: int) -> Person:
        """Raises: NotFoundError."""
        ...

    def owner(self) -> Person:
        """The account of who runs this machine: an instructor, made at the first call."""
        ...

    def authenticate(self, name: str, password: str) -> Person:
        """Raises: InputError: wrong, or too many failures; the same words whether the name exists or not."""
        ...

    def link(self, person: Person, minutes: float = ...) -> Link:
        """A login that works once, within `minutes`; several may be unspent at a time."""
        ...

    def enter(self, token: str) -> Person | None:
        """Who a one-time link is for, and it is spent; None if it never was, was used, or is out of date."""
        ...

    def set_password(self, person: Person, password: str) -> None:
        """Raises: InputError: against the policy."""
        ...

    def set_active(self, person: Person, active: bool) -> None:
        """One that is not active cannot log in; its work stays."""
        ...


class Sittings(Protocol):
    """A trainee's work. Every call checks nothing about who asks: the pages do (`web.access`)."""

    def exercises(self) -> list[Exercise]: ...

    def exercise(self, exercise_id: str) -> Exercise:
        """Raises: NotFoundError."""
        ...

    def unavailable(self, exercise: Exercise) -> Text | None:
        """Why this machine cannot carry the exercise, None if it can."""
        ...

    def open(self, person: Person, exercise_id: str, cohort: int | None = None) -> Sitting:
        """The person's open sitting on it, or a new one."""
        ...

    def of(self, person: Person) -> list[Sitting]: ...

    def sitting(self, sitting_id: int) -> Sitting:
        """Raises: NotFoundError."""
        ...

    def held_labs(self) -> set[str]:
        """The names of all labs that are some sitting's, running or not."""
        ...

    def standing(self, sitting_id: int) -> Standing: ...

    def timeline(self, sitting_id: int) -> list[Event]: ...

    def start_lab(
        self, sitting_id: int, by: Person, progress: Callable[[dict[str, Any]], None] = ...
    ) -> Sitting:
        """Start its lab as `setup` says, or find it running; progress is told `{"device", "state"}`."""
        ...

    def stop_lab(self, sitting_id: int, by: Person) -> Sitting: ...

    def extend(self, sitting_id: int, by: Person, minutes: float) -> Sitting: ...

    def reset(
        self,
        sitting_id: int,
        by: Person,
        what: Literal["device", "checkpoint", "lab"],
        device: str | None = None,
    ) -> Sitting:
        """A device to its setup configuration, plant and configurations to the checkpoint, or the lab anew.

        Raises:
            InputError: no such device, or not one that `by` may reset; no checkpoint.
        """
        ...

    def checkpoint(self, sitting_id: int, by: Person) -> Sitting:
        """Keep the plant's state and all configurations, in place of the former checkpoint."""
        ...

    def configuration(self, sitting_id: int, by: Person, device: str) -> dict[str, Any]:
        """{"text", "default", "versions": [{"id", "unix_s", "text"}], "schema"}: default is the setup's.

        Raises:
            InputError: `by` is a trainee, and the device is not one of `editable`.
        """
        ...

    def configure(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        """Raises: InputError: not one of `editable` (for a trainee), or refused by the device; nothing changed."""
        ...

    def examine(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        """Whether the device would take `text`; what its lab alone knows is looked at while that runs.

        Raises:
            InputError: it would not; carries the line, and nothing changed.
        """
        ...

    def rules(self, sitting_id: int) -> str: ...

    def save_rules(self, sitting_id: int, by: Person, text: str) -> None:
        """Raises: InputError: names line and remedy; nothing changed."""
        ...

    def hint_offers(self, sitting_id: int) -> list[HintOffer]: ...

    def take_hint(self, sitting_id: int, by: Person, step: str) -> Hint:
        """Raises: InputError: none left, or not yet."""
        ...

    def check(self, sitting_id: int, by: Person, progress: Callable[[Progress], None] = ...) -> CheckReport:
        """Run all checks. Raises: InputError: no attempt left, cooling down, a check already runs."""
        ...


class Cell(msgspec.Struct, frozen=True):
    """One place of the matrix trainee × step."""

    step: str
    outcome: Outcome | None
    hints: int


class Row(msgspec.Struct, frozen=True):
    """One trainee of a cohort on one exercise; `sitting` None: not begun."""

    person: Person
    sitting: int | None
    lab: str
    lab_state: LabState
    score: float
    attempts: int
    last_seen_unix_s: float | None
    cells: list[Cell]
    paused: bool = False
    expires_unix_s: float | None = None
    runtime: str = ""


class Cohort(msgspec.Struct, frozen=True):
    id: int
    name: str
    people: list[Person]
    created_unix_s: float
    archived: bool = False
    exercises: list[str] = []


class RosterLine(msgspec.Struct, frozen=True):
    """One line of a pasted roster, as it was understood; `problem` says what to correct. Empty lines are none."""

    line: int
    display: str
    email: str = ""
    id_number: str = ""
    problem: Text | None = None


class Cohorts(Protocol):
    """What an instructor does with a class. `Cohort.exercises`: those launched or begun, first one first."""

    def all(self) -> list[Cohort]:
        """Newest first, archived ones included."""
        ...

    def read_roster(self, roster: str) -> list[RosterLine]:
        """What `create` would make of it: nothing is kept."""
        ...

    def cohort(self, cohort_id: int) -> Cohort: ...

    def create(self, name: str, roster: str) -> tuple[Cohort, list[Link]]:
        """`roster` is pasted text: a line a person, `display name[;email[;id number]]`. Raises: InputError, by line."""
        ...

    def new_links(self, cohort_id: int, people: list[int]) -> list[Link]: ...

    def launch(
        self,
        cohort_id: int,
        exercise_id: str,
        by: Person,
        progress: Callable[[int, dict[str, Any]], None] = ...,
    ) -> list[Row]:
        """Open a sitting and start a lab for each; progress is told (person id, what). One failure stops nobody else."""
        ...

    def matrix(self, cohort_id: int, exercise_id: str) -> list[Row]: ...

    def grades_csv(self, cohort_id: int, exercise_id: str) -> str:
        """As Moodle imports it: email and id number, points and maximum; an empty cell until a first check."""
        ...

    def archive(self, cohort_id: int) -> None: ...

    def restore(self, cohort_id: int) -> None:
        """Undo of `archive`."""
        ...


class Inject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="fault"):
    """A fault mode of an asset (`describe`'s `fault_modes`)."""

    asset: str
    mode: str
    severity: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5


class Mend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="mend"):
    """End the faults that instructors injected (those of the exercise's setup stay); one alone if named."""

    asset: str = ""
    mode: str = ""


class Strike(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="attack"):
    """An attack, with its default arguments; done means that it has begun, its end is an event."""

    attack: str


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="pause"):
    """The simulated clock stands still."""


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="resume"):
    """It goes on."""


class Extend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="extend"):
    """More time before the lab ends; less, if negative."""

    minutes: Annotated[float, msgspec.Meta(ge=-600, le=600)]


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="reset"):
    """Back to the trainee's checkpoint, or the lab anew; attempts, hints and score stay."""

    what: Literal["checkpoint", "lab"]


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="stop"):
    """End the lab; the sitting, its score and its configurations stay."""


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="start"):
    """Start the lab of a sitting that has none: the undo of a stop."""


Action = Inject | Mend | Strike | Pause | Resume | Extend | Reset | Stop | Start


class ActionResult(msgspec.Struct, frozen=True):
    """What an action gave in one sitting: `said` is done, or why it was refused."""

    sitting: int
    ok: bool
    said: Text


class AttackOffer(msgspec.Struct, frozen=True):
    """An attack that an instructor may launch; `unavailable` says why this machine cannot."""

    id: str
    name: Text
    technique: str
    unavailable: Text | None = None


class Classroom(Protocol):
    """What an instructor does to one lab, to several or to all; each is an event of its sitting."""

    def attacks(self) -> list[AttackOffer]:
        """All of `scenarios/attacks`, by id."""
        ...

    def act(
        self,
        sittings: list[int],
        action: Action,
        by: Person,
        progress: Callable[[ActionResult], None] = ...,
    ) -> list[ActionResult]:
        """Side by side, in the order asked; one failure stops nobody. `progress` is told each as it is done."""
        ...
