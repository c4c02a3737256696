"""What an exercise is: frozen specs of `exercise.yaml` (schema usine-ecole/exercise/v1)."""

from typing import Annotated, Any, Literal

import msgspec

from simulators.errors import InputError
from simulators.model import Identifier, TagId
from simulators.text import Text

SCHEMA = "usine-ecole/exercise/v1"
Track = Literal["hardening", "detection", "maintenance", "awareness"]
Level = Literal["awareness", "technician", "engineer", "specialist"]
Sector = Literal["mechanical", "agri_food", "chemistry", "electronics", "health"]
Need = Literal["zones"]
Panel = Literal["mimic", "trends", "endpoints", "configuration", "rules", "events", "monitor"]
ExerciseId = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,47}$")]
# `20%` of the step's points, or points.
Cost = Annotated[str | int | float, msgspec.Meta(description="points, or '20%' of the step's points")]
# `rejected`, one of several `[rejected, closed]`, or figures `{throughput_pct: ">=95", alarms: 0}`.
Expectation = str | list[str] | dict[str, str | int | float]


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value drawn for each student from HMAC(secret, exercise, version, student): the same on relaunch.

    `name` is what the student's page calls it, else its own id.
    """

    kind: Literal["username", "secret", "choice", "integer", "address"]
    length: Annotated[int, msgspec.Meta(ge=4, le=64)] = 12
    of: list[str | int | float] = []
    range: tuple[int, int] | None = None
    zone: Identifier | None = None
    hidden: bool = False
    name: Text | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One observation and what it must be. `arguments` may hold `${parameter}`.

    `control` is the positive control that a refusal needs: it must hold at the same time, else inconclusive.
    """

    probe: str
    expect: Expectation
    zone: Identifier | None = None
    arguments: dict[str, Any] = {}
    control: "Check | None" = None
    feedback: dict[str, Text] = {}


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plant must go on producing and be operated: figures of `process.window` over `window_s` of simulated time.

    `operate` are set points that an operator then moves through SCADA: the gate's positive control. A breach caps the
    score at `cap` percent of the maximum.
    """

    id: Identifier
    name: Text
    window_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    require: dict[str, str | int | float]
    operate: list[TagId] = []
    cap: Annotated[float, msgspec.Meta(ge=0, le=100)]


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Help with its price, which counts on this step only; not before `after_min` minutes of work."""

    cost: Cost = 0
    after_min: Annotated[float, msgspec.Meta(ge=0)] = 0
    text: Text


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A graded step: earned when all its checks pass."""

    id: Identifier
    name: Text
    text: Text
    points: Annotated[float, msgspec.Meta(gt=0)]
    checks: Annotated[list[Check], msgspec.Meta(min_length=1)]
    feedback: dict[Literal["pass", "fail", "inconclusive"], Text] = {}
    hints: list[Hint] = []


class Attempts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`max` 0 is as many as wanted. An inconclusive check spends none."""

    max: Annotated[int, msgspec.Meta(ge=0)] = 0
    cooldown_s: Annotated[float, msgspec.Meta(ge=0)] = 20.0


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the trainee's lab starts: configurations (files of the exercise's folder, `${parameter}` filled in), faults.

    `verify_speed` is how fast `lab verify` runs the plant; 1 where time may not be shortened.
    """

    configurations: dict[Identifier, str] = {}
    faults: list[dict[str, Any]] = []
    speed: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.0
    warm_up_s: Annotated[float, msgspec.Meta(ge=0, le=7200)] = 0.0
    verify_speed: Annotated[float, msgspec.Meta(ge=1, le=100)] = 10.0


class AuthorTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `lab verify` proves. `solution` is `none`, or a file in `solutions/` (`lab.exercises.solution`)."""

    solution: str
    score: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    seeds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Exercise(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole exercise; `folder` is where it was read from, with `brief.fr.md`, `brief.en.md`, `solutions/`."""

    schema: Literal["usine-ecole/exercise/v1"]
    id: ExerciseId
    version: Annotated[int, msgspec.Meta(ge=1)] = 1
    track: Track
    level: Level
    sector: Sector
    line: Identifier
    title: Text
    summary: Text
    minutes: Annotated[int, msgspec.Meta(ge=5, le=600)]
    time_to_live_min: Annotated[int, msgspec.Meta(ge=10)] = 240
    standard: dict[str, list[str]] = {}
    competences: Annotated[list[str], msgspec.Meta(min_length=1)]
    needs: list[Need] = []
    panels: list[Panel] = msgspec.field(default_factory=lambda: ["mimic", "trends"])
    editable: list[Identifier] = []
    practice: Annotated[
        list[Identifier], msgspec.Meta(description="attacks that a trainee may run in their own lab")
    ] = []
    parameters: dict[Identifier, Parameter] = {}
    setup: Setup = Setup()
    attempts: Attempts = Attempts()
    baseline: list[Check] = []
    gates: list[Gate] = []
    restart: list[Identifier] = []
    steps: Annotated[list[Step], msgspec.Meta(min_length=1)]
    tests: Annotated[list[AuthorTest], msgspec.Meta(min_length=1)]
    folder: str = ""

    def step(self, step_id: str) -> Step:
        """Raises: InputError: no such step."""
        for step in self.steps:
            if step.id == step_id:
                return step
        known = ", ".join(step.id for step in self.steps)
        raise InputError(f"étape {step_id} inconnue : {known}", f"unknown step {step_id}: {known}")

    @property
    def points(self) -> float:
        """The maximum."""
        return sum(step.points for step in self.steps)
