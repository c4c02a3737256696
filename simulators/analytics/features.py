"""What a vibration window says: a handful of figures, from the crude to the precise."""

from functools import cache
from math import log10, pi, sqrt
from typing import Any, Literal, get_args

import msgspec

from simulators.analytics.bearing import BEARING_6205, Bearing

FeatureName = Literal[
    "rms_g", "peak_g", "crest", "kurtosis", "band_rms_g", "velocity_mm_s", "bpfo_db", "bpfi_db", "bsf_db", "envelope_db"
]  # fmt: skip
FEATURES: tuple[FeatureName, ...] = get_args(FeatureName)
G_MM_S2 = 9806.65
VELOCITY_BAND_HZ = (10.0, 1000.0)
RESONANCE_BAND_HZ = (2000.0, 5500.0)
BACKGROUND_BAND_HZ = (10.0, 600.0)
_NEAR_HZ = 2.0
_SLIP = 0.01


class Features(msgspec.Struct, frozen=True):
    """Figures of one window.

    `rms_g`, `peak_g`, `crest` (peak over RMS) and `kurtosis` (3 for noise) are those of ISO 13373-1, `velocity_mm_s` is
    the RMS velocity from 10 to 1000 Hz that ISO 10816-3 sets its zones by, `band_rms_g` the acceleration from 2 to
    5.5 kHz, where a bearing's housing rings. The four `…_db` are 10·log₁₀ of the squared envelope's peak at a defect
    frequency over the median background (Randall and Antoni 2011); `envelope_db` is the highest of the three. They
    are 0 where the shaft's speed is not known.
    """

    shaft_hz: float = 0.0
    rms_g: float = 0.0
    peak_g: float = 0.0
    crest: float = 0.0
    kurtosis: float = 0.0
    band_rms_g: float = 0.0
    velocity_mm_s: float = 0.0
    bpfo_db: float = 0.0
    bpfi_db: float = 0.0
    bsf_db: float = 0.0
    envelope_db: float = 0.0

    def of(self, name: FeatureName) -> float:
        """The figure called `name`."""
        value: float = getattr(self, name)
        return value


def features(
    samples: bytes, shaft_hz: float, rate_hz: int = 12_800, g_per_unit: float = 16.0 / 32768.0,
    bearing: Bearing = BEARING_6205,
) -> Features:  # fmt: skip
    """The figures of `samples` (little-endian int16) of a shaft that turns at `shaft_hz`; zeros of silence."""
    import numpy as np

    x: Any = np.frombuffer(samples, dtype="<i2").astype(np.float64) * g_per_unit
    if x.size < 256:
        return Features(shaft_hz)
    x -= x.mean()
    # No dot product: its library would wake threads for it, and sum in an order of their own.
    squared = x * x
    power = float(squared.mean())
    if not 0.0 < power < float("inf"):
        return Features(shaft_hz)
    peak_g = float(np.abs(x).max())
    spectrum = np.fft.rfft(x)
    marks = _envelope(spectrum, x.size, rate_hz, shaft_hz, bearing)
    return Features(
        shaft_hz=shaft_hz,
        rms_g=sqrt(power),
        peak_g=peak_g,
        crest=peak_g / sqrt(power),
        kurtosis=float(np.square(squared).mean()) / power**2,
        band_rms_g=_band_rms(spectrum, x.size, rate_hz, RESONANCE_BAND_HZ, 0),
        velocity_mm_s=G_MM_S2 * _band_rms(spectrum, x.size, rate_hz, VELOCITY_BAND_HZ, 1),
        bpfo_db=marks[0],
        bpfi_db=marks[1],
        bsf_db=marks[2],
        envelope_db=max(marks),
    )


def _band_rms(
    spectrum: Any, count: int, rate_hz: int, band_hz: tuple[float, float], integrations: int
) -> float:
    """RMS of a part of the spectrum (Parseval), integrated once over time for a velocity: division by 2πf."""
    low, high = _bins(count, rate_hz, band_hz)
    part = spectrum[low:high]
    if integrations:
        part = part / _omega(count, rate_hz, low, high)
    return sqrt(2.0 * float((part.real**2 + part.imag**2).sum())) / count


@cache
def _omega(count: int, rate_hz: int, low: int, high: int) -> Any:
    import numpy as np

    return 2.0 * pi * np.arange(low, high) * rate_hz / count


def _bins(count: int, rate_hz: int, band_hz: tuple[float, float]) -> tuple[int, int]:
    last = count // 2
    low, high = (min(last, round(f_hz * count / rate_hz)) for f_hz in band_hz)
    return max(1, low), max(2, high)


def _envelope(
    spectrum: Any, count: int, rate_hz: int, shaft_hz: float, bearing: Bearing
) -> tuple[float, float, float]:
    """Marks (dB) at BPFO, BPFI and twice BSF in the spectrum of the squared envelope of the resonance band.

    The band's one-sided spectrum, moved to zero, is the analytic signal's complex envelope at a lower rate: one short
    transform gives it. Its rate leaves no alias below `BACKGROUND_BAND_HZ`.
    """
    import numpy as np

    low, high = _bins(count, rate_hz, RESONANCE_BAND_HZ)
    size = _transform_size(high - low + round(BACKGROUND_BAND_HZ[1] * count / rate_hz) + 1)
    if shaft_hz <= 0.0 or high - low < 64:
        return 0.0, 0.0, 0.0
    band = np.zeros(size, dtype=np.complex128)
    band[: high - low] = spectrum[low:high]
    analytic = np.fft.ifft(band)
    squared = analytic.real**2 + analytic.imag**2
    power = np.abs(np.fft.rfft(squared - squared.mean())) ** 2
    bin_hz = rate_hz / count
    first, last = (round(f_hz / bin_hz) for f_hz in BACKGROUND_BAND_HZ)
    background = float(np.median(power[first:last]))
    if background <= 0.0:
        return 0.0, 0.0, 0.0
    turns = (bearing.bpfo, bearing.bpfi, 2.0 * bearing.bsf)
    outer, inner, ball = (_mark(power, each * shaft_hz, bin_hz, background) for each in turns)
    return outer, inner, ball


def _mark(power: Any, f_hz: float, bin_hz: float, background: float) -> float:
    """Peak near `f_hz` over the background (dB); bearings slip by about a percent."""
    near_hz = _NEAR_HZ + _SLIP * f_hz
    low, high = round((f_hz - near_hz) / bin_hz), round((f_hz + near_hz) / bin_hz) + 1
    part = power[max(1, low) : high]
    peak = float(part.max()) if part.size else 0.0
    return 10.0 * log10(peak / background) if peak > 0.0 else 0.0


@cache
def _transform_size(least: int) -> int:
    """The smallest size from `least` up with no prime factor beyond 5: fast to transform."""
    size = least
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 1
