"""Alarms go through the states of ISA-18.2, and the journal tells who did what."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from simulators.devices.scada.alarms import Alarms
from simulators.devices.scada.board import Board
from simulators.devices.scada.config import AlarmOverride
from simulators.devices.scada.journal import ENTRIES, Entry, Journal
from simulators.errors import InputError, NotFoundError
from simulators.model import Alarm, Number, Tag
from simulators.text import Text
from tests.fakes import a_tag
from tests.simulators.devices.scada.rig import MODBUS, a_rig
from tests.waiting import eventually

TEXT = Text(fr="Trop", en="Too much")


def a_watched_tag(*alarms: Alarm) -> Tag:
    return a_tag("Tank.Level", "plc1", "%ID0", alarms=list(alarms))


class Desk:
    """Alarms of one tag, with its value in the test's hand."""

    def __init__(self, *alarms: Alarm, **overrides: AlarmOverride) -> None:
        self.journal = Journal()
        self.board = Board({"Tank.Level": 3.0})
        named = {name.replace("_", "."): override for name, override in overrides.items()}
        self.alarms = Alarms([a_watched_tag(*alarms)], named, self.journal)

    def see(self, value: float | bool, at_s: float) -> dict[str, str]:
        self.board.put("Tank.Level", value, at_s, at_s)
        return self.look(at_s)

    def look(self, at_s: float) -> dict[str, str]:
        self.alarms.evaluate(self.board, at_s)
        return {alarm.id: alarm.state for alarm in self.alarms.states(at_s)}


ABOVE = "Tank.Level.above"


@pytest.mark.parametrize(
    ("when", "limit", "deadband", "values", "active"),
    [
        ("above", 80, 5, [80, 80.1, 76, 75, 74.9, 79], [0, 1, 1, 0, 0, 0]),
        ("below", 20, 5, [20, 19.9, 24, 25, 25.1, 21], [0, 1, 1, 0, 0, 0]),
        ("true", None, 0, [False, True, True, False], [0, 1, 1, 0]),
        ("false", None, 0, [True, False, True], [0, 1, 0]),
    ],
)
def test_when_an_alarm_is_active(
    when: str, limit: Number | None, deadband: Number, values: list[float], active: list[int]
) -> None:
    desk = Desk(Alarm(when=when, limit=limit, deadband=deadband, text=TEXT))  # type: ignore[arg-type]
    seen = []
    for at_s, value in enumerate(values):
        desk.see(value, at_s)
        desk.alarms.acknowledge("all", "me", at_s)
        seen.append(int(desk.look(at_s) == {f"Tank.Level.{when}": "acknowledged"}))
    assert seen == active


def test_a_delay_of_the_lines_clock_comes_first() -> None:
    desk = Desk(Alarm(when="above", limit=80, delay_s=10, text=TEXT))
    assert desk.see(90, 0) == {}
    assert desk.see(90, 9) == {}
    assert desk.see(70, 9.5) == {}
    assert desk.see(90, 10) == {}
    assert desk.see(90, 20) == {ABOVE: "unacknowledged"}


def test_a_value_that_is_not_good_changes_nothing() -> None:
    desk = Desk(Alarm(when="above", limit=80, text=TEXT))
    desk.see(90, 0)
    desk.board.refuse("Tank.Level", 1, 1)
    assert desk.look(1) == {ABOVE: "unacknowledged"}
    desk.see(90, 2)
    desk.board.age(20)
    assert desk.look(20) == {ABOVE: "unacknowledged"}


def test_overrides_change_what_the_line_says() -> None:
    alarms = [Alarm(when="above", limit=80, priority=3, text=TEXT), Alarm(when="above", limit=90, text=TEXT)]
    desk = Desk(*alarms, Tank_Level_above=AlarmOverride(limit=50, priority=1),
                Tank_Level_above2=AlarmOverride(enabled=False))  # fmt: skip
    assert desk.see(95, 0) == {ABOVE: "unacknowledged"}
    assert desk.alarms.states(0)[0].priority == 1
    with pytest.raises(InputError, match=r"Tank\.Level\.above2"):
        Desk(*alarms, Tank_Level_below=AlarmOverride())


def test_a_shelved_alarm_is_off_the_list_until_its_time() -> None:
    desk = Desk(Alarm(when="above", limit=80, text=TEXT))
    desk.see(90, 0)
    desk.alarms.shelve(ABOVE, 60, "mona", 0)
    assert desk.see(90, 59) == {}
    assert desk.see(90, 60) == {ABOVE: "unacknowledged"}
    with pytest.raises(NotFoundError, match="Nope"):
        desk.alarms.shelve("Nope", 60, "mona", 0)


def test_the_gravest_come_first() -> None:
    desk = Desk(
        Alarm(when="above", limit=1, priority=4, text=TEXT),
        Alarm(when="above", limit=2, priority=1, text=TEXT),
        Alarm(when="above", limit=3, priority=1, text=TEXT),
    )
    desk.see(2.5, 0)
    desk.see(9, 5)
    assert [alarm.id for alarm in desk.alarms.states(5)] == [f"{ABOVE}3", f"{ABOVE}2", ABOVE]


class States(RuleBasedStateMachine):
    """The state diagram of ISA-18.2, walked at random: active or not, acknowledged or not."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(Alarm(when="above", limit=80, text=TEXT))
        self.at_s = 0.0
        self.active = self.waiting = False

    @rule(high=st.booleans())
    def value(self, high: bool) -> None:
        self.at_s += 1
        self.desk.see(90 if high else 10, self.at_s)
        if high and not self.active:
            self.waiting = True
        self.active = high

    @precondition(lambda self: self.at_s > 0)
    @rule(name=st.sampled_from(["all", ABOVE]))
    def acknowledge(self, name: str) -> None:
        assert self.desk.alarms.acknowledge(name, "me", self.at_s) == int(self.waiting)
        self.waiting = False

    @invariant()
    def listed(self) -> None:
        expected = {
            (True, True): "unacknowledged", (True, False): "acknowledged", (False, True): "returned_unacknowledged",
        }.get((self.active, self.waiting))  # fmt: skip
        assert self.desk.look(self.at_s).get(ABOVE) == expected


TestStates = States.TestCase
TestStates.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_the_journal_is_bounded_and_exports() -> None:
    journal = Journal()
    for n in range(ENTRIES + 5):
        journal.add(Entry(float(n), "command", "", "Tank.Mode", None, n, 'o"p, é', TEXT))
    assert len(journal.entries()) == ENTRIES
    lines = list(csv.DictReader(io.StringIO(journal.csv())))
    assert len(lines) == ENTRIES
    assert lines[-1] == {
        "time": "1970-01-01T00:16:44.000+00:00", "event": "command", "alarm": "", "tag": "Tank.Mode", "priority": "",
        "value": "1004", "by": 'o"p, é', "text_fr": "Trop", "text_en": "Too much",
    }  # fmt: skip


async def test_from_the_wire_to_the_list_and_back(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS, "modbus: {period_s: 0.1}") as rig:
        _, plc = await rig.device("plc1")
        await rig.scada.start()
        assert rig.alarms() == {}
        plc.write("%ID0", 95.0)
        await eventually(lambda: rig.alarms() == {"Tank.Temperature.above": "unacknowledged"}, 2)
        (alarm,) = rig.scada.alarms()
        assert (alarm.tag, alarm.priority, alarm.value, alarm.text.en) == (
            "Tank.Temperature",
            1,
            95.0,
            "Tank too hot",
        )
        assert rig.scada.acknowledge("Tank.Temperature.above", by="mona") == 1
        with pytest.raises(NotFoundError):
            rig.scada.acknowledge("Tank.Nope")
        plc.write("%ID0", 20.0)
        await eventually(lambda: rig.alarms() == {}, 2)
        events = [(entry.event, entry.by) for entry in rig.scada.journal.entries()]
        assert events == [("raised", ""), ("acknowledged", "mona"), ("returned", "")]
