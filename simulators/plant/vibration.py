"""What an accelerometer on a motor hears: one-second windows synthesised from the motor's true state."""

from functools import cache
from math import pi, sqrt
from typing import Any, Protocol

from simulators.contracts import Vibration

RATE_HZ = 12_800
FULL_SCALE_G = 16.0
_LSB_PER_G = 32768.0 / FULL_SCALE_G
_BANK = 1 << 17
_KERNEL = 192
_PARTS = 4  # impacts start on quarters of a sample
_OUTER_DAMPING, _INNER_DAMPING = 0.012, 0.02


class Turning(Protocol):
    """The part of a motor's state that is heard."""

    speed: float
    speed_rpm: float
    turns: float
    imbalance: float
    broadband_g: float
    bearing_outer: float
    bearing_inner: float
    bearing_ball: float
    params: Any


class Bearing6205:
    """Kinematic frequencies of a 6205 (n = 9, d = 7.94 mm, D = 39.04 mm), in shaft turns.

    r = d/D; BPFO = n/2·(1 − r); BPFI = n/2·(1 + r); BSF = D/2d·(1 − r²); FTF = (1 − r)/2.
    """

    _R = 7.94 / 39.04
    BPFO = 4.5 * (1.0 - _R)
    BPFI = 4.5 * (1.0 + _R)
    BSF = (1.0 - _R * _R) / (2.0 * _R)
    FTF = (1.0 - _R) / 2.0


@cache
def _banks() -> tuple[Any, Any, Any]:
    """Coloured noise and its high-passed version, both of unit RMS, and sample times in seconds."""
    import numpy as np

    white = np.random.default_rng(6205).standard_normal(_BANK + 2).astype(np.float32)
    coloured = white[2:] + 0.7 * white[1:-1] + 0.2 * white[:-2]
    hiss = white[2:] - white[1:-1]
    times_s = np.arange(RATE_HZ, dtype=np.float32) / RATE_HZ
    return coloured / coloured.std(), hiss / hiss.std(), times_s


@cache
def _kernels(damping: float, resonance: float) -> Any:
    """One impact: the housing rings at 2.75 and 3.43 kHz times `resonance` (McFadden and Smith 1984), by quarter of sample."""
    import numpy as np

    rows = []
    for part in range(_PARTS):
        t_s = (np.arange(_KERNEL) + 1.0 - part / _PARTS) / RATE_HZ
        rows.append(
            sum(
                gain * np.exp(-damping * 2.0 * pi * f_hz * t_s) * np.sin(2.0 * pi * f_hz * t_s)
                for gain, f_hz in ((0.7, 2750.0 * resonance), (1.0, 3430.0 * resonance))
            )
        )
    return np.array(rows, dtype=np.float32)


def prepare() -> None:
    """Draw the noise banks; in a warm parent, so that its children share them."""
    _banks()
    _kernels(_OUTER_DAMPING, 1.0)
    _kernels(_INNER_DAMPING, 1.0)


def window(motor: Turning | Any, start: int, step: int) -> bytes:
    """The second that ends at `step`: 12 800 little-endian int16, full scale ±16 g.

    x = noise + shaft harmonics + Σ A·q(Tₖ)·ringing(t − Tₖ), with Tₖ₊₁ = Tₖ + (1 + δ)/f, δ ~ N(0, 0.005): a
    random walk (Antoni and Randall 2003). Amplitudes follow the damage state d as A = A₁·d^1.5, fitted at
    d = 1 to the RMS of the 0.007 inch faults of the public CWRU data. The ball fault is nearly silent there
    and here. Where the sensor sits, the machine's own `params` say: noise floor, what of the ringing reaches it, at
    which resonance, and dents of standstill (false brinelling, ISO 15243) that ring like damage and do not grow.
    """
    import numpy as np

    coloured, hiss, times_s = _banks()
    first = (start * 2654435761 + step * 40503) % (_BANK - RATE_HZ)
    second = (start * 40503 + step * 2654435761) % (_BANK - RATE_HZ)
    speed = float(motor.speed)
    x_g = coloured[first : first + RATE_HZ] * (0.003 + float(motor.params.noise_g) * speed)
    if speed > 0.02:
        shaft_hz = motor.speed_rpm / 60.0
        angle = times_s * (2.0 * pi * shaft_hz) + 2.0 * pi * ((motor.turns - shaft_hz) % 1.0)
        sine = np.sin(angle)
        x_g += (speed * speed * (0.012 + 0.4 * motor.imbalance)) * sine
        x_g += (0.016 * speed * speed) * sine * np.cos(angle)
        if motor.broadband_g > 0.001:
            x_g += motor.broadband_g * hiss[second : second + RATE_HZ]
        noise = coloured[second : second + 1024]
        p = motor.params
        _outer(x_g, _rung(motor.bearing_outer, p.dents_outer, p.coupling), shaft_hz, noise, p.resonance)
        _inner(x_g, _rung(motor.bearing_inner, p.dents_inner, p.coupling), shaft_hz, noise, p.resonance)
        _ball(x_g, _rung(motor.bearing_ball, 0.0, p.coupling), shaft_hz, noise, p.resonance)
    np.clip(x_g * _LSB_PER_G, -32768, 32767, out=x_g)
    samples: bytes = x_g.astype("<i2").tobytes()
    return samples


def heard(samples: bytes) -> Vibration:
    """A window with its RMS, peak and kurtosis; zeros where nothing moves.

    Here and not in the sensor, which would have a numeric library in its process for nothing else.
    """
    import numpy as np

    x: Any = np.frombuffer(samples, dtype="<i2").astype(np.float32)
    if not x.size:
        return Vibration(samples)
    x -= x.mean()
    peak = float(max(x.max(), -x.min()))
    x *= x
    power = float(x.mean())
    if power == 0.0:
        return Vibration(samples)
    # No dot product: at this length its library wakes threads for it.
    kurtosis = float(np.square(x).mean(dtype=np.float64)) / power**2
    return Vibration(samples, sqrt(power) / _LSB_PER_G, peak / _LSB_PER_G, kurtosis)


def _rung(damage: float, dents: float, coupling: float) -> float:
    """How much of the ringing of full damage reaches the sensor."""
    return float(coupling * (damage**1.5 + dents**1.5))


def _outer(x_g: Any, share: float, shaft_hz: float, noise: Any, resonance: float) -> None:
    """Fixed under the load: every impact is alike."""
    if share > 0.0:
        times_s = _impacts(Bearing6205.BPFO * shaft_hz, noise)
        _ring(x_g, times_s, 1.6 * share * (times_s * 0.0 + 1.0), _kernels(_OUTER_DAMPING, resonance))


def _inner(x_g: Any, share: float, shaft_hz: float, noise: Any, resonance: float) -> None:
    """The race turns through the load zone: modulated at shaft speed, m = 0.4."""
    import numpy as np

    if share > 0.0:
        times_s = _impacts(Bearing6205.BPFI * shaft_hz, noise)
        load = (1.0 + 0.4 * np.cos(2.0 * pi * shaft_hz * times_s)) / 1.4
        _ring(x_g, times_s, 0.75 * share * load, _kernels(_INNER_DAMPING, resonance))


def _ball(x_g: Any, share: float, shaft_hz: float, noise: Any, resonance: float) -> None:
    """Two impacts a ball turn, modulated by the cage: nearly silent, as real ones often are."""
    import numpy as np

    if share > 0.0:
        times_s = _impacts(2.0 * Bearing6205.BSF * shaft_hz, noise)
        load = (1.0 + 0.8 * np.cos(2.0 * pi * Bearing6205.FTF * shaft_hz * times_s)) / 1.8
        _ring(x_g, times_s, 0.16 * share * load, _kernels(_INNER_DAMPING, resonance))


def _impacts(f_hz: float, noise: Any) -> Any:
    """Times (s) of the impacts of a second."""
    import numpy as np

    count = min(int(f_hz * 1.05) + 2, len(noise))
    times_s = np.cumsum((1.0 + 0.005 * noise[:count]) / f_hz)
    times_s -= times_s[0] * abs(float(noise[-1])) % 1.0
    return times_s[(times_s > 0.0) & (times_s < 1.0 - (_KERNEL + 2) / RATE_HZ)]


def _ring(x_g: Any, times_s: Any, amplitudes_g: Any, kernels: Any) -> None:
    import numpy as np

    place = times_s * RATE_HZ
    whole = np.ceil(place)
    parts = ((whole - place) * _PARTS).astype(np.int64) % _PARTS
    rung = kernels[parts] * amplitudes_g[:, None].astype(np.float32)
    for at, samples in zip(whole.astype(np.int64).tolist(), rung, strict=True):
        x_g[at : at + _KERNEL] += samples
