"""Hidden runs played ahead: for whom, how many, and each seed once."""

import pytest

from lab.exercises.model import Exercise
from lab.probes.contract import Ahead
from lab.training.context import Context
from lab.training.contract import Person, Sitting
from lab.training.sittings import TrainingSittings
from lab.training.stock import keep_stocking, restock, take
from simulators.errors import StartError
from tests.lab.training.fakes import FakeEngine
from tests.waiting import soon


class Player:
    """Notes what it is asked to play; `broken`: it cannot."""

    def __init__(self) -> None:
        self.asked: list[Ahead] = []
        self.broken = False

    def of(self, _exercise: Exercise) -> list["Player"]:
        return [self]

    def __call__(self, wanted: Ahead) -> None:
        if self.broken:
            raise StartError("trop chargée", "overloaded")
        self.asked.append(wanted)


@pytest.fixture
def player() -> Player:
    return Player()


@pytest.fixture
def running(sittings: TrainingSittings, alice: Person) -> Sitting:
    return sittings.start_lab(sittings.open(alice, "fake").id, alice)


def test_nothing_is_played_where_no_lab_is_at_work(context: Context, player: Player) -> None:
    assert restock(context, player.of) == 0
    assert player.asked == []


def test_one_set_a_lab_that_runs_and_a_check_takes_it(
    context: Context, player: Player, sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:  # fmt: skip
    assert restock(context, player.of) == 1
    assert restock(context, player.of) == 0
    [ahead] = player.asked
    assert ahead.patient
    sittings.check(running.id, alice)
    assert engine.checks[0]["seed"] == ahead.seed
    # Given once: the next set is another one.
    assert restock(context, player.of) == 1
    assert player.asked[1].seed != ahead.seed


def test_without_a_stock_each_seed_is_fresh(context: Context) -> None:
    assert len({take(context, "none") for _ in range(20)}) == 20


def test_what_cannot_be_played_is_not_in_stock(context: Context, player: Player, running: Sitting) -> None:
    player.broken = True
    assert restock(context, player.of) == 0
    assert not context.stock[running.exercise]


def test_an_exercise_without_hidden_runs_has_no_stock(context: Context, running: Sitting) -> None:
    assert restock(context) == 0
    assert not context.stock[running.exercise]


def test_it_is_kept_up_in_the_background(context: Context, player: Player, running: Sitting) -> None:
    end = keep_stocking(context, 0.02, player.of)
    try:
        assert soon(lambda: len(context.stock[running.exercise]) == 1)
    finally:
        end()
