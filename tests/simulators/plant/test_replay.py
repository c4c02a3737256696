"""Same seed and actions, same run, bit for bit; a checkpoint continues as if nothing had happened."""

import pytest

from simulators.errors import InputError
from simulators.model import Line
from simulators.plant.engine import Plant
from tests.simulators.plant.operators import operate, started


def run(line: Line, seed: int) -> str:
    plant = started(line, seed)
    operate(plant, 90.0)
    plant.fault("pump", "cavitation", 0.8)
    operate(plant, 90.0)
    return plant.state_hash()


def test_the_same_seed_gives_the_same_run(line: Line) -> None:
    assert run(line, 7) == run(line, 7)
    assert run(line, 7) != run(line, 8)


def test_reading_moves_nothing(line: Line) -> None:
    watched, alone = started(line, 3), started(line, 3)
    for _ in range(300):
        watched.step()
        watched.read(watched.signals())
        alone.step()
    watched.vibration("pump_motor")
    watched.kpis()
    watched.assets()
    assert watched.state_hash() == alone.state_hash()
    assert watched.read(watched.signals()) == alone.read(alone.signals())


def test_each_seed_and_each_sensor_has_its_own_noise(line: Line) -> None:
    signals = ["raw_tank.level_pct", "buffer_tank.level_pct"]
    noises = []
    for seed in (1, 2):
        plant = Plant(line, seed)
        read, true = plant.read(signals), plant.truth(signals)
        noises += [round(float(r) - float(t), 9) for r, t in zip(read, true, strict=True)]
    assert len(set(noises)) == 4


def test_a_restored_plant_continues_bit_for_bit(line: Line, plant: Plant) -> None:
    plant.fault("filler", "valve_stiction", 0.5)
    plant.fault("pump", "cavitation", 0.9)
    operate(plant, 20.0)
    plant.fault("raw_tank", "sensor_stuck:level_pct", 1.0)
    saved = plant.checkpoint()
    other = Plant(line, 1)
    other.restore(saved)
    operate(plant, 120.0)
    operate(other, 120.0)
    assert other.state_hash() == plant.state_hash()
    assert other.read(other.signals()) == plant.read(plant.signals())
    assert other.kpis() == plant.kpis()


def test_a_reset_goes_back_to_the_start(line: Line, plant: Plant) -> None:
    plant.fault("pump", "wear", 0.5)
    plant.reset()
    assert plant.state_hash() == Plant(line, 1).state_hash()
    assert (plant.t_s, plant.faults()) == (0.0, {})


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x81\xa6format\x09", b"\xc1" * 40])
def test_what_is_no_checkpoint_is_refused_and_changes_nothing(plant: Plant, data: bytes) -> None:
    before = plant.state_hash()
    with pytest.raises(InputError):
        plant.restore(data)
    assert plant.state_hash() == before


def test_a_checkpoint_of_another_seed_is_refused(line: Line) -> None:
    with pytest.raises(InputError, match="seed"):
        Plant(line, 2).restore(Plant(line, 1).checkpoint())


def test_the_clock_has_a_fixed_origin(line: Line) -> None:
    plant = Plant(line, 1)
    for _ in range(12345):
        plant.step()
    assert plant.t_s == 12345 * line.step_s
