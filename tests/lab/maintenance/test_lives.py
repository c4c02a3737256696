"""Hidden machines: drawn from a seed, lived with the plant's own motor, watched as in the lab."""

from itertools import pairwise
from statistics import fmean

import msgspec
import pytest

from lab.maintenance.fleet import HORIZON_H, draw
from lab.maintenance.hidden import KEPT, Hidden, computed
from lab.maintenance.life import Life, live
from lab.maintenance.replay import replay, stands_for
from lab.maintenance.score import Score, score
from simulators.analytics.config import Baseline, Detector, Watch
from simulators.analytics.features import FeatureName
from simulators.errors import InputError, TimeLimitError

SEED = 2
REFERENCE = Detector(feature="envelope_db", method="cusum", k=1.0, alarm_at=25, clear_at=8)
FIXED: tuple[FeatureName, ...] = ("envelope_db", "bpfo_db", "bpfi_db")


@pytest.fixture(scope="module")
def lives() -> list[Life]:
    """Of one seed, from the very child process that a check starts."""
    return computed(SEED)


def a_watch(*detectors: Detector, windows: int = 60) -> Watch:
    return Watch(least_rpm=300, baseline=Baseline(windows=windows, robust=False), detectors=detectors)


def scored(lives: list[Life], watch: Watch) -> Score:
    return score([replay(watch, life).watched for life in lives])


def test_a_seed_draws_the_same_machines_and_another_others() -> None:
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


@pytest.mark.parametrize("seed", range(5))
def test_four_fail_and_four_do_not_each_with_its_own_troubles(seed: int) -> None:
    machines = draw(seed)
    faults = [machine.fault for machine in machines]
    assert (faults.count("bearing_outer"), faults.count("bearing_inner"), faults.count(None)) == (2, 2, 4)
    onsets = sorted(machine.onset_h for machine in machines if machine.fault)
    assert 120 <= onsets[0] < 170
    assert all(later - sooner > 10 for sooner, later in pairwise(onsets))
    assert all(len({each.kind for each in machine.confounders}) == 3 for machine in machines)
    assert {kind for m in machines for kind in (each.kind for each in m.confounders)} >= {"drift", "dry"}


def test_the_truth_is_the_inner_state(lives: list[Life]) -> None:
    machines = {machine.name: machine for machine in draw(SEED)}
    for life in lives:
        assert (life.failure_h is not None) == (machines[life.name].fault is not None)
        assert life.windows[-1][0] == life.end_h
        if life.onset_h is None or life.failure_h is None:
            assert life.end_h == HORIZON_H
        else:
            # From 0.05 to 1 are 3 e-folds of 110 to 140 hours at full speed each; it turns at 0.69 to 0.98 of it, 21 h a day.
            assert 330 < life.failure_h - life.onset_h < 700
            assert life.end_h == life.failure_h


def test_early_wear_is_heard_in_the_envelope_and_by_iso_not_at_all() -> None:
    """A machine without any other trouble, which wears by its outer race."""
    machine = next(m for m in draw(SEED) if m.fault and m.nature == "plain")
    life = live(msgspec.structs.replace(machine, confounders=[], noise_g=0.07, gain=1.0))
    assert life.onset_h is not None
    assert life.failure_h is not None
    last_h = life.failure_h - 24.0
    turning = [(t_h, seen) for t_h, seen in life.windows if seen.shaft_hz > 5]
    sound = [seen for t_h, seen in turning if t_h < life.onset_h]
    worn = [seen for t_h, seen in turning if last_h - 24.0 < t_h < last_h]
    assert fmean(seen.envelope_db for seen in worn) > fmean(seen.envelope_db for seen in sound) + 10
    assert max(seen.velocity_mm_s for seen in worn) < 1.4, "zone A of ISO 10816-3, a day before it seizes"


def test_the_child_says_what_this_process_would(lives: list[Life]) -> None:
    machine = draw(SEED)[0]
    # As JSON: floats travel whole, tuples as lists.
    assert msgspec.json.encode(live(machine)) == msgspec.json.encode(lives[0])


def test_the_reference_announces_every_failure_and_nothing_else(lives: list[Life]) -> None:
    found = scored(lives, a_watch(REFERENCE))
    assert (found.detected_pct, found.false_alarms, found.chatter) == (100, 0, 1)
    assert found.lead_h >= 120
    assert found.cost_score == 100


def test_six_sigma_of_rms_is_late_and_cries_wolf(lives: list[Life]) -> None:
    found = scored(lives, a_watch(Detector(feature="rms_g", method="sigma", alarm_at=6)))
    assert found.lead_h < 120
    assert found.false_alarms_per_day > 0.02
    assert found.cost_score < 20


def test_a_bare_threshold_flickers(lives: list[Life]) -> None:
    found = scored(lives, a_watch(Detector(feature="envelope_db", method="sigma", alarm_at=4)))
    assert found.detected_pct >= 75
    assert found.chatter > 1.1
    assert found.false_alarms_per_day > 0.02


def test_always_and_never_are_worth_nothing(lives: list[Life]) -> None:
    always = scored(lives, a_watch(Detector(feature="rms_g", method="limit", alarm_at=0)))
    never = scored(lives, a_watch(Detector(feature="rms_g", method="limit", alarm_at=900)))
    nothing = scored(lives, Watch())
    assert [each.cost_score for each in (always, never, nothing)] == [0, 0, 0]
    assert [each.detected_pct for each in (always, never, nothing)] == [0, 0, 0]
    assert always.false_alarms_per_day > 0.9


def test_a_baseline_that_takes_too_long_learns_the_wear(lives: list[Life]) -> None:
    machine = min((life for life in lives if life.onset_h), key=lambda life: life.onset_h or 0)
    assert not stands_for(replay(a_watch(REFERENCE, windows=300), machine), machine)
    assert scored(lives, a_watch(REFERENCE, windows=500)).detected_pct < 100


@pytest.mark.parametrize(
    ("watch", "good"),
    [
        (a_watch(REFERENCE), True),
        (a_watch(REFERENCE, windows=7), False),  # one product
        (msgspec.structs.replace(a_watch(REFERENCE), least_rpm=0.0), False),  # stops
        (a_watch(REFERENCE, windows=500), False),  # wear, or never complete
    ],
)
def test_a_baseline_stands_for_the_machine_or_does_not(lives: list[Life], watch: Watch, good: bool) -> None:
    assert all(stands_for(replay(watch, life), life) for life in lives) == good


def test_no_level_that_is_the_same_for_all_machines_will_do(lives: list[Life]) -> None:
    """Loud by nature, hardly heard: whatever the level, the count or the race, it disturbs for nothing or misses failures."""
    for feature in FIXED:
        for level in range(8, 40, 2):
            for votes in (1, 3, 8):
                rule = Detector(
                    feature=feature, method="limit", alarm_at=level, clear_at=level - 3, votes=votes, of=votes
                )
                found = scored(lives, a_watch(rule))
                assert found.cost_score < 50, (feature, level, votes)
                assert found.detected_pct < 75 or found.false_alarms_per_day > 0.15, (feature, level, votes)


def test_sound_machines_do_not_sound_alike(lives: list[Life]) -> None:
    sound = {life.name: life for life in lives}
    natures = {m.name: m.nature for m in draw(SEED)}
    levels: dict[str, list[float]] = {"plain": [], "dented": [], "faint": []}
    for name, life in sound.items():
        first = [seen.envelope_db for t_h, seen in life.windows if t_h < 100 and seen.shaft_hz > 5]
        levels[natures[name]].append(max(first))
    assert min(levels["dented"]) > 20
    # Before the last day in which something can be done, a faint machine says less than a sound one that has dents.
    for life in lives:
        if natures[life.name] == "faint" and life.failure_h is not None:
            late = [s.envelope_db for t_h, s in life.windows if t_h < life.failure_h - 24]
            assert max(late) < max(levels["dented"])


def test_a_second_level_outlasts_a_product_that_rings_less(lives: list[Life]) -> None:
    one = Detector(feature="envelope_db", method="sigma", alarm_at=2.5, votes=5, of=7)
    two = msgspec.structs.replace(one, clear_at=1.0)
    assert scored(lives, a_watch(one)).chatter > 1.1
    assert scored(lives, a_watch(two)).chatter == 1.0


def test_a_latched_alarm_is_acknowledged_by_who_came(lives: list[Life]) -> None:
    latched = msgspec.structs.replace(
        a_watch(Detector(feature="envelope_db", method="limit", alarm_at=14)), latch=True
    )
    bare = a_watch(Detector(feature="envelope_db", method="limit", alarm_at=14))
    assert scored(lives, latched).chatter <= scored(lives, bare).chatter
    assert any(not on for life in lives for _, on in replay(latched, life).watched.alarm[-200:])


def test_lives_are_kept_for_the_last_seeds(lives: list[Life]) -> None:
    asked: list[int] = []
    hidden = Hidden(lambda seed: asked.append(seed) or lives)  # type: ignore[func-returns-value]
    for seed in (1, 1, 2, 1, *range(10, 10 + KEPT), 1):
        hidden.lives(seed)
    assert asked == [1, 2, *range(10, 10 + KEPT), 1]


def test_a_child_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeLimitError):
        computed(1, limit_s=0.05)


def test_a_child_that_fails_says_so() -> None:
    with pytest.raises(InputError):
        computed("what")  # type: ignore[arg-type]
