"""Mass and energy close, whatever is done to the plant."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.model import Line
from simulators.plant.engine import Plant
from tests.simulators.plant.operators import bottling, operate, started

LINE = bottling()
_PROBE = Plant(LINE, 0)
_ACTUATORS = [name for name in _PROBE.signals() if _PROBE.role(name) == "actuator"]
_FAULTS = [(asset.id, mode) for asset in LINE.assets for mode in _PROBE.modes(asset.id)]

drive = st.tuples(st.just("write"), st.sampled_from(_ACTUATORS), st.floats(-10, 600) | st.booleans())
fault = st.tuples(st.just("fault"), st.sampled_from(_FAULTS), st.floats(0, 1))
recipe = st.tuples(st.just("recipe"), st.integers(1, 3), st.none())
actions = st.lists(st.tuples(drive | drive | fault | recipe, st.integers(1, 400)), min_size=1, max_size=12)


def act(plant: Plant, action: tuple[str, Any, Any]) -> None:
    kind, what, much = action
    if kind == "write":
        plant.write([what], [much])
    elif kind == "fault":
        asset, mode = what
        plant.fault(asset, mode, much)
    else:
        plant.disturb("panel.recipe", what)


def check(plant: Plant, what: str = "") -> None:
    balance = plant.balance()
    stock_kg = 1500.0 + balance.supplied_kg
    assert abs(balance.mass_error_kg) <= 1e-9 * stock_kg, what
    turnover_j = 1e7 + balance.electric_j + balance.enthalpy_in_j
    assert abs(balance.energy_error_j) <= 1e-6 * turnover_j, what
    assert all(number >= 0.0 for number in (balance.bottled_kg, balance.leaked_kg, balance.supplied_kg))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 99), running=st.booleans(), sequence=actions)
def test_mass_and_energy_close(seed: int, running: bool, sequence: list[Any]) -> None:
    plant = started(LINE, seed) if running else Plant(LINE, seed)
    for action, steps in sequence:
        act(plant, action)
        for _ in range(steps):
            plant.step()
    check(plant)


def test_they_close_under_every_fault(line: Line, in_production: bytes) -> None:
    for asset, mode in _FAULTS:
        if ":" not in mode:
            plant = Plant(line, 1)
            plant.restore(in_production)
            plant.fault(asset, mode, 1.0)
            for _ in range(100):
                plant.step()
            check(plant, mode)


def test_they_close_over_an_hour_of_production(plant: Plant) -> None:
    operate(plant, 600.0)
    balance = plant.balance()
    assert balance.bottled_kg > 300.0
    check(plant)


def test_a_change_over_scraps_what_it_clears(line: Line) -> None:
    plant = started(line)
    operate(plant, 120.0)
    for _ in range(50):
        plant.step()
    plant.write(["filler.format_ml"], [330.0])
    operate(plant, 400.0)
    assert plant.site.format_ml == 330.0
    check(plant)
