"""Features of a window, against signals whose figures are known by hand, and against the plant's own motors."""

from math import pi
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.analytics.bearing import BEARING_6205
from simulators.analytics.features import FEATURES, Features, features
from simulators.plant.assets.motor import Motor, Params
from simulators.plant.site import Site
from simulators.plant.vibration import RATE_HZ, window

G_PER_UNIT = 16.0 / 32768.0
TIMES_S = np.arange(RATE_HZ) / RATE_HZ


def samples(x_g: Any) -> bytes:
    return bytes(np.round(x_g / G_PER_UNIT).astype("<i2").tobytes())


def a_motor(rpm: float = 2900.0, **damage: float) -> Motor:
    """At speed, with this damage."""
    motor = Motor(Site(60.0), Params(rated_rpm=rpm), Random(1))
    motor.command = 1.0
    for _ in range(3):
        motor.site.step += 1
        motor.step()
    for mode, severity in damage.items():
        setattr(motor, mode, severity)
    return motor


def heard(motor: Motor, turn: int = 1) -> Features:
    return features(window(motor, 7, 1000 + 37 * turn), motor.speed_rpm / 60.0)


def mean(motor: Motor, name: str, windows: int = 20) -> float:
    return float(np.mean([getattr(heard(motor, turn), name) for turn in range(windows)]))


def test_the_6205_has_the_published_kinematics() -> None:
    bearing = BEARING_6205
    found = (bearing.bpfo, bearing.bpfi, bearing.bsf, bearing.ftf)
    assert found == pytest.approx((3.5848, 5.4152, 2.357, 0.3983), abs=2e-3)


def test_a_sine_has_the_figures_of_a_sine() -> None:
    seen = features(samples(2.0 * np.sin(2 * pi * 100.0 * TIMES_S)), 25.0)
    assert seen.rms_g == pytest.approx(2.0 / 2**0.5, rel=1e-3)
    assert seen.peak_g == pytest.approx(2.0, rel=1e-3)
    assert seen.crest == pytest.approx(2**0.5, rel=1e-3)
    assert seen.kurtosis == pytest.approx(1.5, rel=1e-3)
    # v = a / 2πf: 2 g peak at 100 Hz are 31.2 mm/s peak.
    assert seen.velocity_mm_s == pytest.approx(2.0 * 9806.65 / (2 * pi * 100.0) / 2**0.5, rel=1e-3)
    assert seen.band_rms_g < 0.01


def test_what_rings_at_3_khz_is_in_the_band_and_hardly_in_the_velocity() -> None:
    """1 g at 3 kHz is 0.52 mm/s, and beyond the 1000 Hz of ISO 10816-3."""
    seen = features(samples(np.sin(2 * pi * 3000.0 * TIMES_S)), 25.0)
    assert seen.band_rms_g == pytest.approx(1.0 / 2**0.5, rel=1e-2)
    assert seen.velocity_mm_s < 0.02


@pytest.mark.parametrize(("turns", "name"), [(3.585, "bpfo_db"), (5.415, "bpfi_db"), (4.714, "bsf_db")])
@pytest.mark.parametrize("shaft_hz", [24.2, 48.3])
def test_the_envelope_names_what_beats(turns: float, name: str, shaft_hz: float) -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.1, RATE_HZ)
    beat = (1.0 + np.cos(2 * pi * turns * shaft_hz * TIMES_S)) * np.sin(2 * pi * 3000.0 * TIMES_S)
    seen = features(samples(noise + 0.1 * beat), shaft_hz)
    assert getattr(seen, name) > 20.0
    assert seen.envelope_db == getattr(seen, name)
    assert all(getattr(seen, other) < 14.0 for other in {"bpfo_db", "bpfi_db", "bsf_db"} - {name})


def test_a_wrong_shaft_speed_finds_nothing() -> None:
    motor = a_motor(bearing_outer=0.2)
    right = heard(motor)
    wrong = features(window(motor, 7, 1037), 1.17 * motor.speed_rpm / 60.0)
    assert right.bpfo_db > 25.0
    assert wrong.bpfo_db < 15.0
    assert features(window(motor, 7, 1037), 0.0).envelope_db == 0.0


def test_the_envelope_leads_rms() -> None:
    """The lesson: at a damage of 0.1, RMS has moved by less than a tenth; the envelope stands 10 dB out."""
    sound, early = a_motor(), a_motor(bearing_outer=0.1)
    assert mean(early, "rms_g") < 1.1 * mean(sound, "rms_g")
    assert mean(early, "kurtosis") < 3.2
    assert mean(early, "envelope_db") > mean(sound, "envelope_db") + 8.0


def test_an_inner_race_is_told_from_an_outer_one() -> None:
    outer, inner = heard(a_motor(bearing_outer=0.3)), heard(a_motor(bearing_inner=0.4))
    assert outer.bpfo_db > outer.bpfi_db + 10.0
    assert inner.bpfi_db > inner.bpfo_db + 10.0


def test_gain_changes_rms_and_not_the_envelope() -> None:
    x = np.frombuffer(window(a_motor(bearing_outer=0.15), 7, 1), "<i2") * G_PER_UNIT
    one, two = features(samples(x), 48.3), features(samples(1.5 * x), 48.3)
    assert two.rms_g == pytest.approx(1.5 * one.rms_g, rel=1e-3)
    assert two.envelope_db == pytest.approx(one.envelope_db, abs=0.3)


def test_silence_and_scraps_have_no_features() -> None:
    assert features(bytes(25_600), 48.0) == features(b"", 48.0) == Features(48.0)


@given(
    data=st.binary(max_size=3000).map(lambda raw: raw[: len(raw) // 2 * 2]),
    shaft_hz=st.floats(0.0, 9999.0),
    rate_hz=st.integers(1000, 200_000),
    g_per_unit=st.floats(-1e3, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_no_window_breaks_it(data: bytes, shaft_hz: float, rate_hz: int, g_per_unit: float) -> None:
    seen = features(data, shaft_hz, rate_hz, g_per_unit)
    assert all(np.isfinite(seen.of(name)) for name in FEATURES)
