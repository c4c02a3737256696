"""Room for labs: some always, more while the machine rests."""

import threading
from contextlib import ExitStack

import pytest

from lab.exercises.room import Room, machine_rests
from tests.waiting import HANG_S


@pytest.mark.parametrize(("rests", "most"), [(True, 4), (False, 2)])
def test_more_labs_only_while_the_machine_rests(rests: bool, most: int) -> None:
    looked = threading.Event()

    def spare() -> bool:
        looked.set()
        return rests

    room = Room(2, 4, spare)
    inside = threading.Semaphore(0)
    leave = threading.Event()

    def stay() -> None:
        with room.taken():
            inside.release()
            leave.wait(HANG_S)

    guests = [threading.Thread(target=stay, daemon=True) for _ in range(6)]
    for guest in guests:
        guest.start()
    assert all(inside.acquire(timeout=HANG_S) for _ in range(most))
    assert looked.wait(HANG_S)
    assert not inside.acquire(timeout=0.2)
    leave.set()
    for guest in guests:
        guest.join(HANG_S)
        assert not guest.is_alive()
    with ExitStack() as again:
        for _ in range(2):
            again.enter_context(room.taken())


def test_the_machine_is_looked_at() -> None:
    assert machine_rests() in (True, False)
