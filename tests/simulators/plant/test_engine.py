"""The plant from outside: actuators, disturbances, key figures, speed."""

import time
from typing import Any

import msgspec
import pytest

from simulators.errors import InputError
from simulators.model import Line
from simulators.plant.engine import Plant
from tests.simulators.plant.operators import operate, started, value


def test_the_line_makes_good_bottles(plant: Plant) -> None:
    before = plant.kpis()
    operate(plant, 300.0)
    kpis = plant.kpis()
    assert 180 <= kpis["bottles_total"] - before["bottles_total"] <= 205
    assert 36 <= kpis["bottles_per_min"] <= 42
    assert 0.0 < kpis["fill_deviation_ml"] < 4.0
    assert kpis["pasteurisation_units"] > 15.0
    assert kpis["oee"] == pytest.approx(kpis["availability"] * kpis["performance"] * kpis["quality"])
    assert 0.0 < kpis["kwh_per_1000_bottles"] < 50.0


def test_bottles_that_miss_their_cap_are_not_good(plant: Plant) -> None:
    operate(plant, 60.0)
    before = plant.kpis()
    plant.write(["capper.run"], [False])
    operate(plant, 120.0)
    kpis = plant.kpis()
    assert kpis["escaped"] - before["escaped"] > 50
    assert kpis["bottles_good"] - before["bottles_good"] < 20


def test_cold_product_is_diverted_by_the_valve_and_by_its_spring(plant: Plant) -> None:
    level_pct = value(plant, "buffer_tank.level_pct")
    plant.write(["diversion_valve.forward", "filler.run"], [False, False])
    for _ in range(300):
        plant.step()
    assert plant.truth(["diversion_valve.is_diverted", "diversion_valve.is_forward"]) == [True, False]
    assert value(plant, "buffer_tank.level_pct") < level_pct + 1.0


def test_the_safety_thermostat_cuts_the_heater(plant: Plant) -> None:
    plant.write(["pump.run", "pasteuriser.heater_pct"], [False, 100.0])
    for _ in range(6000):
        plant.step()
    assert value(plant, "pasteuriser.water_temperature_c") < 101.0
    assert value(plant, "pasteuriser.overheat")


def test_cleaning_takes_the_fouling_away(plant: Plant) -> None:
    plant.fault("pasteuriser", "fouling", 1.0)
    plant.write(["pump.run", "pasteuriser.cip_open"], [False, True])
    for _ in range(9000):
        plant.write(
            ["pasteuriser.heater_pct"],
            [100.0 if value(plant, "pasteuriser.water_temperature_c") < 82 else 0.0],
        )
        plant.step()
    assert plant.faults().get("pasteuriser", {}).get("fouling", 0.0) < 0.1


def test_actuators_are_bounded_and_sensors_cannot_be_driven(plant: Plant) -> None:
    plant.write(["pump.speed_pct", "pasteuriser.heater_pct"], [1e9, float("nan")])
    assert plant.truth(["pump.speed_pct", "pasteuriser.heater_pct"]) == [100.0, 0.0]
    level_pct = value(plant, "raw_tank.level_pct")
    plant.write(["raw_tank.level_pct"], [3.0])
    assert value(plant, "raw_tank.level_pct") == level_pct


def test_a_heat_wave_warms_the_hall(line: Line) -> None:
    mild, hot = Plant(line, 1), Plant(line, 1)
    hot.disturb("hall.offset_c", 12.0)
    for plant in (mild, hot):
        for _ in range(200):
            plant.step()
    assert value(hot, "hall.temperature_c") - value(mild, "hall.temperature_c") == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("name", "new", "said"),
    [
        ("hall.colour", 1.0, "hall.offset_c"),
        ("panel.run_switch", 3.0, "run_switch"),
        ("panel.recipe", "two", "two"),
    ],
)
def test_a_disturbance_that_does_not_fit_is_refused(line: Line, name: str, new: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Plant(line, 1).disturb(name, new)


def test_the_schedule_runs_and_repeats(line: Line) -> None:
    disturbances = {
        "repeat_s": 10,
        "schedule": [
            {"at_s": 1, "set": "panel.recipe", "to": 2},
            {"at_s": 5, "set": "panel.recipe", "to": 3},
        ],
    }
    plant = Plant(msgspec.structs.replace(line, disturbances=disturbances), 1)
    seen = []
    for _ in range(180):
        plant.step()
        seen.append(int(value(plant, "panel.recipe")))
    assert [seen[step - 1] for step in (5, 20, 60, 109, 115, 160)] == [1, 2, 3, 3, 2, 3]


@pytest.mark.parametrize(
    "disturbances",
    [
        {"schedule": [{"at_s": 1, "set": "panel.colour", "to": 2}]},
        {"schedule": [{"when": 1}]},
        {"ambient": 3},
    ],
)
def test_a_schedule_that_cannot_run_is_refused(line: Line, disturbances: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="disturbances"):
        Plant(msgspec.structs.replace(line, disturbances=disturbances), 1)


def test_a_step_is_fast(line: Line) -> None:
    """Issue's budget: 30 µs. The bound here is wide, as tests run on shared, slow machines."""
    plant = started(line)
    operate(plant, 60.0)
    best_us = 1e9
    for _ in range(5):
        began = time.process_time()
        for _ in range(1000):
            plant.step()
        best_us = min(best_us, (time.process_time() - began) * 1e3)
    assert best_us < 90.0
