"""The bottling line under its two real programs: what a process engineer would check at the acceptance."""

from collections.abc import Callable

import msgspec
import pytest

from simulators.model import Line
from simulators.plc.image import Value
from simulators.twin import Twin
from tests.scenarios.watch import Watch
from tests.simulators.plant.operators import bottling

PRODUCING, CLEANING, SAFE = 3, 5, 6
Watching = Callable[[], Watch]


@pytest.fixture(scope="module")
def line() -> Line:
    return bottling()


@pytest.fixture(scope="module")
def in_production(line: Line) -> tuple[bytes, dict[str, dict[str, object]]]:
    """Ten minutes after the start: plant and PLCs."""
    watch = Watch(Twin(line, 1)).run(600.0)
    assert watch.raised == []
    return watch.twin.plant.checkpoint(), {name: plc.checkpoint() for name, plc in watch.twin.plcs.items()}


@pytest.fixture
def watch(line: Line, in_production: tuple[bytes, dict[str, dict[str, object]]]) -> Watch:
    twin = Twin(line, 1)
    twin.plant.restore(in_production[0])
    for name, state in in_production[1].items():
        twin.plcs[name].restore(state)
    return Watch(twin)


def read(watch: Watch, tag: str) -> float:
    return float(watch.twin.reading(tag))


def true(watch: Watch, signal: str) -> Value:
    return watch.twin.plant.truth([signal])[0]


def test_a_sound_line_produces_steadily_and_raises_no_alarm(line: Line) -> None:
    watch = Watch(Twin(line, 2)).run(600.0)
    coldest, hottest = 100.0, 0.0
    for _ in range(30):
        watch.run(30.0)
        holding_c = float(true(watch, "pasteuriser.holding_temperature_c"))
        coldest, hottest = min(coldest, holding_c), max(hottest, holding_c)
    kpis = watch.twin.plant.kpis()
    assert watch.raised == []
    assert 71.5 < coldest <= hottest < 72.6
    assert 0.82 < kpis["oee"] < 0.97
    assert kpis["quality"] > 0.98
    assert kpis["escaped"] == 0
    assert 20.0 < kpis["pasteurisation_units"] < 45.0
    assert 3.0 < kpis["kwh_per_1000_bottles"] < 15.0
    assert 40.0 < read(watch, "BufferTank.Level") < 75.0


def test_a_cold_line_heats_up_by_itself_and_nothing_cold_goes_forward(line: Line) -> None:
    cold: dict[str, dict[str, float]] = {
        "pasteuriser": {"water_c": 18.0, "holding_c": 18.0},
        "buffer_tank": {"initial_pct": 0.0},
    }
    assets = [
        msgspec.structs.replace(asset, params={**asset.params, **cold.get(asset.id, {})})
        for asset in line.assets
    ]
    watch = Watch(Twin(msgspec.structs.replace(line, assets=assets), 1))
    heating_s = watch.until("Process.State", PRODUCING, 1200.0)
    assert 300.0 < heating_s < 900.0
    assert float(true(watch, "buffer_tank.level_pct")) < 0.1
    watch.run(700.0)
    kpis = watch.twin.plant.kpis()
    assert watch.raised == []
    assert kpis["bottles_per_min"] > 30
    assert kpis["escaped"] == 0


def test_a_change_of_format_empties_the_line_fits_the_parts_and_goes_on(watch: Watch) -> None:
    watch.twin.plant.disturb("panel.recipe", 2)
    watch.until("Packaging.Recipe", 2, 700.0)
    assert watch.twin.plant.site.format_ml == 330.0
    assert read(watch, "Filler.SetPoint") == 330.0
    watch.run(180.0)
    kpis = watch.twin.plant.kpis()
    assert kpis["bottles_per_min"] > 40
    assert abs(float(true(watch, "filler.volume_ml")) - 330.0) < 35.0
    assert kpis["escaped"] == 0
    assert kpis["quality"] > 0.97
    assert watch.raised == []


def test_another_product_is_heated_to_its_own_temperature_first(watch: Watch) -> None:
    watch.twin.plant.disturb("panel.recipe", 3)
    watch.run(5.0)
    assert read(watch, "Pasteuriser.SetPoint") == 74.0
    assert watch.twin.reading("DiversionValve.IsForward") is False
    watch.until("Process.State", PRODUCING, 300.0)
    assert float(true(watch, "pasteuriser.holding_temperature_c")) > 73.0
    assert watch.raised == []


def test_cold_product_is_diverted_and_none_is_sold(watch: Watch) -> None:
    watch.twin.plant.fault("pasteuriser", "heater_element", 1.0)
    watch.run(400.0)
    assert watch.raised[0] == "Pasteurisation: product too cold, diverted"
    assert watch.twin.reading("DiversionValve.IsDiverted") is True
    assert watch.twin.plant.kpis()["escaped"] == 0
    assert watch.twin.plant.kpis()["pasteurisation_units"] > 15.0


def test_a_diversion_valve_that_sticks_stops_the_pump(watch: Watch) -> None:
    watch.twin.plant.fault("diversion_valve", "stiction", 1.0)
    watch.twin.plant.fault("pasteuriser", "heater_element", 1.0)
    watch.until("Process.State", SAFE, 300.0)
    assert "Diversion valve: not where commanded" in watch.raised
    watch.run(10.0)
    assert true(watch, "pump_motor.running") is False


def test_an_emergency_stop_is_safe_and_needs_a_reset(watch: Watch) -> None:
    plant = watch.twin.plant
    plant.disturb("panel.emergency_stop", True)
    watch.run(10.0)
    assert read(watch, "Process.State") == read(watch, "Packaging.State") == SAFE
    driven = ["pump_motor.running", "conveyor_motor.running", "filler_motor.running", "compressor.run"]
    assert plant.truth(driven) == [False, False, False, False]
    assert plant.truth(["pasteuriser.heater_pct", "raw_tank.inlet_open", "diversion_valve.forward"]) == [
        0.0,
        False,
        False,
    ]
    plant.disturb("panel.emergency_stop", False)
    watch.run(10.0)
    assert read(watch, "Process.State") == read(watch, "Packaging.State") == SAFE
    watch.twin.act("Process.Reset", True)
    watch.twin.act("Packaging.Reset", True)
    watch.until("Process.State", PRODUCING, 600.0)
    watch.run(120.0)
    assert plant.kpis()["bottles_per_min"] > 30


def test_operators_stop_and_start_it(watch: Watch) -> None:
    watch.twin.act("Process.Command", 2)
    watch.twin.act("Packaging.Command", 2)
    watch.run(15.0)
    assert read(watch, "Process.State") == read(watch, "Packaging.State") == 0
    assert read(watch, "Process.Command") == 0
    watch.twin.act("Process.Command", 1)
    watch.twin.act("Packaging.Command", 1)
    watch.until("Process.State", PRODUCING, 300.0)
    watch.run(60.0)
    assert watch.twin.plant.kpis()["bottles_per_min"] > 20


@pytest.mark.parametrize(
    ("asset", "mode", "after_s", "alarm"),
    [
        ("filler", "filter_clogging", 200.0, "Filler filter clogged"),
        ("filler", "filter_clogging", 200.0, "Too many bottles rejected"),
        ("capper", "clutch_wear", 200.0, "Capping torque too low"),
        ("compressor", "leak", 300.0, "Compressed air: pressure low"),
        ("raw_tank", "sensor_off:level_pct", 10.0, "Process: a sensor is out of range"),
        ("compressor", "sensor_off:pressure_bar", 10.0, "Packaging: a sensor is out of range"),
        ("pasteuriser", "fouling", 400.0, "Exchanger fouled: plan a cleaning"),
        ("pump_motor", "imbalance", 120.0, "Pump motor: abnormal vibration"),
    ],
)
def test_a_fault_raises_its_alarm_and_no_bad_bottle_is_sold(
    watch: Watch, asset: str, mode: str, after_s: float, alarm: str
) -> None:
    watch.twin.plant.fault(asset, mode, 1.0)
    watch.run(after_s)
    assert alarm in watch.raised
    assert watch.twin.plant.kpis()["escaped"] == 0


def test_control_hides_a_worn_pump_behind_its_speed(watch: Watch) -> None:
    before = read(watch, "Pump.SpeedCommand"), read(watch, "Pump.Flow")
    watch.twin.plant.fault("pump", "wear", 0.6)
    watch.run(60.0)
    assert read(watch, "Pump.SpeedCommand") > 1.05 * before[0]
    assert read(watch, "Pump.Flow") > 0.95 * before[1]


def test_fouling_needs_hotter_water_and_a_cleaning_mends_it(watch: Watch) -> None:
    before_c = read(watch, "Pasteuriser.HeatingTemperature") - read(watch, "Pasteuriser.Temperature")
    watch.twin.plant.fault("pasteuriser", "fouling", 1.0)
    watch.run(300.0)
    after_c = read(watch, "Pasteuriser.HeatingTemperature") - read(watch, "Pasteuriser.Temperature")
    assert after_c > before_c + 0.8
    watch.twin.act("Process.Command", 4)
    watch.run(5.0)
    assert read(watch, "Process.State") == CLEANING
    watch.until("Process.State", PRODUCING, 1500.0)
    assert (
        "pasteuriser" not in watch.twin.plant.faults()
        or watch.twin.plant.faults()["pasteuriser"]["fouling"] < 0.1
    )


def test_the_pump_never_runs_dry(watch: Watch) -> None:
    watch.twin.plant.disturb("raw_tank.supply_available", False)
    watch.twin.plant.fault("raw_tank", "leak", 1.0)
    watch.until("RawTank.LevelLow", True, 2400.0)
    watch.twin.plant.fault("raw_tank", "leak", 0.0)
    watch.run(60.0)
    assert read(watch, "Process.State") == 1
    assert true(watch, "pump_motor.running") is False
    assert float(true(watch, "raw_tank.level_pct")) > 10.0


def test_set_points_out_of_bounds_are_brought_back(watch: Watch) -> None:
    watch.twin.act("Pasteuriser.SetPoint", 150.0)
    watch.twin.act("Filler.SetPoint", 5.0)
    watch.run(1.0)
    assert read(watch, "Pasteuriser.SetPoint") == 85.0
    assert read(watch, "Filler.SetPoint") == 200.0
