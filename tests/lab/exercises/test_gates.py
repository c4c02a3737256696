"""The production gates of the three exercises, on the plant itself: each way to harm it is capped, each broken gate is seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import pytest

from lab.catalog import line_path
from lab.exercises import judge
from lab.exercises.judge import judge_gate
from lab.exercises.model import Exercise, Gate
from lab.probes import operation, process, watch
from lab.probes.contract import Finding
from lab.probes.critical import CriticalAlarms
from lab.probes.process import Window
from lab.probes.reference import References
from lab.probes.watch import Watch
from simulators.model import load_line
from tests.lab.exercises.grading import BEARING, HARDENING, ROGUE
from tests.lab.exercises.test_judge import saw
from tests.lab.exercises.test_mutants import Patch, put
from tests.lab.probes.test_operation import Plc
from tests.lab.probes.twin_lab import Back, Recorded, TwinLab

EXERCISES = pytest.mark.parametrize("exercise", [BEARING, HARDENING, ROGUE], ids=lambda each: each.id)
# What was done to a line that ran well; each spoils one thing only.
HARMS: dict[str, Callable[[TwinLab], object]] = {
    "slowed": lambda lab: lab.twin.act("Filler.RateSetPoint", 30),
    "in alarm": lambda lab: lab.forced.update({"RawTank.Level": 96.0}),
    "in part unseen": lambda lab: lab.hidden.add("Filler.Volume"),
    "seen late": lambda lab: setattr(lab, "age_s", 60.0),
}
# The figure of the gate that it spoils.
SPOILT = {
    "slowed": "throughput_pct",
    "in alarm": "critical_alarms",
    "in part unseen": "scada_good_pct",
    "seen late": "scada_fresh_pct",
}


@dataclass
class Yard:
    """A line in production, brought back to it before each harm."""

    lab: TwinLab
    back: Back
    found: dict[str, Finding] = field(default_factory=dict)

    def watched(self, harm: str) -> Finding:
        if harm not in self.found:
            self.back()
            if harm:
                HARMS[harm](self.lab)
            self.found[harm] = process.window(self.lab.inside(), Window(60))
        return self.found[harm]

    def commanded(self, spoiled: str) -> Finding:
        return Plc(self.lab.line, spoiled).commanded()


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    lab = TwinLab(load_line(line_path("bottling")), 1)
    back = Back(lab)
    recorded = Recorded(lab, 150)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_references", recorded)
        patch.setattr(process, "LOOK_S", 0.0)
        patch.setattr(operation, "EFFECT_S", 0.0)
        yield Yard(lab, back)
    assert isinstance(process._references, References)


def gates_wrong(gate: Gate, yard: Yard) -> list[str]:
    """What the gate lets pass, or does not."""

    def cap(window: Finding, command: Finding) -> float:
        seen, done = (saw(each.observed, **each.figures) for each in (window, command))
        return judge_gate(gate, seen, done).cap

    well, obeyed = yard.watched(""), yard.commanded("")
    caps = {harm: cap(yard.watched(harm), obeyed) for harm in HARMS}
    caps["not obeyed"] = cap(well, yard.commanded("forbidden"))
    wrong = [harm for harm, left in caps.items() if left > 40]
    return wrong if cap(well, obeyed) == 100 else [*wrong, "left alone"]


def gate_of(exercise: Exercise) -> Gate:
    (gate,) = exercise.gates
    return gate


@EXERCISES
def test_a_plant_that_is_harmed_is_capped_and_one_that_is_not_is_not(exercise: Exercise, yard: Yard) -> None:
    assert gates_wrong(gate_of(exercise), yard) == []


@EXERCISES
@pytest.mark.parametrize("harm", SPOILT)
def test_each_figure_of_a_gate_is_needed(exercise: Exercise, harm: str, yard: Yard) -> None:
    gate = gate_of(exercise)
    require = {name: wanted for name, wanted in gate.require.items() if name != SPOILT[harm]}
    assert set(gate.require) == set(SPOILT.values())
    assert gates_wrong(msgspec.structs.replace(gate, require=require), yard) == [harm]


@EXERCISES
def test_an_operator_is_needed(exercise: Exercise, yard: Yard) -> None:
    assert gates_wrong(msgspec.structs.replace(gate_of(exercise), operate=[]), yard) == ["not obeyed"]


MUTANTS: dict[str, Patch] = {
    "the line makes more than it does": put(Watch, "made", lambda *_: 1e6),
    "the line makes nothing": put(Watch, "made", lambda *_: 0.0),
    "no alarm is critical": put(CriticalAlarms, "raised", lambda *_: frozenset()),
    "every value is good": put(watch, "_share_pct", lambda *_: 100.0),
    "nothing is out of date": put(Watch, "stale", lambda *_: []),
    "everything is out of date": put(Watch, "stale", lambda self: list(self._age_s)),
    "an operator is always obeyed": put(judge, "_commanded", lambda *_: ("pass", None)),
    "no figure is out of bounds": put(judge, "_figures", lambda *_: ("pass", None)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_gate_is_seen(mutant: str, yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one of the three: each of them needs all that `SPOILT` names."""
    MUTANTS[mutant](monkeypatch)
    yard.found.clear()
    assert gates_wrong(gate_of(HARDENING), yard)
    yard.found.clear()
