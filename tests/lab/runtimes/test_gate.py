"""A few calls to the engine at once, and batches that make calls."""

import asyncio
import threading
from concurrent.futures import Executor

import pytest

from lab.runtimes.docker.gate import Gate
from tests.waiting import HANG_S


async def test_no_more_calls_at_once_than_workers_and_their_results_and_errors_come_back() -> None:
    gate = Gate(2)
    both, busy, most = threading.Barrier(2), 0, 0
    lock = threading.Lock()

    def call(number: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        both.wait(HANG_S)
        with lock:
            busy -= 1
        return number

    assert await asyncio.gather(*(gate.do(call, n) for n in range(6))) == list(range(6))
    assert most == 2
    with pytest.raises(ZeroDivisionError):
        await gate.do(lambda: 1 // 0)
    gate.close()


async def test_a_batch_that_makes_calls_is_not_in_their_way() -> None:
    gate = Gate(1)

    def batch(calls: Executor) -> list[int]:
        return list(calls.map(abs, [-1, -2]))

    assert await gate.all(batch) == [1, 2]
    gate.close()
