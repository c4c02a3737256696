"""Each fault shows in the signals that one would look at, against the same plant without it."""

from collections.abc import Callable

import numpy as np
import pytest

from simulators.errors import InputError, NotFoundError
from simulators.model import Line
from simulators.plant.engine import Plant
from tests.simulators.plant.operators import operate, value

Compare = Callable[[float, float], bool]


def lower(share: float) -> Compare:
    return lambda sound, faulty: faulty < sound * (1.0 - share)


def higher(share: float) -> Compare:
    return lambda sound, faulty: faulty > sound * (1.0 + share)


def other(share: float) -> Compare:
    return lambda sound, faulty: abs(faulty - sound) > share * sound


# asset, mode, severity, after (s), signal, how it compares with the sound plant's
SHOWN: list[tuple[str, str, float, float, str, Compare]] = [
    ("pump", "wear", 0.8, 60, "pump.flow_l_min", lower(0.08)),
    ("pump", "wear", 0.8, 60, "pump.discharge_pressure_bar", lower(0.08)),
    ("pump", "friction", 0.8, 60, "pump_motor.current_a", higher(0.01)),
    ("pump", "cavitation", 1.0, 60, "pump.flow_l_min", lower(0.15)),
    ("pump", "cavitation", 1.0, 60, "pump.suction_pressure_bar", lower(0.5)),
    ("pump", "cavitation", 1.0, 60, "pump_motor.vibration_mm_s", higher(0.02)),
    ("pump", "seal_leak", 1.0, 60, "pump.flow_l_min", lower(0.03)),
    ("buffer_tank", "leak", 1.0, 120, "buffer_tank.level_pct", lower(0.05)),
    ("raw_tank", "inlet_stiction", 1.0, 900, "raw_tank.level_pct", other(0.02)),
    ("pasteuriser", "fouling", 1.0, 120, "pump.flow_l_min", lower(0.1)),
    ("pasteuriser", "heater_element", 1.0, 120, "pasteuriser.heater_power_kw", lower(0.9)),
    ("diversion_valve", "stiction", 1.0, 10, "diversion_valve.position_pct", higher(0.5)),
    ("compressor", "leak", 1.0, 120, "compressor.flow_nl_min", higher(0.5)),
    ("compressor", "wear", 1.0, 900, "compressor_motor.temperature_c", higher(0.05)),
    ("conveyor", "belt_slip", 0.5, 20, "conveyor.speed_m_s", lower(0.2)),
    ("conveyor", "jam", 1.0, 120, "conveyor.end_eye", lower(0.5)),
    ("filler", "filter_clogging", 1.0, 120, "filler.filter_pressure_drop_bar", higher(1.0)),
    ("filler", "filter_clogging", 1.0, 120, "filler.volume_ml", lower(0.03)),
    ("filler", "dosing_drift", 1.0, 120, "filler.volume_ml", higher(0.01)),
    ("capper", "clutch_wear", 0.8, 60, "capper.torque_nm", lower(0.3)),
    ("checkweigher", "scale_drift", 1.0, 60, "checkweigher.weight_g", higher(0.02)),
    ("pump_motor", "imbalance", 0.8, 60, "pump_motor.vibration_mm_s", higher(1.0)),
    ("pump_motor", "cooling", 1.0, 1200, "pump_motor.temperature_c", higher(0.1)),
    ("pump_motor", "bearing_outer", 0.9, 60, "pump_motor.vibration_mm_s", higher(1.0)),
]
# Shown by tests of their own, here or in test_vibration.py.
ELSEWHERE = {
    ("filler", "valve_stiction"),
    ("checkweigher", "rejector_stuck"),
    ("motor", "bearing_inner"),
    ("motor", "bearing_ball"),
}


def pair(line: Line, saved: bytes) -> tuple[Plant, Plant]:
    sound, faulty = Plant(line, 1), Plant(line, 1)
    for plant in (sound, faulty):
        plant.restore(saved)
    return sound, faulty


@pytest.mark.parametrize(("asset", "mode", "severity", "after_s", "signal", "compare"), SHOWN)
def test_a_fault_shows(
    line: Line, in_production: bytes, asset: str, mode: str, severity: float, after_s: float, signal: str,
    compare: Compare,
) -> None:  # fmt: skip
    sound, faulty = pair(line, in_production)
    faulty.fault(asset, mode, severity)
    for plant in (sound, faulty):
        if mode == "stiction":
            plant.write(["diversion_valve.forward"], [False])
            for _ in range(int(after_s / line.step_s)):
                plant.step()
        else:
            operate(plant, after_s)
    found = [value(plant, signal) for plant in (sound, faulty)]
    assert compare(*found), found
    assert faulty.faults()[asset][mode] >= severity
    assert asset not in sound.faults()


def test_every_fault_mode_is_shown_somewhere(line: Line) -> None:
    kinds = {asset.id: asset.kind for asset in line.assets}
    shown = {(kinds[asset], mode) for asset, mode, *_ in SHOWN} | ELSEWHERE
    plant = Plant(line, 1)
    for asset in line.assets:
        modes = {(asset.kind, mode) for mode in plant.modes(asset.id) if ":" not in mode}
        assert modes <= shown


def test_sticking_filler_valves_overfill_some_bottles(line: Line, in_production: bytes) -> None:
    sound, faulty = pair(line, in_production)
    faulty.fault("filler", "valve_stiction", 1.0)
    for plant in (sound, faulty):
        operate(plant, 180.0)
    assert faulty.kpis()["fill_deviation_ml"] > 1.5 * sound.kpis()["fill_deviation_ml"]
    assert faulty.kpis()["quality"] < sound.kpis()["quality"]


def test_a_stuck_rejector_lets_bottles_pass(line: Line, in_production: bytes) -> None:
    sound, faulty = pair(line, in_production)
    faulty.fault("checkweigher", "rejector_stuck", 1.0)
    for plant in (sound, faulty):
        plant.write(["checkweigher.reject"], [True])
        operate(plant, 60.0)
    assert sound.kpis()["rejects"] > 30
    assert faulty.kpis()["rejects"] == 0


def test_cavitation_makes_the_flow_unsteady(line: Line, in_production: bytes) -> None:
    sound, faulty = pair(line, in_production)
    faulty.fault("pump", "cavitation", 1.0)
    spread = []
    for plant in (sound, faulty):
        operate(plant, 20.0)
        flows = []
        for _ in range(200):
            plant.step()
            flows.append(value(plant, "pump.flow_l_min"))
        spread.append(np.std(flows))
    assert spread[1] > 5.0 * spread[0]


def test_bearing_damage_grows_until_the_motor_seizes(plant: Plant) -> None:
    plant.fault("conveyor_motor", "bearing_inner", 0.97)
    for _ in range(20):
        operate(plant, 60.0)
    assert plant.truth(["conveyor_motor.tripped", "conveyor_motor.running"]) == [True, False]
    assert {status.id: status for status in plant.assets()}["conveyor_motor"].health_pct == 0.0


def test_severity_zero_mends(plant: Plant) -> None:
    for asset, mode in (("pump", "wear"), ("raw_tank", "sensor_noise:level_pct")):
        plant.fault(asset, mode, 0.7)
        plant.fault(asset, mode, 0.0)
    assert plant.faults() == {}
    assert all(status.health_pct > 90.0 and not status.faults for status in plant.assets())


def readings(plant: Plant, signal: str, steps: int) -> list[float]:
    said = []
    for _ in range(steps):
        plant.step()
        said.append(float(plant.read([signal])[0]))
    return said


def test_a_sensor_is_noisy_but_fair(plant: Plant) -> None:
    off = np.array(readings(plant, "compressor.pressure_bar", 300)) - value(plant, "compressor.pressure_bar")
    assert 0.0 < abs(off).max() < 1.0


def test_a_stuck_sensor_keeps_its_value(plant: Plant) -> None:
    plant.fault("raw_tank", "sensor_stuck:level_pct", 1.0)
    said = readings(plant, "raw_tank.level_pct", 100)
    assert len(set(said)) == 1
    assert said[0] != value(plant, "raw_tank.level_pct")


def test_a_drifting_sensor_leaves_the_truth_slowly(plant: Plant) -> None:
    plant.fault("pasteuriser", "sensor_drift:holding_temperature_c", 1.0)
    first = readings(plant, "pasteuriser.holding_temperature_c", 1)[0]
    assert abs(first - value(plant, "pasteuriser.holding_temperature_c")) < 0.5
    operate(plant, 900.0)
    said = float(plant.read(["pasteuriser.holding_temperature_c"])[0])
    assert 1.5 < said - value(plant, "pasteuriser.holding_temperature_c") < 3.5


def test_a_noisy_sensor_scatters(plant: Plant) -> None:
    plant.fault("pump", "sensor_noise:flow_l_min", 0.5)
    assert 0.5 < np.std(readings(plant, "pump.flow_l_min", 300)) < 4.0


def test_a_sensor_that_is_off_reads_below_its_range(plant: Plant) -> None:
    plant.fault("raw_tank", "sensor_off:level_pct", 1.0)
    plant.fault("panel", "sensor_off:run_switch", 1.0)
    assert plant.read(["raw_tank.level_pct", "panel.run_switch"]) == [-25.0, False]
    assert plant.truth(["panel.run_switch"]) == [True]


@pytest.mark.parametrize(
    ("asset", "mode", "severity", "kind", "said"),
    [
        ("pmup", "wear", 0.5, NotFoundError, "raw_tank"),
        ("pump", "rust", 0.5, NotFoundError, "cavitation"),
        ("pump", "wear", 1.5, InputError, "1.5"),
        ("pump", "wear", float("nan"), InputError, "nan"),
        ("raw_tank", "sensor_stuck:inlet_open", 1.0, NotFoundError, "sensor_stuck:level_pct"),
    ],
)
def test_a_fault_that_cannot_be_set_says_what_can(
    plant: Plant, asset: str, mode: str, severity: float, kind: type[Exception], said: str
) -> None:
    before = plant.state_hash()
    with pytest.raises(kind, match=said):
        plant.fault(asset, mode, severity)
    assert plant.state_hash() == before
