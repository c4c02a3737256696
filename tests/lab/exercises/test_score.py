import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.exercises.model import Check, Exercise, Hint, Step
from lab.exercises.report import CheckReport, GateResult, Outcome, StepResult
from lab.exercises.score import cost_points, score_of, standing
from simulators.errors import InputError
from simulators.text import Text
from tests.lab.exercises.test_parameters import AN_EXERCISE

WORDS = Text(fr="a", en="a")
CHECK = Check(probe="a", expect="b")

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def exercise() -> Exercise:
    import msgspec

    hints = [Hint(cost=0, text=WORDS), Hint(cost="20%", text=WORDS), Hint(cost=5, text=WORDS)]
    steps = [
        Step(id="one", name=WORDS, text=WORDS, points=25, checks=[CHECK], hints=hints),
        Step(id="two", name=WORDS, text=WORDS, points=75, checks=[CHECK], hints=hints),
    ]
    return msgspec.structs.replace(AN_EXERCISE, steps=steps)


EXERCISE = exercise()


def report(
    one: Outcome = "fail",
    two: Outcome = "fail",
    unix_s: float = 0.0,
    cap: float = 100,
    conclusive: bool = True,
) -> CheckReport:
    steps = [
        StepResult(step="one", outcome=one, verdicts=[]),
        StepResult(step="two", outcome=two, verdicts=[]),
    ]
    gates = [GateResult(gate="g", outcome="pass" if cap == 100 else "fail", figures={}, cap=cap, why=WORDS)]
    return CheckReport(
        exercise="an-exercise",
        version=1,
        conclusive=conclusive,
        steps=steps,
        gates=gates,
        unix_s=unix_s,
        duration_s=1,
    )


def test_nobody_has_done_anything() -> None:
    stand = standing(EXERCISE, [], [])
    assert (stand.score, stand.cap, stand.points, stand.points_max, stand.attempts) == (0, 100, 0, 100, 0)
    assert [step.outcome for step in stand.steps] == [None, None]
    assert stand.last is None


def test_points_of_steps_that_pass() -> None:
    stand = standing(EXERCISE, [(1, report("pass", "fail"))], [])
    assert (stand.score, stand.points, stand.attempts) == (25, 25, 1)
    assert [(step.outcome, step.earned) for step in stand.steps] == [("pass", 25), ("fail", 0)]


def test_a_gate_caps_the_score_and_not_the_points() -> None:
    stand = standing(EXERCISE, [(1, report("pass", "pass", cap=40))], [])
    assert (stand.score, stand.cap, stand.points) == (40, 40, 100)
    assert standing(EXERCISE, [(1, report("pass", "fail", cap=40))], []).score == 25


def test_a_hint_costs_on_its_own_step_only() -> None:
    stand = standing(EXERCISE, [(9, report("pass", "pass"))], [(1, "one", 0), (2, "one", 1)])
    assert (stand.score, stand.steps[0].hint_cost, stand.steps[1].hint_cost) == (95, 5, 0)
    assert stand.steps[0].hints_taken == [0, 1]


def test_a_hint_on_a_step_that_is_not_earned_costs_nothing() -> None:
    stand = standing(EXERCISE, [(9, report("fail", "pass"))], [(1, "one", 1)])
    assert stand.score == 75


def test_a_hint_taken_after_the_step_was_first_earned_costs_nothing() -> None:
    checks = [(5.0, report("pass", "fail")), (9.0, report("pass", "pass"))]
    stand = standing(EXERCISE, checks, [(6, "one", 1), (7, "two", 1)])
    assert (stand.steps[0].hint_cost, stand.steps[1].hint_cost, stand.score) == (0, 15, 85)


def test_the_best_conclusive_check_counts() -> None:
    checks = [
        (1.0, report("pass", "pass", conclusive=False)),
        (2.0, report("fail", "pass")),
        (3.0, report("pass", "fail")),
        (4.0, report("inconclusive", "inconclusive", conclusive=False)),
    ]
    stand = standing(EXERCISE, checks, [])
    assert (stand.score, stand.attempts, stand.best_unix_s) == (75, 2, 2.0)
    assert [step.outcome for step in stand.steps] == ["pass", "fail"]
    assert stand.last is checks[-1][1]


def test_a_hint_taken_twice_costs_once() -> None:
    assert standing(EXERCISE, [(9, report("pass"))], [(1, "one", 1), (2, "one", 1)]).score == 20


def test_an_inconclusive_report_is_worth_nothing() -> None:
    assert score_of(EXERCISE, report("pass", "pass", conclusive=False)) == 0
    assert score_of(EXERCISE, report("pass", "pass")) == 100


@pytest.mark.parametrize(("cost", "points"), [("20%", 5), (0, 0), (2.5, 2.5), ("100%", 25), (25, 25)])
def test_prices(cost: str | float, points: float) -> None:
    assert cost_points(cost, 25) == points


@pytest.mark.parametrize("cost", ["20", "a lot", "-5%", "101%", -1, 26, "%", "nan%"])
def test_what_is_no_price_is_refused(cost: str | float) -> None:
    with pytest.raises(InputError):
        cost_points(cost, 25)


OUTCOMES = st.sampled_from(["pass", "fail", "inconclusive"])
REPORTS = st.lists(
    st.tuples(
        st.integers(0, 50).map(float),
        st.builds(report, OUTCOMES, OUTCOMES, cap=st.sampled_from([0, 40, 100]), conclusive=st.booleans()),
    ),
    max_size=6,
)
HINTS = st.lists(
    st.tuples(st.integers(0, 50).map(float), st.sampled_from(["one", "two"]), st.integers(0, 2)), max_size=6
)


@UNHURRIED
@given(checks=REPORTS, hints=HINTS)
def test_what_holds_of_every_score(
    checks: list[tuple[float, CheckReport]], hints: list[tuple[float, str, int]]
) -> None:
    stand = standing(EXERCISE, checks, hints)
    assert 0 <= stand.score <= stand.cap <= 100
    assert stand.score <= 100 * stand.points / stand.points_max + 1e-9
    assert all(0 <= step.earned <= step.points for step in stand.steps)
    assert stand.score <= standing(EXERCISE, checks, []).score
    assert stand.score <= standing(EXERCISE, [*checks, (99.0, report("pass", "pass"))], hints).score


@UNHURRIED
@given(checks=REPORTS, hints=HINTS)
def test_a_further_check_never_takes_points_away(
    checks: list[tuple[float, CheckReport]], hints: list[tuple[float, str, int]]
) -> None:
    later = [*checks, (99.0, report("fail", "fail", cap=0))]
    assert standing(EXERCISE, later, hints).score >= standing(EXERCISE, checks, hints).score
