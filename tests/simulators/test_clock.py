from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import Clock


@dataclass
class Wall:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


def test_real_time(wall: Wall) -> None:
    clock = Clock(5e8, wall=wall)
    wall.now += 12.5
    assert clock.now_s() == 12.5
    assert clock.unix_s(clock.now_s()) == 5e8 + 12.5


def test_a_change_of_speed_moves_no_past_instant(wall: Wall) -> None:
    clock = Clock(0.0, wall=wall)
    wall.now += 10
    clock.set_speed(20)
    assert clock.now_s() == 10
    wall.now += 1
    assert clock.now_s() == 30


def test_a_pause_stops_time(wall: Wall) -> None:
    clock = Clock(0.0, wall=wall)
    wall.now += 3
    clock.pause()
    wall.now += 100
    assert clock.now_s() == 3
    clock.resume()
    wall.now += 1
    assert clock.now_s() == 4


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(1, 100)), max_size=20))
def test_wall_of_undoes_now(changes: list[tuple[float, float]]) -> None:
    wall = Wall()
    clock = Clock(0.0, wall=wall)
    for pause_s, speed in changes:
        wall.now += pause_s
        clock.set_speed(speed)
    wall.now += 7
    assert clock.wall_of(clock.now_s()) == pytest.approx(wall.now)
