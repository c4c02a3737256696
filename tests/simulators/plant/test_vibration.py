"""Vibration windows carry the marks that bearing diagnosis looks for."""

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.contracts import Vibration
from simulators.errors import InputError
from simulators.model import Line
from simulators.plant.engine import Plant
from simulators.plant.vibration import RATE_HZ, Bearing6205, heard

Samples = NDArray[np.float64]


def window_g(plant: Plant, motor: str = "pump_motor") -> Samples:
    data = plant.vibration(motor).samples
    assert len(data) == 2 * RATE_HZ
    return np.frombuffer(data, "<i2").astype(float) / 2048.0


def kurtosis(x: Samples) -> float:
    return float(((x - x.mean()) ** 4).mean() / x.var() ** 2)


def envelope_snr(x: Samples, f_hz: float) -> float:
    """Peak near `f_hz` over the median background in the spectrum of the squared envelope, 2 to 5.5 kHz."""
    spectrum = np.fft.fft(x)
    hz = np.fft.fftfreq(len(x), 1.0 / RATE_HZ)
    envelope = np.abs(np.fft.ifft(np.where((hz > 2000) & (hz < 5500), 2.0 * spectrum, 0.0))) ** 2
    power = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
    near = round(f_hz)
    return float(power[near - 3 : near + 4].max() / np.median(power[10:600]))


def shaft_hz(plant: Plant) -> float:
    return float(plant.truth(["pump_motor.speed_rpm"])[0]) / 60.0


def test_the_bearing_has_the_published_kinematics() -> None:
    found = (Bearing6205.BPFO, Bearing6205.BPFI, Bearing6205.BSF, Bearing6205.FTF)
    assert found == pytest.approx((3.5848, 5.4152, 2.357, 0.3983), abs=2e-3)


def test_a_sound_motor_hums_without_impacts(plant: Plant) -> None:
    x = window_g(plant)
    assert 0.03 < x.std() < 0.1
    assert 2.6 < kurtosis(x) < 3.4
    assert envelope_snr(x, Bearing6205.BPFO * shaft_hz(plant)) < 15


@pytest.mark.parametrize(
    ("mode", "turns", "rms_g", "least_kurtosis", "least_snr"),
    [
        ("bearing_outer", Bearing6205.BPFO, (0.4, 1.0), 4.0, 100),
        ("bearing_inner", Bearing6205.BPFI, (0.15, 0.45), 4.0, 100),
    ],
)
def test_a_damaged_race_rings_at_its_frequency(
    plant: Plant, mode: str, turns: float, rms_g: tuple[float, float], least_kurtosis: float, least_snr: float
) -> None:
    plant.fault("pump_motor", mode, 1.0)
    x = window_g(plant)
    assert rms_g[0] < x.std() < rms_g[1]
    assert kurtosis(x) > least_kurtosis
    assert envelope_snr(x, turns * shaft_hz(plant)) > least_snr


def test_the_envelope_sees_early_damage_that_rms_does_not(plant: Plant) -> None:
    sound_g = window_g(plant).std()
    plant.fault("pump_motor", "bearing_outer", 0.12)
    x = window_g(plant)
    assert x.std() < 1.15 * sound_g
    assert envelope_snr(x, Bearing6205.BPFO * shaft_hz(plant)) > 25


def test_a_ball_fault_is_nearly_silent(plant: Plant) -> None:
    sound_g = window_g(plant).std()
    plant.fault("pump_motor", "bearing_ball", 0.5)
    assert window_g(plant).std() < 1.15 * sound_g


def test_a_stopped_motor_is_quiet(line: Line) -> None:
    assert window_g(Plant(line, 1)).std() < 0.01


def test_windows_follow_the_seed_and_the_time(line: Line, plant: Plant) -> None:
    first = plant.vibration("pump_motor")
    assert plant.vibration("pump_motor") == first
    assert plant.vibration("conveyor_motor") != first
    plant.step()
    assert plant.vibration("pump_motor") != first


def test_silence_and_a_click() -> None:
    assert heard(bytes(25_600)) == Vibration(bytes(25_600), 0.0, 0.0, 0.0)
    assert heard(b"") == Vibration(b"")
    click = heard(struct.pack("<100h", *([0] * 50 + [32767] + [0] * 49)))
    assert click.kurtosis > 50
    assert click.peak_g == pytest.approx(16.0, rel=0.02)


def test_what_a_sensor_shows_of_a_window_is_what_there_is_in_it(plant: Plant) -> None:
    shown, x = plant.vibration("pump_motor"), window_g(plant)
    assert shown.rms_g == pytest.approx(x.std(), rel=1e-5)
    assert shown.kurtosis == pytest.approx(kurtosis(x), rel=1e-4)


def test_only_motors_have_an_accelerometer(plant: Plant) -> None:
    with pytest.raises(InputError, match="pump_motor"):
        plant.vibration("raw_tank")
