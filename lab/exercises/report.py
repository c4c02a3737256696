"""What a check of an exercise gave: verdicts with their evidence."""

from typing import Literal

import msgspec

from lab.probes.contract import Evidence
from simulators.text import Text

Outcome = Literal["pass", "fail", "inconclusive"]
# When an observation was made: before the trainee acted (the baseline), now, and after the device's restart.
Phase = Literal["before", "after", "after_restart"]


class Verdict(msgspec.Struct, frozen=True):
    """One check's judgement; `why` is the sentence that a trainee reads."""

    outcome: Outcome
    why: Text
    phase: Phase
    evidence: Evidence
    control: Evidence | None = None


class StepResult(msgspec.Struct, frozen=True):
    """A step: passes when every check passes in every phase; inconclusive when none fails and one is."""

    step: str
    outcome: Outcome
    verdicts: list[Verdict]


class GateResult(msgspec.Struct, frozen=True):
    """`cap` is what the score may reach: 100 when it holds."""

    gate: str
    outcome: Outcome
    figures: dict[str, float]
    cap: float
    why: Text


class CheckReport(msgspec.Struct, frozen=True):
    """A whole check. `conclusive` is false when the lab was at fault: no attempt is spent, no score changes."""

    exercise: str
    version: int
    conclusive: bool
    steps: list[StepResult]
    gates: list[GateResult]
    unix_s: float
    duration_s: float
    lab_seed: int = 0
    program: dict[str, str] = {}
    trouble: Text | None = None


class Progress(msgspec.Struct, frozen=True):
    """Where a check is: `done` of `total` observations, and what is under way. `step` is finished when `result` is there."""

    done: int
    total: int
    doing: Text
    result: StepResult | None = None
