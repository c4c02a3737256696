"""Turns: their order, who is told what, one thing once."""

import threading

import pytest

from lab.turns import Turns
from tests.waiting import HANG_S


class Caller(threading.Thread):
    """Takes a turn in a thread, and holds it until told."""

    def __init__(self, turns: Turns, thing: str, order: list[str], *, patient: bool = False) -> None:
        super().__init__(daemon=True)
        self.turns, self.thing, self.order, self.patient = turns, thing, order, patient
        self.told: list[int] = []
        self.queued, self.inside, self.leave = threading.Event(), threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self.turns.turn(self.thing, self.hear, patient=self.patient):
            self.order.append(self.thing)
            self.inside.set()
            self.leave.wait(HANG_S)

    def hear(self, before: int) -> None:
        self.told.append(before)
        self.queued.set()

    def done(self) -> None:
        self.leave.set()
        self.join(HANG_S)
        assert not self.is_alive()


def test_first_come_first_served_and_the_patient_last() -> None:
    turns, order = Turns(1), list[str]()
    at_work = Caller(turns, "first", order)
    assert at_work.inside.wait(HANG_S)
    stock = Caller(turns, "stock", order, patient=True)
    assert stock.queued.wait(HANG_S)
    others = []
    for thing in ("second", "third"):
        others.append(Caller(turns, thing, order))
        assert others[-1].queued.wait(HANG_S)
    # Those at work count, and those who came before; a stock in the queue holds up nobody.
    assert [each.told[0] for each in others] == [1, 2]
    for each in (at_work, *others, stock):
        each.done()
    assert order == ["first", "second", "third", "stock"]
    assert turns.idle()


def test_one_thing_is_done_once_at_a_time_and_does_not_hold_up_another() -> None:
    turns, order = Turns(2), list[str]()
    first = Caller(turns, "seed 1", order)
    assert first.inside.wait(HANG_S)
    same = Caller(turns, "seed 1", order)
    assert same.queued.wait(HANG_S)
    other = Caller(turns, "seed 2", order)
    assert other.inside.wait(HANG_S)
    assert not same.inside.is_set()
    for each in (first, same, other):
        each.done()
    assert order == ["seed 1", "seed 2", "seed 1"]


def test_who_gives_up_leaves_the_queue() -> None:
    turns, order = Turns(1), list[str]()
    at_work = Caller(turns, "first", order)
    assert at_work.inside.wait(HANG_S)

    def tired(_before: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), turns.turn("second", tired):
        pass
    at_work.done()
    assert turns.idle()
