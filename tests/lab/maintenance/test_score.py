"""The score of an alarm, on cases whose figures are worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.maintenance.score import Rules, Score, Watched, callouts, naive_cost, rises, score

END_H = 720
ONSETS = {"a": (100, 250), "b": (300, 420)}
Alarm = list[tuple[float, bool]]


def alarm(*on: tuple[float, float], end_h: float = END_H) -> Alarm:
    """On during these hours, a window an hour."""
    return [(t_h, any(a <= t_h < b for a, b in on)) for t_h in range(1, int(end_h) + 1)]


def failing(onset_h: float, failure_h: float, *on: tuple[float, float]) -> Watched:
    return Watched(failure_h, onset_h, failure_h, alarm(*on, end_h=failure_h))


def sound(*on: tuple[float, float]) -> Watched:
    return Watched(END_H, None, None, alarm(*on))


def fleet(first: list[tuple[float, float]], second: list[tuple[float, float]], *others: Watched) -> Score:
    """Machines a (wears from 100 h, fails at 250) and b (300, 420), with sound ones."""
    return score(
        [failing(*ONSETS["a"], *first), failing(*ONSETS["b"], *second), *(others or (sound(), sound()))]
    )


def test_the_oracle_has_a_hundred() -> None:
    found = fleet([(101, 999)], [(301, 999)])
    assert (found.detected_pct, found.late_pct, found.false_alarms, found.chatter) == (100, 0, 0, 1)
    assert found.lead_h == 134  # 149 and 119 h
    assert (found.cost, found.oracle_cost, found.cost_score) == (4.0, 4.0, 100.0)


def test_a_lead_counts_no_further_than_its_cap() -> None:
    machines = [failing(*ONSETS["a"], (101, 999)), failing(*ONSETS["b"], (301, 999)), sound()]
    assert score(machines, Rules(lead_cap_h=125)).lead_h == 122  # 125 and 119 h


def test_never_alarming_is_worth_nothing() -> None:
    found = fleet([], [])
    assert (found.detected_pct, found.lead_h, found.chatter, found.cost_score) == (0, 0, 0, 0)
    assert found.cost == 20.0


def test_always_alarming_is_worth_nothing() -> None:
    always = (0.0, 999.0)
    found = fleet([always], [always], sound(always), sound(always))
    assert found.detected_pct == 0, "what already stood at the onset says nothing of it"
    assert found.false_alarms_per_day == pytest.approx(1.0, rel=0.02)
    assert found.cost_score == 0


def test_alarming_every_other_hour_is_worth_nothing_either() -> None:
    flicker = [(float(t_h), t_h + 1.0) for t_h in range(1, END_H, 2)]
    found = fleet(flicker, flicker, sound(*flicker), sound(*flicker))
    assert found.detected_pct == 100, "it does rise in time"
    assert found.false_alarms_per_day == pytest.approx(1.0, rel=0.02)
    assert found.chatter > 100
    assert found.cost_score == 0


@pytest.mark.parametrize(
    ("risen_h", "detected", "late"),
    [(99, 50, 0), (100, 100, 0), (226, 100, 0), (227, 50, 50), (249, 50, 50), (250, 50, 0)],
)
def test_an_alarm_is_true_from_the_onset_to_the_last_moment_to_act(
    risen_h: float, detected: float, late: float
) -> None:
    """Machine a wears from 100 h and fails at 250; 24 h are needed to act."""
    found = fleet([(risen_h, risen_h + 5)], [(320, 999)])
    assert (found.detected_pct, found.late_pct) == (detected, late)


def test_a_late_alarm_costs_a_failure() -> None:
    assert fleet([(240, 999)], [(320, 999)]).cost == 10.0 + 2.0


def test_each_call_out_to_a_sound_machine_is_a_false_alarm() -> None:
    found = fleet([(50, 52), (110, 999)], [(301, 999)], sound((10, 11)), sound((10, 70)))
    # One early on a; one; and one that stands for 60 h: at 10, 34 and 58 h.
    assert found.false_alarms == 1 + 1 + 3
    days = (100 + 300 + 2 * 720) / 24
    assert found.false_alarms_per_day == pytest.approx(5 / days)
    assert found.cost == 4.0 + 5 * 0.5


def test_chatter_is_rises_an_event() -> None:
    once = fleet([(110, 999)], [(310, 999)])
    flicker = fleet([(110, 112), (113, 114), (116, 118), (120, 999)], [(310, 999)])
    assert (once.chatter, flicker.chatter) == (1.0, 2.5)
    daily = fleet([(110, 115), (134, 140), (158, 999)], [(310, 999)])
    assert daily.chatter == 2.0, "with the same product every day: one event on a, one on b"
    apart = fleet([(110, 115), (158, 999)], [(310, 999)])
    assert apart.chatter == 1.0, "two days later it is another event"
    assert rises(alarm((3, 5), (9, 10))) == [3, 9]
    assert callouts(alarm((3, 5), (9, 10), (30, 31)), Rules()) == [3, 30]


def test_the_best_naive_policy_is_the_measure() -> None:
    machines = [failing(100, 250), failing(300, 420), sound(), sound()]
    # Run to failure 20; at 249.75 h twice in 720 h for four machines 16; at 419.58 h: a fails, three once 16.
    assert naive_cost(machines, Rules()) == 16.0
    assert naive_cost(machines, Rules(planned_cost=9.0)) == 20.0
    # Daily visits: (100 + 300 + 1440) / 24 of them.
    assert naive_cost(machines, Rules(inspection_cost=0.01)) == pytest.approx(76.67 * 0.01 + 4.0, abs=0.01)


def test_one_of_two_missed_is_half_of_it_or_less() -> None:
    assert fleet([(110, 999)], []).cost_score == pytest.approx(100 * (16 - 12) / (16 - 4))


HOURS = st.sets(st.integers(1, 720), max_size=30)


@given(HOURS, HOURS)
@settings(max_examples=50, deadline=None)
def test_no_alarm_is_worth_more_than_the_oracle(first: set[int], second: set[int]) -> None:
    machines = [
        Watched(250, 100, 250, [(t_h, t_h in first) for t_h in range(1, 251)]),
        Watched(720, None, None, [(t_h, t_h in second) for t_h in range(1, 721)]),
    ]
    found = score(machines)
    assert 0 <= found.cost_score <= 100
    assert found.cost >= found.oracle_cost


def test_where_no_monitor_can_save_anything_what_costs_no_more_than_the_oracle_is_worth_all() -> None:
    """Machines that all fail at the same age are as well replaced by the calendar."""
    alarm = [(float(t_h), t_h >= 60) for t_h in range(100)]
    fleet = [Watched(100.0, 50.0, 100.0, alarm)] * 3
    assert naive_cost(fleet, Rules()) == score(fleet).oracle_cost
    assert score(fleet).cost_score == 100.0
    silent = [Watched(100.0, 50.0, 100.0, [])] * 3
    assert score(silent).cost_score == 0.0


def test_machines_that_were_never_sound_have_no_days_of_false_alarms() -> None:
    assert score([Watched(100.0, 0.0, 100.0, [(0.0, False), (10.0, True)])]).false_alarms_per_day == 0.0
