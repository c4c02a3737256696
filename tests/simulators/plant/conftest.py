"""A bottling plant in production, made once; each test gets its own, restored from it."""

import pytest

from simulators.model import Line
from simulators.plant.engine import Plant
from tests.simulators.plant.operators import bottling, operate, started


@pytest.fixture(scope="session")
def line() -> Line:
    return bottling()


@pytest.fixture(scope="session")
def in_production(line: Line) -> bytes:
    plant = started(line)
    operate(plant, 1500.0)
    return plant.checkpoint()


@pytest.fixture
def plant(line: Line, in_production: bytes) -> Plant:
    plant = Plant(line, 1)
    plant.restore(in_production)
    return plant
