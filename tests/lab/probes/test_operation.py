"""An operator's command through SCADA: it must reach the PLC and come back to the display, and leaves nothing behind."""

from typing import Any

import msgspec
import pytest

from lab.catalog import line_path
from lab.probes import operation
from lab.probes.contract import Finding
from lab.probes.operation import Command, command
from simulators.errors import InputError, StartError, UsineError
from simulators.model import Line, load_line
from simulators.snapshot import Snapshot, TagValue
from tests.lab.probes.stage import FakeConnection, Within

TAGS = {"Filler.SetPoint": 500.0, "Pump.FlowSetPoint": 20.0}


@pytest.fixture(scope="module")
def line() -> Line:
    return load_line(line_path("bottling"))


class Plc:
    """Two set points behind a SCADA that forbids, a PLC that refuses or forgets, a display that does not follow."""

    def __init__(self, line: Line, spoiled: str = "") -> None:
        self.line, self.spoiled = line, spoiled
        self.held, self.shown = dict(TAGS), dict(TAGS)
        self.orders: list[tuple[str, float]] = []
        self.connection = FakeConnection({"snapshot": self.snapshot, "write": self.write})

    def write(self, tag: str, value: float) -> bool:
        self.orders.append((tag, value))
        if self.spoiled == "forbidden":
            raise InputError("interdit par la configuration", "forbidden by the configuration")
        if self.spoiled == "refused" and tag == "Filler.SetPoint":
            raise UsineError("BadUserAccessDenied", "BadUserAccessDenied")
        if self.spoiled == "restarting":
            raise StartError("scada ne répond pas", "scada does not answer")
        if self.spoiled != "forgotten":
            self.held[tag] = value
        if self.spoiled != "unseen":
            self.shown[tag] = self.held[tag]
        return True

    def snapshot(self) -> Any:
        tags = {name: TagValue(self.held[name], self.shown[name], "good", 0.0) for name in TAGS}
        seen = Snapshot("one", "bottling", 1, 0, 0, 1, False, True, tags, {}, [], [], [], {})
        return msgspec.to_builtins(seen)

    def commanded(self) -> Finding:
        return command(Within(self.line, self.connection), Command(tags=list(TAGS)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "EFFECT_S", 0.0)


def test_an_operator_is_obeyed_and_nothing_is_left_of_it(line: Line) -> None:
    plc = Plc(line)
    found = plc.commanded()
    assert (found.observed, found.figures) == ("obeyed", {"commands_pct": 100.0})
    assert plc.held == TAGS
    moved = dict(plc.orders[::2])
    for name, value in moved.items():
        low, high = line.tag(name).range or (0.0, 0.0)
        assert 0 < abs(value - TAGS[name]) <= 1.01e-4 * (high - low)


def test_a_set_point_at_the_end_of_its_range_is_moved_inwards(line: Line) -> None:
    plc = Plc(line)
    plc.held["Filler.SetPoint"] = plc.shown["Filler.SetPoint"] = 600.0
    assert plc.commanded().observed == "obeyed"
    assert plc.orders[0][1] < 600.0


@pytest.mark.parametrize(
    ("spoiled", "done_pct", "why"),
    [
        ("forbidden", 0.0, "forbidden by the configuration"),
        ("refused", 50.0, "BadUserAccessDenied"),
        ("forgotten", 0.0, "without effect"),
        ("unseen", 0.0, "without effect"),
    ],
)
def test_one_that_is_not_is_told_why(line: Line, spoiled: str, done_pct: float, why: str) -> None:
    found = Plc(line, spoiled).commanded()
    assert (found.observed, found.figures) == ("not_obeyed", {"commands_pct": done_pct})
    assert why in found.said.en
    assert why in found.exchanges[0].answer


def test_a_scada_that_restarts_is_the_labs_trouble(line: Line) -> None:
    with pytest.raises(StartError):
        Plc(line, "restarting").commanded()


@pytest.mark.parametrize("tag", ["Filler.Rate", "Process.Command", "Process.Auto"])
def test_only_a_set_point_can_be_moved_by_a_hair(line: Line, tag: str) -> None:
    with pytest.raises(InputError, match=tag):
        command(Within(line, Plc(line).connection), Command(tags=[tag]))
