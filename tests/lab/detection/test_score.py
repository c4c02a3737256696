"""The score on the table of numbers that was measured with detectors of a public data set, and its rules one by one.

The data set itself is not here: labels of its shape stand for it (fifty attacks in sixty hours, three minutes each in
the middle). Rows that depend on the labels' shape alone are met exactly; those that depend on when attacks come (how many a
pulse meets, how many false alarms fall just before one and hide it) are as near as such labels come, and pinned there.
One row cannot be reproduced: the recurrent network's 80 follows from which attacks that network, trained on that data, finds
and when; neither it nor its output was published with the table. Nothing invented stands for it.
"""

from collections.abc import Callable
from statistics import mean

import numpy as np
import pytest

from lab.detection.score import (
    Score,
    Window,
    benign_spans,
    onsets,
    score,
    utility,
    whole,
)

HOURS, ATTACKS, D_S = 60, 50, 300.0
SEEDS = range(8)
Detector = Callable[[np.random.Generator, list[Window]], np.ndarray]


def labels(rng: np.random.Generator) -> list[Window]:
    starts = np.sort(rng.choice(np.arange(600, HOURS * 3600 - 2400, 1800), ATTACKS, replace=False))
    starts = starts + rng.integers(0, 300, ATTACKS)
    lengths = np.clip(rng.lognormal(np.log(180), 0.6, ATTACKS), 30, 900)
    return [Window(float(s), float(s + int(n)), "", D_S) for s, n in zip(starts, lengths, strict=True)]


def pulse(_rng: np.random.Generator, _windows: list[Window]) -> np.ndarray:
    return np.arange(0, HOURS * 3600, 300)


def at_random(rng: np.random.Generator, _windows: list[Window]) -> np.ndarray:
    return np.flatnonzero(rng.random(HOURS * 3600) < 0.01)


def always_on(_rng: np.random.Generator, _windows: list[Window]) -> np.ndarray:
    return np.arange(HOURS * 3600)


def oracle(_rng: np.random.Generator, windows: list[Window]) -> np.ndarray:
    return np.concatenate([np.arange(w.start_s, w.start_s + 10) for w in windows])


def on_half(rng: np.random.Generator, windows: list[Window]) -> np.ndarray:
    return oracle(rng, windows[::2])


def with_three_false_alarms_an_hour(rng: np.random.Generator, windows: list[Window]) -> np.ndarray:
    spans = benign_spans(0.0, HOURS * 3600.0, windows)
    benign = np.concatenate([np.arange(start, end - 10) for start, end in spans])
    false = rng.choice(benign, 3 * HOURS, replace=False)
    return np.concatenate([oracle(rng, windows), *(np.arange(s, s + 10) for s in false)])


@pytest.mark.parametrize(
    ("detector", "published", "here", "within"),
    [
        (pulse, 3, 5.01, 2.1),
        (at_random, 3, 2.85, 0.2),
        (always_on, 0, 0.0, 0.001),
        (oracle, 100, 100.0, 0.001),
        (on_half, 50, 50.0, 0.001),
        # 2 tolerated of 3 is 67 at the most; what false alarms hide of the attacks does the rest.
        (with_three_false_alarms_an_hour, 58, 64.28, 6.4),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_published_table(detector: Detector, published: float, here: float, within: float) -> None:
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        windows = labels(rng)
        spans = benign_spans(0.0, HOURS * 3600.0, windows)
        found.append(score(detector(rng, windows), windows, spans).value)
    assert mean(found) == pytest.approx(here, abs=0.02)
    assert here == pytest.approx(published, abs=within)


@pytest.mark.parametrize(("delay_s", "earned"), [(0, 1), (75, 1), (187.5, 0.75), (300, 0.5), (301, 0.25)])
def test_early_is_worth_more(delay_s: float, earned: float) -> None:
    assert float(utility(delay_s, 300.0)) == pytest.approx(earned)


def test_alerts_less_than_a_minute_apart_are_one() -> None:
    # Each lasts a second: from the end of one to the beginning of the next.
    assert onsets([0, 30, 60, 121, 400]).tolist() == [0, 121, 400]


def test_an_alarm_that_began_before_the_attack_finds_nothing() -> None:
    windows = [Window(1000.0, 1100.0)]
    spans = benign_spans(0.0, 7200.0, windows)
    assert score([960.0, 1000.0], windows, spans).hits == [None]
    assert score([900.0, 1000.0], windows, spans).hits == [0.0]


def test_a_hit_may_come_half_a_minute_late() -> None:
    windows = [Window(1000.0, 1100.0)]
    spans = benign_spans(0.0, 7200.0, windows)
    assert score([1130.0], windows, spans).hits == [130.0]
    late = score([1131.0], windows, spans)
    assert (late.hits, late.false_onsets_s) == ([None], [1131.0])


def test_classes_count_alike_whatever_their_number() -> None:
    windows = [Window(1000.0 * n, 1000.0 * n + 50, "many") for n in range(1, 10)] + [
        Window(20_000.0, 20_050.0, "one")
    ]
    spans = benign_spans(0.0, 30_000.0, windows)
    assert score([w.start_s for w in windows[:-1]], windows, spans).utility == pytest.approx(0.5)


def test_a_stricter_budget_costs_more() -> None:
    windows = [Window(1000.0, 1100.0)]
    spans = benign_spans(0.0, 3600.0, windows)
    lenient = score([1000.0, 2000.0, 3000.0], windows, spans, 2.0)
    strict = score([1000.0, 2000.0, 3000.0], windows, spans, 0.5)
    assert lenient.value == pytest.approx(97.2, abs=0.1)
    assert strict.value == pytest.approx(lenient.value / 4)


def test_one_alarm_that_lasts_is_one_false_alarm_and_still_costs() -> None:
    windows = [Window(1000.0, 1100.0)]
    spans = benign_spans(0.0, 3700.0, windows)
    lasting = score([1000.0, *range(2000, 2144)], windows, spans)  # 4 % of an hour
    assert lasting.false_onsets_s == [2000.0]
    assert lasting.alarm_share == pytest.approx(0.04)
    assert lasting.value == pytest.approx(50.0)


def test_naming_the_asset_and_the_technique_is_a_fifth_of_the_mark() -> None:
    windows = [Window(1000.0, 1100.0)]
    right: Score = score([1000.0], windows, benign_spans(0.0, 3600.0, windows))
    assert whole(right, 1.0, 1.0) == pytest.approx(100.0)
    assert whole(right, 0.0, 0.0) == pytest.approx(80.0)
    assert whole(right, 0.0, 1.0) == pytest.approx(85.0)


def test_nothing_said_is_nothing_earned() -> None:
    windows = [Window(1000.0, 1100.0)]
    silent = score([], windows, benign_spans(0.0, 3600.0, windows))
    assert (silent.value, silent.recall, silent.false_alarms_per_h) == (0.0, 0.0, 0.0)
