"""A machine's whole life, offline: the plant's own motor and its own vibration, a window an hour, until it seizes."""

from random import Random

import msgspec

from lab.maintenance.fleet import HORIZON_H, ONSET_DAMAGE, Confounder, Machine
from simulators.analytics.features import Features, features
from simulators.plant.assets.motor import Motor, Params
from simulators.plant.site import Site
from simulators.plant.vibration import RATE_HZ, window

WINDOW_H = 1.0
_STEP_S = 60.0
_STEPS = round(3600.0 * WINDOW_H / _STEP_S)
# A machine whose damage begins late is followed to its end.
_LIMIT_H = 2.0 * HORIZON_H


class Life(msgspec.Struct, frozen=True):
    """Truth and what the sensor heard: `windows` are (hour, features), the shaft's speed among them."""

    name: str
    fault: str | None
    onset_h: float | None
    failure_h: float | None
    end_h: float
    windows: list[tuple[float, Features]]


def live(machine: Machine) -> Life:
    """Live it. Failure is of the internal state: damage 1, when the bearing seizes."""
    site = Site(_STEP_S)
    motor = Motor(site, _params(machine), Random(machine.seed))  # noqa: S311 -- a simulation, no secret
    windows: list[tuple[float, Features]] = []
    t_h, end_h = 0.0, _LIMIT_H if machine.fault else HORIZON_H
    while t_h < end_h and not motor.seized:
        if machine.fault and t_h >= machine.onset_h and getattr(motor, machine.fault) == 0.0:
            setattr(motor, machine.fault, ONSET_DAMAGE)
        hour = int(t_h) % len(machine.speeds)
        motor.command = machine.speeds[hour]
        for _ in range(_STEPS):
            site.step += 1
            site.t_s = site.step * site.dt_s
            motor.load_w = 0.6 * motor.params.rated_w * motor.speed
            motor.step()
        t_h += WINDOW_H
        windows.append((t_h, _hear(machine, motor, t_h, machine.loads[hour])))
    failed = motor.seized
    return Life(
        name=machine.name,
        fault=machine.fault,
        onset_h=machine.onset_h if failed else None,
        failure_h=t_h if failed else None,
        end_h=t_h,
        windows=windows,
    )


def _params(machine: Machine) -> Params:
    return Params(
        rated_rpm=machine.rated_rpm,
        noise_g=machine.noise_g,
        growth_h=machine.growth_h,
        growth_sigma=0.04,
        coupling=machine.coupling,
        resonance=machine.resonance,
        dents_outer=machine.dents_outer,
        dents_inner=machine.dents_inner,
    )


def _hear(machine: Machine, motor: Motor, t_h: float, load: float) -> Features:
    """The window's features, with what the product asks and what troubles the machine or the sensor just now."""
    now = [each for each in machine.confounders if each.start_h <= t_h < each.end_h]
    sound = motor.bearing_outer
    motor.broadband_g = max((each.size for each in now if each.kind == "cavitation"), default=0.0)
    motor.imbalance = max((each.size for each in now if each.kind == "imbalance"), default=0.0)
    motor.bearing_outer = max([sound, *(each.size for each in now if each.kind == "dry")])
    motor.params = msgspec.structs.replace(motor.params, coupling=machine.coupling * load)
    samples = window(motor, machine.seed, round(t_h / WINDOW_H))
    motor.bearing_outer = sound
    return features(_spoilt(samples, now, t_h, machine), motor.speed_rpm / 60.0)


def _spoilt(samples: bytes, now: list[Confounder], t_h: float, machine: Machine) -> bytes:
    """What the sensor as it is mounted, its drift, or a blow to the machine make of the samples."""
    import numpy as np

    gain = machine.gain
    knocks = [each.size for each in now if each.kind == "shocks"]
    for each in now:
        if each.kind == "drift":
            gain += machine.gain * each.size * (t_h - each.start_h) / (each.end_h - each.start_h)
    x = np.frombuffer(samples, dtype="<i2").astype(np.float64) * gain
    rng = np.random.default_rng((machine.seed, round(t_h)))
    t_s = np.arange(600) / RATE_HZ
    ringing = np.exp(-120.0 * t_s) * np.sin(2.0 * np.pi * 900.0 * t_s)
    for size_g in knocks:
        at = int(rng.integers(0, x.size - t_s.size))
        x[at : at + t_s.size] += size_g * 2048.0 * ringing
    return np.clip(x, -32768, 32767).astype("<i2").tobytes()
