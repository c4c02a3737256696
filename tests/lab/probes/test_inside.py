"""Out-of-band probes: the plant's truth against what it does undisturbed, alarms, history, journal, configurations."""

import time
from typing import Any

import msgspec
import pytest

from lab.catalog import line_path
from lab.probes import alarm, configuration, historian, log, process
from lab.probes.critical import CriticalAlarms
from lab.probes.process import Window
from lab.probes.reference import Reference, References
from lab.probes.watch import due_s
from simulators.errors import InputError, NotFoundError, StartError
from simulators.model import Line, load_line
from simulators.snapshot import AlarmState, Snapshot
from simulators.text import Text
from tests.lab.probes.stage import FakeConnection, Within
from tests.lab.probes.twin_lab import Back, Recorded, TwinLab

WORDS = Text(fr="mot", en="word")


@pytest.fixture(scope="module")
def line() -> Line:
    return load_line(line_path("bottling"))


@pytest.fixture(scope="module")
def running(line: Line) -> tuple[TwinLab, Recorded, Back]:
    made = TwinLab(line, 1)
    back = Back(made)
    recorded = Recorded(made, 300)
    back()
    return made, recorded, back


@pytest.fixture
def lab(running: tuple[TwinLab, Recorded, Back], monkeypatch: pytest.MonkeyPatch) -> TwinLab:
    """A lab in production, the same for each test."""
    made, recorded, back = running
    back()
    monkeypatch.setattr(process, "_references", recorded)
    return made


@pytest.mark.parametrize("seed", [1, 20260])
def test_an_undisturbed_line_reads_one_hundred(line: Line, seed: int) -> None:
    seen = process.window(TwinLab(line, seed).inside(), Window(60))
    assert seen.observed == "produced"
    assert seen.figures["throughput_pct"] == 100.0
    assert seen.figures["good"] > 30
    assert seen.figures["critical_alarms"] == seen.figures["escaped"] == 0
    assert seen.figures["pasteurisation_ok"] == 1
    assert seen.figures["scada_good_pct"] == seen.figures["scada_fresh_pct"] == 100


@pytest.mark.parametrize(
    ("harm", "least", "most"),
    [
        (lambda twin: twin.plant.disturb("panel.emergency_stop", True), 0, 40),
        (lambda twin: twin.plcs["plc2"].set_mode("STOP"), 0, 40),
        (lambda twin: twin.act("Filler.RateSetPoint", 30), 60, 90),
    ],
)
def test_a_line_that_is_stopped_or_slowed_reads_less(
    lab: TwinLab, harm: Any, least: float, most: float
) -> None:
    harm(lab.twin)
    seen = process.window(lab.inside(), Window(120))
    assert least <= seen.figures["throughput_pct"] <= most


def test_bottles_that_are_not_pasteurised_are_seen(lab: TwinLab) -> None:
    lab.twin.plant._equipment["buffer_tank"].pu = 1.0  # type: ignore[attr-defined]
    lab.run(60)
    seen = process.window(lab.inside(), Window(60))
    assert seen.figures["pasteurisation_ok"] == 0
    assert seen.figures["escaped"] > 10
    assert seen.figures["throughput_pct"] < 50


def test_critical_alarms_are_the_plants_whatever_scada_lists(lab: TwinLab) -> None:
    """SCADA's list, which its configuration silences, is not looked at: neither an alarm there nor its absence counts."""
    lab.alarms = [AlarmState("Pump.Tripped.true", "Pump.Tripped", 1, "unacknowledged", 1e9, True, WORDS)]
    assert process.window(lab.inside(), Window(60)).figures["critical_alarms"] == 0
    lab.alarms = []
    lab.twin.plant.disturb("panel.emergency_stop", True)
    seen = process.window(lab.inside(), Window(60))
    assert seen.figures["critical_alarms"] == 1
    assert "Panel.EmergencyStop.true" in seen.exchanges[0].answer


@pytest.mark.parametrize(
    ("tag", "value", "raised"),
    [
        ("RawTank.Level", 96.0, True),  # above 95, priority 2, after 5 s
        ("RawTank.Level", 94.9, False),
        ("RawTank.Level", 7.0, True),  # below 8
        ("RawTank.Temperature", 30.0, False),  # priority 3
        ("Pump.Vibration", 7.0, False),  # dangerous, but only after 60 s
    ],
)
def test_limits_delays_and_priorities_are_those_of_the_line(
    lab: TwinLab, tag: str, value: float, raised: bool
) -> None:
    lab.forced = {tag: value}
    assert process.window(lab.inside(), Window(30)).figures["critical_alarms"] == raised


def test_an_alarm_that_the_undisturbed_line_has_too_is_nobodys_fault(
    lab: TwinLab, running: tuple[TwinLab, Recorded, Back], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.forced = {"RawTank.Level": 96.0, "Pump.LowFlow": True}
    assert process.window(lab.inside(), Window(60)).figures["critical_alarms"] == 2
    running[2]()
    lab.forced = {"RawTank.Level": 96.0, "Pump.LowFlow": True}
    monkeypatch.setattr(running[1], "alarms", frozenset({"RawTank.Level.above"}))
    assert process.window(lab.inside(), Window(60)).figures["critical_alarms"] == 1


def test_one_tag_that_is_not_read_is_a_view_that_is_lost(lab: TwinLab) -> None:
    """Of 117, which is less than one in a hundred."""
    lab.hidden = {"Filler.Format"}
    seen = process.window(lab.inside(), Window(60))
    assert 99 < seen.figures["scada_good_pct"] < 100
    assert "not good: Filler.Format; out of date: –" in seen.exchanges[1].answer
    lab.quality = "stale"
    assert process.window(lab.inside(), Window(60)).figures["scada_good_pct"] == 0.0


def test_what_is_shown_must_not_be_older_than_the_lines_own_scada_would_show_it(lab: TwinLab) -> None:
    lab.age_s = 5.0
    seen = process.window(lab.inside(), Window(60))
    slow = [name for name, seconds in due_s(lab.line).items() if seconds < 5.0 - 0.5]
    assert len(slow) > 100
    assert seen.figures["scada_fresh_pct"] == pytest.approx(
        100 * (1 - len(slow) / len(lab.line.tags)), abs=0.01
    )
    assert seen.figures["scada_good_pct"] == 100
    assert slow[0] in seen.exchanges[1].answer


def test_a_tag_that_was_never_heard_of_is_not_up_to_date(lab: TwinLab) -> None:
    lab.age_s = 1e9
    assert process.window(lab.inside(), Window(60)).figures["scada_fresh_pct"] == 0


def test_a_paused_lab_is_the_labs_fault(lab: TwinLab) -> None:
    lab.paused = True
    with pytest.raises(StartError, match="pause"):
        process.window(lab.inside(), Window(60))


def test_a_window_may_run_faster_and_gives_the_speed_back(lab: TwinLab) -> None:
    process.window(lab.inside(), Window(60, speed=50))
    assert lab.speeds == [50, 1.0]


def test_nothing_is_compared_where_nothing_is_expected(line: Line) -> None:
    """The first minute: tanks are warm, no bottle has left yet."""
    assert References().undisturbed(line, 1, [0.0, 30.0]).good == 0
    young = TwinLab(line, 1, pace_s=15.0, warm_s=0.0)
    seen = process.window(young.inside(), Window(15))
    assert seen.observed == "idle"
    assert "throughput_pct" not in seen.figures


def test_a_reference_goes_on_from_where_it_was(line: Line) -> None:
    made: list[Reference] = []

    def make(wanted: Line, seed: int) -> Reference:
        made.append(Reference(wanted, seed))
        return made[-1]

    references = References(make)
    first = references.undisturbed(line, 1, [0.0, 60.0])
    references.undisturbed(line, 1, [60.0, 90.0])
    assert len(made) == 1
    assert references.undisturbed(line, 1, [0.0, 60.0]) == first
    references.undisturbed(line, 2, [0.0, 1.0])
    assert len(made) == 3
    references.catch_up(line, 2, 5.0)
    references.catch_up(line, 2, 1e6)
    assert made[-1].t_s == 5.0
    assert len(made) == 3
    with pytest.raises(InputError, match="48 h"):
        references.undisturbed(line, 1, [0.0, 1e6])


def test_the_reference_sees_its_own_alarms_as_the_looks_would(line: Line) -> None:
    """The truth of a twin and that of a lab are the same: an undisturbed lab has no alarm that its reference has not."""
    eventful = {"schedule": [{"at_s": 20, "set": "panel.emergency_stop", "to": True}]}
    line = msgspec.structs.replace(line, disturbances=eventful)
    lab = TwinLab(line, 1, pace_s=1.0, warm_s=0.0)
    watched = [lab.snapshot() for _ in range(90)]
    looks = [seen["t_s"] for seen in watched]
    critical = CriticalAlarms(line)
    for seen in watched:
        critical.see({name: tag["truth"] for name, tag in seen["tags"].items()}, seen["t_s"])
    assert critical.raised(looks[-1]) == References().undisturbed(line, 1, looks).alarms
    assert critical.raised(looks[-1]) == {"Panel.EmergencyStop.true"}


def test_values_faults_and_key_figures(lab: TwinLab) -> None:
    inside = lab.inside()
    truth = process.tag(inside, process.Tag("Filler.Rate"))
    shown = process.tag(inside, process.Tag("Filler.Rate", "shown"))
    assert truth.figures == {"value": pytest.approx(40.0, abs=3.0), "good": 1.0}
    assert shown.figures["good"] == 1.0
    lab.hidden = {"Panel.Run"}
    assert process.tag(inside, process.Tag("Panel.Run", "shown")).observed == "no_value"
    with pytest.raises(NotFoundError):
        process.tag(inside, process.Tag("Nothing.Here"))
    assert process.fault(inside, process.Fault("filler")).observed == "absent"
    lab.twin.plant.fault("filler", "dosing_drift", 0.5)
    seen = process.fault(inside, process.Fault("filler", "dosing_drift"))
    assert (seen.observed, seen.figures["severity"]) == ("present", 0.5)
    assert process.fault(inside, process.Fault("filler", "valve_stiction")).observed == "absent"
    figures = process.kpi(inside, process.Kpi()).figures
    assert figures["bottles_good"] > 100
    assert figures.keys() <= set(next(p for p in process.PROBES if p.name == "process.kpi").figures)


def answering(line: Line, **answers: Any) -> Within:
    return Within(
        line, FakeConnection({verb: lambda *_, _found=found, **__: _found for verb, found in answers.items()})
    )


def test_alarms(line: Line) -> None:
    raised = AlarmState("RawTank.Level.above.1", "RawTank.Level", 2, "unacknowledged", 5.0, 96.0, WORDS)
    seen = Snapshot("one", "bottling", 1, 0, 0, 1, False, True, {}, {}, [raised], [], [], {})
    inside = answering(line, snapshot=msgspec.to_builtins(seen))
    found = alarm.state(inside, alarm.State(tag="RawTank.Level"))
    assert (found.observed, found.figures["priority"]) == ("unacknowledged", 2)
    assert alarm.state(inside, alarm.State(alarm="RawTank.Level.above.1")).observed == "unacknowledged"
    assert alarm.state(inside, alarm.State(tag="Pump.Flow")).observed == "absent"
    with pytest.raises(InputError):
        alarm.state(inside, alarm.State())


def test_alarms_that_came_and_went(line: Line) -> None:
    rows = [
        {"unix_s": 5.0, "event": "raised", "id": "RawTank.Level.above.1", "tag": "RawTank.Level"},
        {"unix_s": 9.0, "event": "returned", "id": "RawTank.Level.above.1", "tag": "RawTank.Level"},
    ]
    inside = answering(line, alarms=rows)
    seen = alarm.raised(inside, alarm.Raised(tag="RawTank.Level"))
    assert (seen.observed, seen.figures) == ("raised", {"count": 1, "last_unix_s": 5.0})
    assert alarm.raised(inside, alarm.Raised(tag="Pump.Flow")).observed == "never"


@pytest.mark.parametrize(
    ("dates", "observed", "gaps"),
    [
        (range(700, 1001, 10), "complete", 0),
        ([*range(700, 800, 10), *range(900, 1001, 10)], "gaps", 1),
        (range(700, 900, 10), "gaps", 1),
        ([], "empty", 1),
    ],
)
def test_history(line: Line, dates: Any, observed: str, gaps: int) -> None:
    curve = [[float(t), 20.0] for t in dates]
    inside = answering(line, trend={"Pump.Flow": curve}, clock={"unix_s": 1000.0})
    seen = historian.content(inside, historian.Content("Pump.Flow", minutes=5, gap_most_s=30))
    assert (seen.observed, seen.figures["gaps"]) == (observed, gaps)


def test_a_value_of_bad_quality_is_no_history(line: Line) -> None:
    curve = [[float(t), None if 800 <= t < 900 else 20.0] for t in range(700, 1001, 10)]
    inside = answering(line, trend={"Pump.Flow": curve}, clock={"unix_s": 1000.0})
    seen = historian.content(inside, historian.Content("Pump.Flow", minutes=5, gap_most_s=30))
    assert (seen.observed, seen.figures["max_gap_s"]) == ("gaps", 110)


def test_the_journal(line: Line) -> None:
    now = time.time()
    rows = [
        {"unix_s": now - 5, "device": "plc2", "event": "login_failed", "user": "eve", "peer": "10.20.1.250"},
        {"unix_s": now - 900, "device": "plc2", "event": "login_failed", "user": "old"},
    ]
    inside = answering(line, logs=rows)
    seen = log.event(inside, log.Event("plc2", "login_failed", {"user": "eve"}))
    assert (seen.observed, seen.figures) == ("recorded", {"count": 1})
    assert log.event(inside, log.Event("plc2", contains="10.20.1.250")).observed == "recorded"
    for event in (
        log.Event("plc2", "login_failed", {"user": "bob"}),
        log.Event("plc2", "logout"),
        log.Event("plc2", "login_failed", {"user": "old"}),
        log.Event("plc2", contains="nowhere"),
    ):
        assert log.event(inside, event).observed == "absent"
    with pytest.raises(NotFoundError):
        log.event(inside, log.Event("plc9"))


TEXT = "# allow: none\nsecurity:\n  policies: [Basic256Sha256]\n#file: passwd\nalice:x\n"


def test_configurations(line: Line) -> None:
    inside = answering(line, config={"text": TEXT})

    def value(path: str, equals: Any = None) -> str:
        return configuration.value(inside, configuration.Value("plc1", path, equals)).observed

    plain = answering(line, config={"text": TEXT.partition("#file")[0]})
    found = configuration.value(plain, configuration.Value("plc1", "security.policies.0", "Basic256Sha256"))
    assert found.observed == "equal"
    other = configuration.value(plain, configuration.Value("plc1", "security.policies.0", "None"))
    assert other.observed == "different"
    for path in ("security.roles", "security.policies.3", "nothing"):
        assert configuration.value(plain, configuration.Value("plc1", path)).observed == "absent"
    assert configuration.contains(inside, configuration.Contains("plc1", "alice")).observed == "present"
    assert configuration.contains(inside, configuration.Contains("plc1", "none")).observed == "absent"
    with pytest.raises(InputError):
        value("security")
