import asyncio
import time
from dataclasses import dataclass

from simulators.clock import SPEED_MAX, Clock
from simulators.host.pace import BACKLOG_MAX_S, REST_MIN_S, REST_S, STALE_MAX_S, Pace, rest_s


@dataclass
class Wall:
    now: float = 50.0

    def __call__(self) -> float:
        return self.now


class Line:
    """Counts what the pace asks of it."""

    def __init__(self, speed: float = 1.0) -> None:
        self.wall = Wall()
        self.clock = Clock(0.0, speed, self.wall)
        self.steps: list[float] = []
        self.published: list[float] = []
        self.pace = Pace(self.clock, 0.1, self.steps.append, self.published.append, wall=self.wall)


async def test_nothing_before_it_is_due() -> None:
    line = Line()
    line.wall.now += 0.09
    await line.pace.advance()
    assert line.steps == []
    assert line.published == []


async def test_a_late_wake_up_catches_up_and_publishes_once() -> None:
    line = Line()
    line.wall.now += 0.35
    await line.pace.advance()
    assert [round(t, 1) for t in line.steps] == [0.1, 0.2, 0.3]
    assert len(line.published) == 1
    assert round(line.pace.lateness.values()[0]) == 250


async def test_lateness_never_adds_up() -> None:
    line = Line()
    for _ in range(1000):
        line.wall.now += 0.1003
        await line.pace.advance()
    assert line.pace.done == 1003
    assert line.steps[-1] <= line.clock.now_s()


async def test_speed_makes_more_steps_of_the_same_length() -> None:
    line = Line(speed=100)
    line.wall.now += 0.01
    await line.pace.advance()
    assert len(line.steps) == 10


def test_the_faster_a_line_the_shorter_its_rest_from_where_what_is_served_would_be_too_old() -> None:
    for speed in (1.0, 5.0, 40.0, 41.0, 60.0, SPEED_MAX):
        assert REST_MIN_S <= rest_s(speed) <= REST_S
        assert rest_s(speed) * speed <= STALE_MAX_S + 1e-9
    assert rest_s(40.0) == REST_S
    assert rest_s(60.0) < REST_S


async def test_a_fast_line_wakes_up_no_more_often_than_its_rest_allows() -> None:
    steps: list[float] = []
    published: list[float] = []
    pace = Pace(Clock(0.0, 20.0), 0.1, steps.append, published.append)
    begun = time.monotonic()
    task = asyncio.create_task(pace.run())
    await asyncio.sleep(0.3)
    task.cancel()
    assert 1 <= len(published) <= (time.monotonic() - begun) / REST_S + 1
    assert len(steps) > len(published)


async def test_a_pause_makes_no_step_and_resuming_makes_no_burst() -> None:
    line = Line()
    line.clock.pause()
    task = asyncio.create_task(line.pace.run())
    line.wall.now += 60
    await asyncio.sleep(0.02)
    assert line.steps == []
    line.clock.resume()
    line.pace.changed()
    line.wall.now += 0.1
    await asyncio.sleep(0.15)
    task.cancel()
    assert len(line.steps) == 1


async def test_a_backlog_that_cannot_be_caught_up_is_given_up_and_counted() -> None:
    line = Line()
    line.wall.now += BACKLOG_MAX_S + 5
    await line.pace.advance()
    assert line.pace.lateness.backlogs == 1
    assert len(line.steps) == 1


async def test_restart_begins_at_zero() -> None:
    line = Line()
    line.wall.now += 3.05
    await line.pace.advance()
    line.pace.restart()
    line.wall.now += 0.1
    await line.pace.advance()
    assert line.pace.t_s == 0.1
