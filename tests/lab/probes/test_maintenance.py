"""Probes of the bearing alarm: on hidden machines, and on a lab whose motors and monitor are real and whose time is not."""

from random import Random
from typing import Any

import msgspec
import pytest

from lab.catalog import line_path
from lab.maintenance.fleet import draw
from lab.maintenance.life import live as lived
from lab.probes import maintenance, trial
from lab.probes.contract import Finding
from lab.probes.maintenance import FIGURES, Run
from lab.probes.trial import Live
from simulators.devices import condition_monitor
from simulators.devices.condition_monitor.machine import Machine
from simulators.devices.mqtt_sensor.window import G_PER_UNIT, RATE_HZ, Window
from simulators.errors import TimeLimitError
from simulators.model import Line, load_line
from simulators.plant.assets.motor import Motor, Params
from simulators.plant.site import Site
from simulators.plant.vibration import window
from simulators.snapshot import Snapshot, TagValue
from tests.lab.probes.stage import FakeConnection, Within

ASSETS = ["pump_motor", "conveyor_motor", "filler_motor"]
TAGS = {"pump_motor": "Pump", "conveyor_motor": "Conveyor", "filler_motor": "Filler"}
WATCHED = "assets: [pump_motor, conveyor_motor, filler_motor]\nleast_rpm: 300\nbaseline: {windows: 10}\n"
GOOD = WATCHED + "detectors: [{feature: envelope_db, method: cusum, k: 1.0, alarm_at: 25, clear_at: 8}]"
DEAF = WATCHED + "detectors: [{feature: rms_g, method: limit, alarm_at: 900}]"
JUMPY = WATCHED + "detectors: [{feature: rms_g, method: limit, alarm_at: 0}]"


@pytest.fixture(scope="module")
def line() -> Line:
    return load_line(line_path("bottling"))


class MonitoredLab:
    """The line's motors that turn and a monitor that hears them; each look lets `PACE_S` pass."""

    PACE_S: float = 5.0

    def __init__(self, line: Line, text: str, joined: bool = True, heard: bool = True) -> None:
        self.line, self.text, self.joined, self.heard = line, text, joined, heard
        config = condition_monitor.parse(text, "monitor.yaml")
        self.machines = {asset: Machine(asset, asset, config.watch, "v") for asset in config.assets}
        self.motors = {asset: _turning(line, asset) for asset in ASSETS}
        self.t_s = 0.0
        self.connection = FakeConnection(
            {
                "snapshot": self.snapshot,
                "config": lambda **_: {"text": self.text},
                "monitor": lambda asset, **_: self.machines[asset].history(),
                "fault": self.fault,
                "speed": lambda **_: True,
                "restart": lambda **_: True,
            }
        )

    def fault(self, asset: str, mode: str, severity: float) -> None:
        setattr(self.motors[asset], mode, severity)

    def snapshot(self) -> Any:
        self.t_s += self.PACE_S
        if self.heard and self.t_s % 10.0 == 0.0:
            for asset, machine in self.machines.items():
                motor = self.motors[asset]
                samples = window(motor, 3, round(self.t_s))
                machine.hear(
                    Window(round(1000 * self.t_s), RATE_HZ, G_PER_UNIT, 1, samples, motor.speed_rpm / 60.0)
                )
        tags = {
            f"{TAGS[asset]}.BearingAlarm": TagValue(None, self._shown(asset), "good", 0.0) for asset in ASSETS
        }
        return msgspec.to_builtins(
            Snapshot("one", self.line.id, 1, self.t_s, self.t_s, 1.0, False, True, tags, {}, [], [], [], {})
        )

    def _shown(self, asset: str) -> bool:
        machine = self.machines.get(asset)
        return self.joined and machine is not None and machine.monitor.state.alarm

    def asked(self, verb: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.connection.asked if name == verb]

    def inside(self, seed: int = 1) -> Within:
        return Within(self.line, self.connection, seed=seed)


def _turning(line: Line, asset: str) -> Motor:
    motor = Motor(Site(60.0), msgspec.convert(line.asset(asset).params, Params), Random(1))
    motor.command = 0.9
    motor.site.step = 1
    motor.step()
    return motor


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LOOK_S", 0.0)


def seen(lab: MonitoredLab, seed: int = 1, **more: Any) -> Finding:
    args = Live(assets=ASSETS, **{"quiet_windows": 10, "windows": 15, **more})
    return maintenance.live(lab.inside(seed), args)


@pytest.mark.parametrize("seed", range(4))
def test_a_monitor_that_works_is_quiet_then_alarms(line: Line, seed: int) -> None:
    lab = MonitoredLab(line, GOOD)
    found = seen(lab, seed)
    assert found.observed == "alarmed"
    assert found.figures["alarmed"] == 1.0
    assert 1 <= found.figures["after_windows"] <= 15


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", "no_monitor"),
        (WATCHED, "no_monitor"),
        (GOOD.replace(", filler_motor", ""), "no_monitor"),
        (DEAF, "missed"),
        (JUMPY, "not_quiet"),
        (GOOD.replace("windows: 10", "windows: 300"), "not_learnt"),
    ],
)
def test_one_that_does_not_is_told_why(line: Line, text: str, outcome: str) -> None:
    found = seen(MonitoredLab(line, text))
    assert (found.observed, found.figures["alarmed"]) == (outcome, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_no_level_that_is_the_same_for_all_will_do_in_the_lab_either(line: Line, seed: int) -> None:
    """The conveyors are loud in good order, the filler says less when it gets damaged."""
    for level in range(8, 40, 2):
        bare = (
            WATCHED
            + f"detectors: [{{feature: envelope_db, method: limit, alarm_at: {level}, votes: 3, of: 3}}]"
        )
        assert seen(MonitoredLab(line, bare), seed).observed in {"not_quiet", "missed"}, level


def test_every_machine_is_tried_and_the_others_are_left_in_peace(line: Line) -> None:
    lab = MonitoredLab(line, GOOD)
    found = seen(lab)
    assert {exchange.request.split()[-1] for exchange in found.exchanges} == set(ASSETS)
    tried = [each for each in lab.asked("fault") if each["severity"]]
    inner = [each["severity"] for each in tried if each["mode"] == "bearing_inner"]
    assert all(severity > 0.3 for severity in inner), "an inner race rings half as loud at the same damage"


def test_an_alarm_of_a_machine_that_is_still_sound_is_one_too_many(line: Line) -> None:
    lab = MonitoredLab(line, GOOD)
    former = lab.fault

    def contagious(asset: str, mode: str, severity: float) -> None:
        for each in ASSETS:
            former(each, mode, severity)

    lab.connection.answers["fault"] = contagious
    assert seen(lab).observed == "not_quiet"


def test_an_alarm_that_does_not_reach_scada_is_none(line: Line) -> None:
    assert seen(MonitoredLab(line, GOOD, joined=False)).observed == "missed"


def test_a_monitor_that_hears_nothing_learns_nothing(line: Line) -> None:
    assert seen(MonitoredLab(line, GOOD, heard=False)).observed == "not_learnt"


def test_a_lab_too_slow_to_judge_is_not_held_against_anybody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "SLOWNESS", 0.0)
    monkeypatch.setattr(trial, "PATIENCE_S", 0.05)
    lab = MonitoredLab(line, GOOD)
    lab.PACE_S = 0.0
    with pytest.raises(TimeLimitError):
        seen(lab)
    assert lab.asked("speed")[-1] == {"speed": 1.0}


@pytest.mark.parametrize("text", [GOOD, DEAF, JUMPY])
def test_the_lab_is_left_as_it_was(line: Line, text: str) -> None:
    lab = MonitoredLab(line, text)
    seen(lab)
    assert lab.asked("speed")[-1] == {"speed": 1.0}
    assert lab.asked("fault")[-1]["severity"] == 0.0
    assert all(motor.bearing_outer == motor.bearing_inner == 0.0 for motor in lab.motors.values())
    assert lab.asked("restart") == [{"device": "monitor"}]


def test_which_machine_is_damaged_follows_the_checks_own_seed(line: Line) -> None:
    broken = set()
    for seed in range(8):
        lab = MonitoredLab(line, DEAF)
        seen(lab, seed, quiet_windows=1, windows=1)
        broken.add(tuple(lab.asked("fault")[0].values())[:2])
    assert len(broken) > 2


def test_a_run_gives_every_figure_and_tells_the_truth_afterwards(line: Line) -> None:
    found = maintenance.run(MonitoredLab(line, GOOD.replace("windows: 10", "windows: 60")).inside(4), Run())
    assert found.observed == "graded"
    assert tuple(found.figures) == FIGURES
    assert found.figures["detected_pct"] == found.figures["cost_score"] == 100
    assert found.figures["baseline_ok"] == 1
    assert len(found.exchanges) == 8
    assert sum("seized at" in exchange.request for exchange in found.exchanges) == 4


def test_without_a_monitor_there_is_nothing_to_run(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_seed: int) -> Any:
        raise AssertionError

    monkeypatch.setattr(maintenance._hidden, "_compute", never)
    found = maintenance.run(MonitoredLab(line, "").inside(5), Run())
    assert found.observed == "no_monitor"
    assert found.figures == dict.fromkeys(FIGURES, 0.0)


def test_other_costs_give_another_score(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    lives = [lived(machine) for machine in draw(1)[:3]]
    monkeypatch.setattr(maintenance._hidden, "_compute", lambda _seed: lives)
    lab = MonitoredLab(line, GOOD)
    cheap = maintenance.run(lab.inside(1001), Run(inspection_cost=0.01)).figures
    dear = maintenance.run(lab.inside(1001), Run(planned_cost=3.0)).figures
    assert dear["oracle_cost"] == 1.5 * cheap["oracle_cost"]


def test_a_computation_that_is_too_long_is_the_machines_fault(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_seed: int) -> Any:
        raise TimeLimitError("trop long", "too long")

    monkeypatch.setattr(maintenance._hidden, "_compute", late)
    with pytest.raises(TimeLimitError):
        maintenance.run(MonitoredLab(line, GOOD).inside(1002), Run())
