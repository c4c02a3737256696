"""Labs that nobody looks after: at their time's end, lost, left behind, crashed, not warmed up."""

import threading

import pytest

from lab.exercises.model import Setup
from lab.training.claims import claim
from lab.training.context import Context
from lab.training.contract import Person, Sitting
from lab.training.reaper import IDLE_S, WARNING_S, keep_sweeping, sweep
from lab.training.sittings import TrainingSittings
from simulators.errors import InputError
from tests.lab.training.fakes import Clock, FakeEngine, FakeLabs, exercise
from tests.waiting import soon


@pytest.fixture
def running(sittings: TrainingSittings, alice: Person) -> Sitting:
    return sittings.start_lab(sittings.open(alice, "fake").id, alice)


def said(sittings: TrainingSittings, sitting: Sitting) -> list[str]:
    """What happened after the start."""
    events = sittings.timeline(sitting.id)[2:]
    return [str(event.data.get("what") or event.data.get("why") or event.kind) for event in events]


def test_the_end_is_announced_once_then_comes(
    sittings: TrainingSittings, context: Context, labs: FakeLabs, running: Sitting, clock: Clock
) -> None:
    end = running.expires_unix_s or 0
    clock.now = end - WARNING_S - 1
    sweep(context)
    assert said(sittings, running) == []
    clock.after(2)
    sweep(context)
    sweep(context)
    assert said(sittings, running) == ["expires_soon"]
    clock.now = end - 1
    sweep(context)
    assert running.lab in labs.labs
    clock.now = end
    sweep(context)
    assert said(sittings, running) == ["expires_soon", "expired"]
    assert labs.labs == {}
    assert sittings.sitting(running.id).lab_state == "none"


def test_more_time_before_or_after_the_end(
    sittings: TrainingSittings, context: Context, alice: Person, running: Sitting, clock: Clock
) -> None:
    clock.now = (running.expires_unix_s or 0) - 60
    sweep(context)
    sittings.extend(running.id, alice, 60)
    clock.after(120)
    sweep(context)
    assert sittings.sitting(running.id).lab_state == "running"
    clock.after(3600)
    sweep(context)
    assert sittings.sitting(running.id).lab_state == "none"
    sittings.extend(running.id, alice, 60)
    assert sittings.start_lab(running.id, alice).lab_state == "running"
    sweep(context)
    assert said(sittings, running).count("expires_soon") == 1


def test_who_is_at_work_keeps_the_lab(
    sittings: TrainingSittings, context: Context, alice: Person, running: Sitting, clock: Clock
) -> None:
    clock.now = running.expires_unix_s or 0
    sittings.configure(running.id, alice, "plc1", "x")
    clock.after(IDLE_S - 1)
    sweep(context)
    assert sittings.sitting(running.id).lab_state == "running"
    clock.after(2)
    sweep(context)
    assert sittings.sitting(running.id).lab_state == "none"


def test_what_is_being_done_is_left_alone(
    sittings: TrainingSittings, context: Context, running: Sitting, clock: Clock
) -> None:
    clock.now = (running.expires_unix_s or 0) + 99
    with claim(context, running.id, "check"):
        sweep(context)
        assert sittings.sitting(running.id).lab_state == "running"


def test_a_loss_is_noted_once(
    sittings: TrainingSittings, context: Context, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    labs.labs.clear()
    sweep(context)
    sweep(context)
    assert said(sittings, running) == ["lab_lost"]
    sittings.start_lab(running.id, alice)
    assert said(sittings, running) == ["lab_lost", "lab_started"]


def test_a_lab_whose_start_was_cut_short_is_ended(
    sittings: TrainingSittings, context: Context, labs: FakeLabs, alice: Person
) -> None:
    sitting = sittings.open(alice, "fake")
    labs.start("bottling", sitting.lab, 1)
    labs.start("bottling", "somebody-elses", 1)
    with claim(context, sitting.id, "start"):
        sweep(context)
        assert sitting.lab in labs.labs
    sweep(context)
    assert list(labs.labs) == ["somebody-elses"]


def test_a_crashed_lab_is_set_up_again(
    sittings: TrainingSittings,
    context: Context,
    labs: FakeLabs,
    engine: FakeEngine,
    alice: Person,
    running: Sitting,
) -> None:
    sittings.configure(running.id, alice, "plc1", "hardened")
    sweep(context)
    assert len(engine.set_ups) == 1
    labs.labs[running.lab].restarts = 2
    sweep(context)
    sweep(context)
    assert len(engine.set_ups) == 2
    assert labs.labs[running.lab].texts["plc1"] == "hardened"
    assert said(sittings, running) == ["configuration", "lab_restarted"]


def test_a_line_is_warmed_up_in_the_background_and_again_after_a_crash(
    sittings: TrainingSittings, context: Context, labs: FakeLabs, engine: FakeEngine, alice: Person
) -> None:
    engine.known["fake"] = exercise(setup=Setup(warm_up_s=60))
    running = sittings.start_lab(sittings.open(alice, "fake").id, alice)
    soon(lambda: said(sittings, running) == ["warmed"])
    sweep(context)
    soon(lambda: not any(thread.name.startswith("warm") for thread in threading.enumerate()))
    assert said(sittings, running) == ["warmed"]
    labs.labs[running.lab].restarts = 1
    sweep(context)
    sweep(context)
    soon(lambda: said(sittings, running) == ["warmed", "lab_restarted", "warmed"])
    soon(lambda: not any(thread.name.startswith("warm") for thread in threading.enumerate()))


def test_while_it_warms_up_the_lab_runs_and_a_check_waits(
    sittings: TrainingSittings, context: Context, alice: Person, running: Sitting
) -> None:
    with claim(context, running.id, "warm"):
        assert sittings.sitting(running.id).lab_state == "running"
        with pytest.raises(InputError, match=r"température|warming up"):
            sittings.check(running.id, alice)


def test_a_closed_sittings_lab_is_ended(
    sittings: TrainingSittings,
    context: Context,
    labs: FakeLabs,
    engine: FakeEngine,
    alice: Person,
    running: Sitting,
) -> None:
    engine.known["fake"] = exercise(version=2)
    sittings.open(alice, "fake")
    sweep(context)
    assert labs.labs == {}


def test_one_that_fails_stops_nothing(
    sittings: TrainingSittings,
    context: Context,
    labs: FakeLabs,
    engine: FakeEngine,
    alice: Person,
    running: Sitting,
) -> None:
    engine.known["other"] = exercise(id="other")
    other = sittings.start_lab(sittings.open(alice, "other").id, alice)
    labs.labs[running.lab].restarts = 1
    del engine.known["fake"]
    labs.labs.pop(other.lab)
    sweep(context)
    assert said(sittings, other) == ["lab_lost"]


def test_it_goes_on_in_a_thread_until_it_is_ended(
    sittings: TrainingSittings, context: Context, labs: FakeLabs, running: Sitting
) -> None:
    end = keep_sweeping(context, 0.02)
    labs.labs.clear()
    soon(lambda: said(sittings, running) == ["lab_lost"])
    end()
    assert not any(thread.name == "sweep" for thread in threading.enumerate())
