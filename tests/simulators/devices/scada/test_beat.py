"""SCADA's polls follow simulated time, whatever the speed."""

import asyncio
import time

import pytest

from simulators.clock import Clock
from simulators.devices.scada.source import FLOOR_S, Beat


async def beats(beat: Beat, wall_s: float) -> int:
    count, until_s = 0, time.monotonic() + wall_s
    while time.monotonic() < until_s:
        await beat.wait()
        count += 1
    return count


@pytest.mark.parametrize("speed", [1.0, 20.0])
async def test_as_many_polls_a_simulated_second_at_any_speed(speed: float) -> None:
    clock = Clock(0.0, speed)
    period_s = 0.1 * speed  # a tenth of a second of the wall
    begun_s = clock.now_s()
    count = await beats(Beat(period_s, clock), 0.75)
    assert count == pytest.approx((clock.now_s() - begun_s) / period_s, abs=2)


async def test_never_faster_than_the_floor() -> None:
    count = await beats(Beat(0.1, Clock(0.0, 100.0)), 0.3)
    assert 3 <= count <= 0.3 / FLOOR_S + 2


async def test_a_paused_line_is_polled_by_the_wall() -> None:
    clock = Clock(0.0, 50.0)
    clock.pause()
    assert 2 <= await beats(Beat(0.1, clock), 0.45) <= 6


async def test_time_set_back_does_not_silence_it() -> None:
    clock = Clock(0.0, 10.0)
    clock.jump(10_000.0)
    beat = Beat(1.0, clock)
    await beat.wait()
    clock.jump(0.0)
    async with asyncio.timeout(1.0):
        await beat.wait()
        await beat.wait()


async def test_news_bring_a_poll_forward() -> None:
    beat = Beat(60.0, Clock(0.0))
    waiting = asyncio.create_task(beat.wait())
    await asyncio.sleep(0)
    beat.now()
    async with asyncio.timeout(1.0):
        await waiting


async def test_time_set_back_in_the_middle_of_a_wait_does_not_silence_it() -> None:
    clock = Clock(0.0, 10.0)
    clock.jump(1000.0)
    beat = Beat(5.0, clock)
    await beat.wait()
    waiting = asyncio.create_task(beat.wait())
    await asyncio.sleep(0.05)
    clock.jump(0.0)
    async with asyncio.timeout(3.0):
        await waiting
