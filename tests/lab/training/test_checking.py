"""A check: what it needs, what it spends, what is kept of it, and what a crash in its middle leaves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import select

from lab.exercises.model import Check
from lab.exercises.report import Outcome, Progress
from lab.store.tables import EvidenceRow
from lab.training.claims import LEASE_S, claim, claimed
from lab.training.context import Context
from lab.training.contract import Person, Sitting
from lab.training.evidence import REPORT_MAX_BYTES
from lab.training.reaper import sweep
from lab.training.rows import note
from lab.training.sittings import TrainingSittings
from simulators.errors import InputError, NotFoundError, StartError
from tests.lab.training.fakes import Clock, FakeEngine, FakeLabs, exercise, report
from tests.waiting import HANG_S, soon


@pytest.fixture
def running(sittings: TrainingSittings, alice: Person) -> Sitting:
    return sittings.start_lab(sittings.open(alice, "fake").id, alice)


def kinds(sittings: TrainingSittings, sitting: Sitting) -> list[str]:
    return [str(event.kind) for event in sittings.timeline(sitting.id)][2:]


def test_a_check_is_graded_and_its_evidence_kept(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    sittings.save_rules(running.id, alice, "title: x")
    told: list[Progress] = []
    given = sittings.check(running.id, alice, told.append)
    assert told
    assert given == engine.answer
    standing = sittings.standing(running.id)
    assert (standing.score, standing.points, standing.points_max) == (60, 60, 100)
    assert (standing.attempts, standing.attempts_left, standing.wait_s) == (1, 2, 20)
    assert [step.outcome for step in standing.steps] == ["pass", "fail"]
    assert standing.last == given
    event = sittings.timeline(running.id)[-1]
    assert sittings.report(event.id) == given
    assert sittings.event_sitting(event.id) == running.id
    [asked] = engine.checks
    assert asked["rules"] == "title: x"
    assert "key" in asked["parameters"]
    assert "evidence" not in str(event.data)
    with pytest.raises(NotFoundError):
        sittings.report(event.id - 1)


def test_hidden_runs_differ_from_check_to_check(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting, clock: Clock
) -> None:
    for _ in range(3):
        sittings.check(running.id, alice)
        clock.after(21)
    assert len({asked["seed"] for asked in engine.checks}) == 3


def test_attempts_are_spent_and_cool_down(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting, clock: Clock
) -> None:
    sittings.check(running.id, alice)
    clock.after(15)
    with pytest.raises(InputError, match=r"6 s"):
        sittings.check(running.id, alice)
    clock.after(5)
    sittings.check(running.id, alice)
    clock.after(20)
    sittings.check(running.id, alice)
    clock.after(20)
    with pytest.raises(InputError, match=r"aucun essai|no attempt"):
        sittings.check(running.id, alice)
    assert len(engine.checks) == 3


def test_an_inconclusive_check_spends_nothing(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    engine.answer = report({"one": "pass", "two": "pass"}, conclusive=False)
    for _ in range(5):
        sittings.check(running.id, alice)
    standing = sittings.standing(running.id)
    assert (standing.score, standing.attempts, standing.attempts_left, standing.wait_s) == (0, 0, 3, 0)
    assert standing.last == engine.answer


@pytest.mark.parametrize("error", [StartError("perdu", "lost"), ValueError("bug")])
def test_a_check_that_breaks_spends_nothing_and_says_so(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting, error: Exception
) -> None:
    engine.answer = error
    with pytest.raises(StartError):
        sittings.check(running.id, alice)
    assert kinds(sittings, running) == ["check_started", "check_failed"]
    assert sittings.timeline(running.id)[-1].data["fr"]
    assert sittings.standing(running.id).attempts == 0
    engine.answer = report({"one": "pass", "two": "pass"})
    sittings.check(running.id, alice)
    assert sittings.standing(running.id).score == 100


def test_a_check_needs_a_lab(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    labs.labs[running.lab].state = "failed"
    with pytest.raises(InputError, match=r"ne tourne pas|does not run"):
        sittings.check(running.id, alice)
    labs.labs.clear()
    with pytest.raises(InputError, match=r"ne tourne pas|does not run"):
        sittings.check(running.id, alice)
    assert kinds(sittings, running) == []


def test_during_a_check_nothing_else_is_done(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    engine.hold = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sittings.check, running.id, alice)
        assert engine.began.wait(HANG_S)
        for act in (
            lambda: sittings.check(running.id, alice),
            lambda: sittings.stop_lab(running.id, alice),
            lambda: sittings.reset(running.id, alice, "lab"),
            lambda: sittings.configure(running.id, alice, "plc1", "x"),
        ):
            with pytest.raises(InputError, match=r"vérification est en cours|check is under way"):
                act()
        engine.hold.set()
        first.result(HANG_S)
    assert kinds(sittings, running) == ["check_started", "checked"]


def test_a_long_check_outlives_the_labs_time(
    sittings: TrainingSittings,
    engine: FakeEngine,
    alice: Person,
    running: Sitting,
    context: Context,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lab.training.claims.RENEW_S", 0.02)
    engine.hold = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sittings.check, running.id, alice)
        assert engine.began.wait(HANG_S)
        clock.after(6 * 3600)
        soon(lambda: _claimed(context, running))
        sweep(context)
        assert sittings.sitting(running.id).lab_state == "running"
        engine.hold.set()
        first.result(HANG_S)
    clock.after(3600)
    sweep(context)
    assert sittings.sitting(running.id).lab_state == "none"


def _claimed(context: Context, sitting: Sitting) -> bool:
    with context.database.read() as session:
        return bool(claimed(session, [sitting.id], context.clock()))


def test_two_checks_at_once_are_one(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    def check(_number: int) -> bool:
        try:
            sittings.check(running.id, alice)
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(check, range(6))) == 1
    assert len(engine.checks) == 1
    assert sittings.standing(running.id).attempts == 1


def test_a_crash_in_the_middle_is_shown_and_spends_nothing(
    sittings: TrainingSittings, alice: Person, running: Sitting, context: Context, clock: Clock
) -> None:
    held = claim(context, running.id, "check")
    held.__enter__()  # the process dies here: the claim is never given back
    note(context, running.id, "check_started", alice.id)
    clock.after(LEASE_S - 1)
    with pytest.raises(InputError):
        sittings.check(running.id, alice)
    clock.after(2)
    sweep(context)
    assert kinds(sittings, running) == ["check_started", "check_failed"]
    assert sittings.timeline(running.id)[-1].data == {"interrupted": True}
    sweep(context)
    assert kinds(sittings, running) == ["check_started", "check_failed"]
    sittings.check(running.id, alice)
    assert sittings.standing(running.id).attempts == 1
    held.__exit__(None, None, None)


def test_the_next_check_sees_to_an_interrupted_one_by_itself(
    sittings: TrainingSittings, alice: Person, running: Sitting, context: Context
) -> None:
    note(context, running.id, "check_started", alice.id)
    sittings.check(running.id, alice)
    assert kinds(sittings, running) == ["check_started", "check_failed", "check_started", "checked"]


def test_evidence_is_bounded(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting, context: Context
) -> None:
    engine.answer = report({"one": "pass", "two": "pass"}, words="é" * REPORT_MAX_BYTES)
    sittings.check(running.id, alice)
    with context.database.read() as session:
        [kept] = session.scalars(select(EvidenceRow.report))
    assert len(kept) < 2000
    last = sittings.standing(running.id).last
    assert last is not None
    assert len(msgspec.json.encode(last)) < REPORT_MAX_BYTES
    assert sittings.standing(running.id).score == 100


def at_start(engine: FakeEngine, starts: Outcome) -> None:
    held = Check(probe="none", expect="yes")
    engine.known["fake"] = exercise(baseline=[held])
    engine.starts = starts


def begun(sittings: TrainingSittings, sitting: Sitting) -> None:
    """What happens in the background after a lab's start is over."""
    soon(lambda: any(e.data.get("what") == "warmed" for e in sittings.timeline(sitting.id)))
    soon(lambda: not any(thread.name.startswith("warm") for thread in threading.enumerate()))


@pytest.mark.parametrize(("starts", "refused"), [("pass", False), ("inconclusive", False), ("fail", True)])
def test_a_lab_that_is_not_in_its_starting_state_costs_no_attempt(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, starts: Outcome, refused: bool
) -> None:
    at_start(engine, starts)
    sitting = sittings.start_lab(sittings.open(alice, "fake").id, alice)
    begun(sittings, sitting)
    assert engine.baselines == [sitting.lab]
    if refused:
        with pytest.raises(InputError, match=r"état de départ|starting state"):
            sittings.check(sitting.id, alice)
        assert sittings.standing(sitting.id).attempts == 0
    else:
        sittings.check(sitting.id, alice)
        assert sittings.standing(sitting.id).attempts == 1


def test_a_lab_that_its_trainee_changed_is_not_held_against_its_start(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    sittings.configure(running.id, alice, "plc1", "hardened")
    sittings.stop_lab(running.id, alice)
    at_start(engine, "fail")
    sittings.start_lab(running.id, alice)
    begun(sittings, running)
    assert engine.baselines == []
    sittings.check(running.id, alice)
