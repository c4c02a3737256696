"""Waiting for what comes by itself, on a machine that may be busy with everything else."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

# What has not come by then does not come: far above what the busiest machine took, below the limit of a test.
HANG_S = 60.0


def within(limit_s: float, condition: Callable[[], Any], every_s: float = 0.05) -> Any:
    """The first true value of `condition`, polled; an AssertionError after `limit_s`, for where that is a promise."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(every_s)
    raise AssertionError(f"still false after {limit_s} s")


def soon(condition: Callable[[], Any], what: str = "") -> Any:
    """The first true value of `condition`, polled, however long the machine takes; else an AssertionError that says `what`."""
    try:
        return within(HANG_S, condition, every_s=0.02)
    except AssertionError as error:
        raise AssertionError(f"{error}: {what}" if what else str(error)) from None


async def eventually(condition: Callable[[], Any], within_s: float = HANG_S, every_s: float = 0.01) -> Any:
    """As `within` does, while the loop goes on."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        await asyncio.sleep(every_s)
    raise AssertionError(f"still false after {within_s} s")


async def last_served(server: asyncio.Server) -> None:
    """Before it is closed: it takes nobody in any more, and whom it has only just taken in is served.

    By a server that has closed they never are, nor let go.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    await rounds()


async def rounds() -> None:
    """A few of the loop's, however long they take: in some milliseconds a busy machine makes none."""
    for _ in range(10):
        await asyncio.sleep(0)
