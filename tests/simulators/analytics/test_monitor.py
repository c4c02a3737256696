"""Baseline, detectors and alarm, on numbers small enough to be followed by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.analytics.baseline import Normal, learn
from simulators.analytics.config import Baseline, Detector, Watch
from simulators.analytics.detect import Detection
from simulators.analytics.features import Features
from simulators.analytics.monitor import Monitor

NORMAL = Normal(10.0, 2.0, 60)


def judged(values: Sequence[float], **rules: Any) -> str:
    """`.` quiet and `!` raised, a sign a value; the baseline is 10 ± 2."""
    detection = Detection(msgspec.convert({"feature": "rms_g", **rules}, Detector))
    return "".join("!" if detection.look(value, NORMAL) else "." for value in values)


def watching(values: Sequence[float], watch: Watch, hz: float = 48.0) -> list[bool]:
    monitor = Monitor(watch)
    return [monitor.observe(float(n), Features(hz, rms_g=value)).alarm for n, value in enumerate(values, 1)]


def test_a_baseline_is_a_mean_and_a_spread() -> None:
    plain, robust = learn([1.0, 2.0, 3.0, 4.0, 5.0], robust=False), learn([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (plain.mean, plain.sigma, plain.windows) == pytest.approx((3.0, 2**0.5, 5))
    assert (robust.mean, robust.sigma, robust.windows) == pytest.approx((3.0, 1.4826, 5))


def test_an_odd_window_moves_the_robust_baseline_little() -> None:
    values = [3.0, 3.1, 2.9, 3.05, 2.95] * 8 + [500.0]
    assert learn(values).sigma < 0.2
    assert learn(values, robust=False).sigma > 50.0


def test_what_never_varied_still_has_a_spread() -> None:
    assert 0.0 < learn([7.0] * 20).sigma < 0.1


def test_a_limit_is_of_the_figure_itself() -> None:
    assert judged([1, 2, 3, 2, 1], method="limit", alarm_at=2.5) == "..!.."


def test_a_threshold_is_in_standard_deviations() -> None:
    assert judged([15.9, 16.0, 15.0], method="sigma", alarm_at=3) == ".!."


def test_hysteresis_ends_lower_than_it_begins() -> None:
    values = [16, 15, 15, 13, 16]
    assert judged(values, method="sigma", alarm_at=3) == "!...!"
    assert judged(values, method="sigma", alarm_at=3, clear_at=2) == "!!!.!"


def test_votes_leave_out_a_single_window() -> None:
    values = [20, 10, 10, 20, 20, 10, 10, 10]
    assert judged(values, method="sigma", alarm_at=3, votes=2, of=3) == "....!!!."


def test_a_cusum_is_pages_recursion() -> None:
    """S ← max(0, S + z − k): z = 1, 1, 1, … and k = 0.5 reach h = 2 at the fourth window."""
    assert judged([12] * 5, method="cusum", alarm_at=2, k=0.5) == "...!!"
    assert judged([11] * 50, method="cusum", alarm_at=2, k=0.5) == "." * 50


def test_a_cusum_forgets_what_stands_alone_and_keeps_what_lasts() -> None:
    alone = [10.0] * 5 + [18.0] + [10.0] * 20
    lasting = [10.0] * 5 + [13.0] * 20
    assert "!" not in judged(alone, method="cusum", alarm_at=5, k=0.5)
    assert "!" in judged(lasting, method="cusum", alarm_at=5, k=0.5)


def test_a_cusum_saves_nothing_up_from_quiet_times() -> None:
    assert judged([5.0] * 100 + [12.0] * 4, method="cusum", alarm_at=2, k=0.5)[-4:] == "...!"


def test_a_cusum_comes_back_within_bounds() -> None:
    """Held at twice its level, 4, it falls by k = 0.5 a window."""
    assert judged([1000] * 50 + [10] * 10, method="cusum", alarm_at=2, k=0.5)[-10:] == "!!!!......"


def test_the_first_windows_are_learnt_and_never_alarm() -> None:
    watch = Watch(
        baseline=Baseline(windows=5), detectors=(Detector(feature="rms_g", method="sigma", alarm_at=3),)
    )
    assert watching([1, 50, 1, 1.1, 0.9, 50, 1], watch) == [False] * 5 + [True, False]


def test_what_comes_after_the_baseline_is_not_learnt() -> None:
    """Else a wear that is slow would be taken for normal."""
    watch = Watch(
        baseline=Baseline(windows=5), detectors=(Detector(feature="rms_g", method="sigma", alarm_at=6),)
    )
    slow = [1.0, 1.1, 0.9, 1.0, 1.1, *(1.0 + 0.01 * n for n in range(200))]
    assert watching(slow, watch)[-1]


def test_a_machine_that_stands_is_not_heard() -> None:
    watch = Watch(
        least_rpm=600,
        baseline=Baseline(windows=5),
        detectors=(Detector(feature="rms_g", method="limit", alarm_at=5),),
    )
    assert watching([9] * 10, watch, hz=9.9) == [False] * 10
    assert watching([9] * 10, watch, hz=10.1) == [True] * 10


def test_a_latched_alarm_waits_for_somebody() -> None:
    watch = Watch(detectors=(Detector(feature="rms_g", method="limit", alarm_at=5),), latch=True)
    monitor = Monitor(watch)
    for value in (9.0, 1.0, 1.0):
        monitor.observe(1.0, Features(48.0, rms_g=value))
    assert monitor.state.alarm
    monitor.acknowledge()
    assert not monitor.state.alarm
    monitor.observe(2.0, Features(48.0, rms_g=9.0))
    monitor.acknowledge()
    assert monitor.state.alarm, "what still holds is still said"


def test_any_detector_is_enough_and_the_index_is_the_nearest_one() -> None:
    detectors = (
        Detector(feature="rms_g", method="limit", alarm_at=10),
        Detector(feature="kurtosis", method="limit", alarm_at=4),
    )
    monitor = Monitor(Watch(detectors=detectors))
    state = monitor.observe(1.0, Features(48.0, rms_g=2.0, kurtosis=3.0))
    assert (state.alarm, state.index_pct) == (False, 75.0)
    assert monitor.observe(2.0, Features(48.0, rms_g=2.0, kurtosis=5.0)).alarm


def test_no_detector_watches_nothing() -> None:
    assert watching([1e6] * 200, Watch()) == [False] * 200


@pytest.mark.parametrize(
    "rules",
    [
        {"method": "sigma", "alarm_at": 3, "clear_at": 4},
        {"method": "sigma", "alarm_at": 3, "votes": 3, "of": 2},
        {"method": "cusum", "alarm_at": 0},
        {"method": "spline", "alarm_at": 1},
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"feature": "rms_g", **rules}, Detector)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=80), st.integers(1, 79))
def test_what_is_said_depends_on_what_was_heard_so_far(values: list[float], cut: int) -> None:
    """Causal: the future changes nothing of the past."""
    watch = Watch(
        baseline=Baseline(windows=10),
        detectors=(Detector(feature="rms_g", method="cusum", alarm_at=3, clear_at=1, votes=2, of=3),),
    )
    assert watching(values[:cut], watch) == watching(values, watch)[:cut]
