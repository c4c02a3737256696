"""The standing's laws, for any history of hints and checks."""

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.exercises.model import Attempts, Hint
from lab.exercises.report import Outcome
from lab.training.contract import Event, EventKind, Standing
from lab.training.hints import offer
from lab.training.standing import standing, summary
from tests.lab.training.fakes import NAME, exercise, report, step

EXERCISE = exercise(
    attempts=Attempts(max=0, cooldown_s=20),
    steps=[
        step("one", 60, Hint(cost=5, text=NAME), Hint(cost="50%", text=NAME), Hint(cost=60, text=NAME)),
        step("two", 30, Hint(cost="10%", text=NAME)),
        step("three", 10),
    ],
)
STEPS = [each.id for each in EXERCISE.steps]
OUTCOMES = st.sampled_from(["pass", "fail", "inconclusive"])

Deed = tuple[EventKind, dict[str, Any]]
checks = st.builds(
    lambda outcomes, cap, conclusive: (
        "checked",
        summary(report(dict(zip(STEPS, outcomes, strict=True)), cap, conclusive)),
    ),
    st.lists(cast("st.SearchStrategy[Outcome]", OUTCOMES), min_size=3, max_size=3),
    st.sampled_from([0.0, 20.0, 40.0, 100.0]),
    st.booleans(),
)
hints = st.sampled_from(STEPS[:2]).map(lambda name: ("hint", {"step": name}))
others = st.sampled_from(["note", "configuration", "reset", "check_failed", "check_started"]).map(
    lambda kind: (kind, {"what": "x"})
)
histories = st.lists(st.one_of(checks, hints, others), max_size=12)


def events_of(deeds: list[Deed]) -> list[Event]:
    """As they would be written: hints in their order, none after the last."""
    made: list[Event] = []
    for number, (kind, data) in enumerate(deeds):
        if kind == "hint":
            found = next(each for each in EXERCISE.steps if each.id == data["step"])
            next_one = offer(found, made, 1e9)
            if next_one is None:
                continue
            data = {"step": found.id, "index": next_one.index}
        made.append(Event(number + 1, 1, 1000.0 + 60 * number, kind, 1, data))
    return made


def stand(events: list[Event]) -> Standing:
    return standing(EXERCISE, events, now=1e6)


@settings(max_examples=150, deadline=None)
@given(histories)
def test_the_score_is_bounded_by_cap_and_points(deeds: list[Deed]) -> None:
    found = stand(events_of(deeds))
    assert 0 <= found.score <= found.cap <= 100
    assert found.points <= sum(each.earned for each in found.steps) + 1e-9
    for each in found.steps:
        assert 0 <= each.hint_cost <= each.points
        assert each.earned in {0.0, round(each.points - each.hint_cost, 2)}
    if not any(kind == "checked" and data["conclusive"] for kind, data in deeds):
        assert found.score == 0


@settings(max_examples=150, deadline=None)
@given(histories)
def test_an_inconclusive_check_changes_nothing(deeds: list[Deed]) -> None:
    whole = events_of(deeds)
    without = [event for event in whole if event.kind != "checked" or event.data["conclusive"]]
    assert stand(whole) == stand(without)


@settings(max_examples=150, deadline=None)
@given(histories)
def test_what_is_no_check_and_no_hint_changes_nothing(deeds: list[Deed]) -> None:
    whole = events_of(deeds)
    assert stand(whole) == stand([event for event in whole if event.kind in {"checked", "hint"}])


@settings(max_examples=150, deadline=None)
@given(histories, st.sampled_from(STEPS[:2]))
def test_a_hint_costs_on_its_own_step_only(deeds: list[Deed], name: str) -> None:
    before = stand(events_of(deeds))
    after = stand(events_of([("hint", {"step": name}), *deeds]))
    for old, new in zip(before.steps, after.steps, strict=True):
        if old.step != name:
            assert (new.hint_cost, new.hints_taken) == (old.hint_cost, old.hints_taken)
        else:
            assert new.hint_cost >= old.hint_cost
    assert after.score <= before.score


@settings(max_examples=150, deadline=None)
@given(st.lists(checks, max_size=6), st.randoms(use_true_random=False))
def test_without_hints_the_order_of_checks_is_indifferent_to_the_score(deeds: list[Deed], draw: Any) -> None:
    shuffled = list(deeds)
    draw.shuffle(shuffled)
    one, other = stand(events_of(deeds)), stand(events_of(shuffled))
    assert (one.score, one.attempts) == (other.score, other.attempts)


@settings(max_examples=150, deadline=None)
@given(histories, checks)
def test_one_more_check_never_takes_away(deeds: list[Deed], more: Deed) -> None:
    assert stand(events_of([*deeds, more])).score >= stand(events_of(deeds)).score


@settings(max_examples=50, deadline=None)
@given(histories, st.integers(0, 4))
def test_attempts_left_and_waits(deeds: list[Deed], most: int) -> None:
    limited = exercise(attempts=Attempts(max=most, cooldown_s=20), steps=EXERCISE.steps)
    events = events_of(deeds)
    ends = [event.unix_s for event in events if event.kind == "checked" and event.data["conclusive"]]
    found = standing(limited, events, now=ends[-1] + 15 if ends else 0.0)
    assert found.attempts == len(ends)
    assert found.attempts_left == (max(most - len(ends), 0) if most else None)
    assert found.wait_s == (5 if ends else 0)


def test_the_exact_score_of_a_worked_example() -> None:
    deeds: list[Deed] = [
        ("hint", {"step": "one"}),
        ("checked", summary(report({"one": "pass", "two": "fail", "three": "pass"}))),
        ("hint", {"step": "two"}),
        ("checked", summary(report({"one": "pass", "two": "pass", "three": "pass"}, cap=40))),
    ]
    found = stand(events_of(deeds))
    assert (found.score, found.cap, found.points) == (65, 100, 65)
    assert [each.earned for each in found.steps] == [55, 0, 10]
    assert [each.outcome for each in found.steps] == ["pass", "pass", "pass"]
    assert [each.hint_cost for each in found.steps] == [5, 3, 0]
