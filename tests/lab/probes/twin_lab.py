"""A lab whose plant is real, in this process: what out-of-band probes see of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from lab.probes.reference import Undisturbed
from simulators.model import Line
from simulators.plc.image import Value
from simulators.snapshot import AlarmState, Quality, Snapshot, TagValue
from simulators.twin.offline import Twin
from tests.lab.probes.stage import FakeConnection, Within

WARM_S = 420.0


class TwinLab:
    """A lab whose plant is real and whose time goes on by `pace_s` at each snapshot."""

    def __init__(self, line: Line, seed: int, pace_s: float = 30.0, warm_s: float = WARM_S) -> None:
        self.line, self.seed, self.pace_s = line, seed, pace_s
        self.twin = Twin(line, seed)
        self.steps = 0
        self.alarms: list[AlarmState] = []
        self.hidden: set[str] = set()
        self.quality: Quality = "good"
        self.age_s = 0.5
        self.forced: dict[str, Value] = {}
        self.paused = False
        self.speeds: list[float] = []
        self.twin.plant.step()
        self._scan()
        self.run(warm_s)

    @property
    def t_s(self) -> float:
        return self.steps * self.line.step_s

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / self.line.step_s)):
            self.steps += 1
            self.twin.plant.step()
            self._scan()

    @property
    def good(self) -> int:
        return self.twin.plant.site.production.good

    def _scan(self) -> None:
        for plc in self.twin.plcs.values():
            plc.scan(self.t_s)

    def snapshot(self) -> Any:
        if not self.paused:
            self.run(self.pace_s)
        row = self.twin.row()
        tags = {}
        for tag, truth, reading in zip(self.line.tags, row.truths, row.readings, strict=True):
            true = self.forced.get(tag.id, reading if truth is None else truth)
            quality: Quality = "bad" if tag.id in self.hidden else self.quality
            tags[tag.id] = TagValue(
                true, None if tag.id in self.hidden else true, quality, self.t_s - self.age_s
            )
        seen = Snapshot(
            "one", self.line.id, self.seed, self.t_s, self.t_s, 1.0, self.paused, True, tags,
            self.twin.plant.kpis(), list(self.alarms), [], self.twin.plant.assets(), {},
        )  # fmt: skip
        return msgspec.to_builtins(seen)

    def inside(self) -> Within:
        answers = {"snapshot": self.snapshot, "speed": lambda speed: self.speeds.append(speed)}
        return Within(self.line, FakeConnection(answers))


class Recorded:
    """What an undisturbed line was seen to make, without any alarm: a reference that costs nothing."""

    alarms: frozenset[str] = frozenset()

    def __init__(self, lab: TwinLab, seconds: float) -> None:
        self._first_s, self._good = lab.t_s, [lab.good]
        for _ in range(round(seconds)):
            lab.run(1.0)
            self._good.append(lab.good)

    def catch_up(self, _line: Line, _seed: int, _t_s: float) -> None:
        pass

    def undisturbed(self, _line: Line, _seed: int, looks: Sequence[float]) -> Undisturbed:
        first, last = (self._good[round(t_s - self._first_s)] for t_s in (looks[0], looks[-1]))
        return Undisturbed(last - first, self.alarms)


class Back:
    """Brings a lab back to where it was made."""

    def __init__(self, lab: TwinLab) -> None:
        self._lab = lab
        self._plant = lab.twin.plant.checkpoint()
        self._plcs = {name: plc.checkpoint() for name, plc in lab.twin.plcs.items()}

    def __call__(self) -> None:
        lab = self._lab
        lab.twin.plant.restore(self._plant)
        for name, state in self._plcs.items():
            lab.twin.plcs[name].restore(state)
        lab.steps = round(WARM_S / lab.line.step_s)
        lab.alarms, lab.quality, lab.paused, lab.speeds = [], "good", False, []
        lab.hidden, lab.forced, lab.age_s = set(), {}, 0.5
