"""Blocking calls to the engine, a few at a time, from a program that does not wait for them."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")


class Gate:
    """`workers` calls at once; more would only wait in the engine."""

    def __init__(self, workers: int) -> None:
        self._calls = ThreadPoolExecutor(workers, thread_name_prefix="engine")
        # What makes many calls itself gets a thread that waits for them.
        self._batches = ThreadPoolExecutor(32, thread_name_prefix="batch")

    async def do(self, call: Callable[..., T], *arguments: Any) -> T:
        """One call. Raises: what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._calls, call, *arguments)

    async def each(self, call: Callable[[A], object], arguments: Iterable[A]) -> None:
        """The call with each of the arguments, all to their end, even where one fails. Raises: what the first raises."""
        ended = await asyncio.gather(
            *(self.do(call, argument) for argument in arguments), return_exceptions=True
        )
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome

    async def all(self, call: Callable[[Executor], T]) -> T:
        """A call that makes others side by side, with the executor that it is given."""
        return await asyncio.get_running_loop().run_in_executor(self._batches, call, self._calls)

    async def one_by_one(self, call: Callable[[], T]) -> T:
        """A call that makes many one after another, and waits between them; it keeps no other from the engine."""
        return await asyncio.get_running_loop().run_in_executor(self._batches, call)

    def close(self) -> None:
        """Nothing more is begun."""
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._batches.shutdown(wait=False, cancel_futures=True)
