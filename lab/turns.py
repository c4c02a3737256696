"""A queue for what a machine carries few of at once: who waits knows how many are before them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

LOOK_S = 1.0


@dataclass(frozen=True, order=True)
class _Ticket:
    """In the order in which turns come: those that people wait for first."""

    patient: bool
    number: int
    thing: str


class Turns:
    """First come, first served, `at_once` at a time, and one at a time about the same thing."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._numbers = count()
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._busy: list[str] = []

    @contextmanager
    def turn(
        self, thing: str, waiting: Callable[[int], Any] = lambda _before: None, *, patient: bool = False
    ) -> Iterator[None]:
        """The block runs when its turn has come; meanwhile `waiting` is told now and then how many are before.

        Who is `patient` lets all the others go first.
        """
        ticket = _Ticket(patient, next(self._numbers), thing)
        with self._changed:
            self._waiting.append(ticket)
        try:
            while (before := self._taken(ticket)) is not None:
                waiting(before)
                with self._changed:
                    self._changed.wait_for(lambda: self._next() is ticket, LOOK_S)
        except BaseException:
            self._leave(ticket)
            raise
        try:
            yield
        finally:
            with self._changed:
                self._busy.remove(thing)
                self._changed.notify_all()

    def idle(self) -> bool:
        """Whether nobody works and nobody waits."""
        with self._changed:
            return not self._busy and not self._waiting

    def _taken(self, ticket: _Ticket) -> int | None:
        """None once the turn is taken, else how many are before: those at work, and those who waited longer."""
        with self._changed:
            if self._next() is ticket:
                self._waiting.remove(ticket)
                self._busy.append(ticket.thing)
                self._changed.notify_all()
                return None
            return len(self._busy) + sum(other < ticket for other in self._waiting)

    def _next(self) -> _Ticket | None:
        if len(self._busy) >= self._at_once:
            return None
        return min((each for each in self._waiting if each.thing not in self._busy), default=None)

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            self._changed.notify_all()
