"""An induction motor on a variable-speed drive, with the two bearings (6205) that carry its shaft."""

from dataclasses import dataclass
from math import exp, sqrt
from random import Random
from typing import Annotated

import msgspec

from simulators.plant.equipment import Signal, sensor, switch
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS = {"shaft": "shaft"}
SIGNALS: dict[str, Signal] = {
    "speed_rpm": sensor("speed_rpm", 0.0, 3600.0, 0.6),
    "current_a": sensor("current_a", 0.0, 15.0, 0.012),
    "temperature_c": sensor("temperature_c", -10.0, 150.0, 0.1),
    "vibration_mm_s": sensor("vibration_mm_s", 0.0, 12.0, 0.02),
    "running": switch("running"),
    "tripped": switch("tripped"),
}
FAULTS = {
    "bearing_outer": "bearing_outer",
    "bearing_inner": "bearing_inner",
    "bearing_ball": "bearing_ball",
    "imbalance": "imbalance",
    "cooling": "cooling",
}
DISTURBANCES: dict[str, str] = {}
_TRIP_C, _RESET_C = 130.0, 90.0
_POWER_FACTOR_VA = sqrt(3.0) * 400.0 * 0.82


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`growth_h` is the running time in which bearing damage grows e-fold once it has begun, `growth_sigma` the
    standard deviation of its logarithm after that time: 0 grows evenly.

    `noise_g` is the healthy RMS acceleration at full speed (0.07 g at the drive end in the public CWRU data).
    What a bearing's ringing becomes at the sensor is each machine's own (ISO 5348 of mountings, Randall and Antoni 2011
    of transmission paths): `coupling` is the share of it that arrives, `resonance` shifts its pitch. `dents_outer` and
    `dents_inner` are false brinelling, marks of a standstill in transport: they ring like that damage, and do not grow.
    """

    rated_w: Positive = 750.0
    rated_rpm: Positive = 1450.0
    ramp_s: Positive = 5.0
    efficiency: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.82
    idle_w: NotNegative = 45.0
    idle_a: NotNegative = 0.7
    heat_j_k: Positive = 9000.0
    cooling_w_k: Positive = 6.0
    noise_g: NotNegative = 0.07
    velocity_mm_s: NotNegative = 0.9
    growth_h: Positive = 6.0
    growth_sigma: NotNegative = 0.0
    coupling: NotNegative = 1.0
    resonance: Positive = 1.0
    dents_outer: NotNegative = 0.0
    dents_inner: NotNegative = 0.0


@dataclass(slots=True, eq=False)
class Motor:
    """Machines set `command` and add to `load_w` in their own step; the motor takes both in its own.

    Bearing damage is an internal state d from 0 to 1 that grows as ḋ = d / growth_h while the shaft turns:
    the exponential degradation θ·exp(βt + ε − σ²/2) of the vibration signal follows from it (Gebraeel et al. 2005),
    ε a Brownian motion. At 1 the bearing seizes.
    """

    site: Site
    params: Params
    rng: Random
    command: float = 0.0
    load_w: float = 0.0
    speed: float = 0.0
    broadband_g: float = 0.0
    bearing_outer: float = 0.0
    bearing_inner: float = 0.0
    bearing_ball: float = 0.0
    imbalance: float = 0.0
    cooling: float = 0.0
    winding_c: float = 20.0
    drawn_w: float = 0.0
    lost_w: float = 0.0
    friction_w: float = 0.0
    seized: bool = False
    turns: float = 0.0
    speed_rpm: float = 0.0
    current_a: float = 0.0
    temperature_c: float = 20.0
    vibration_mm_s: float = 0.0
    running: bool = False
    tripped: bool = False

    def step(self) -> None:
        site = self.site
        dt_s = site.dt_s
        was = self.speed
        self._turn()
        if was != self.speed or site.step % 10 == 0:
            self._load()
            if site.step % 10 == 0:
                self._age(10.0 * dt_s)
        self.load_w = 0.0
        drawn_w, lost_w = self.drawn_w, self.lost_w
        self.winding_c += (drawn_w - lost_w) * dt_s / self.params.heat_j_k
        site.demand_w += drawn_w
        site.electric_j += drawn_w * dt_s
        site.lost_j += lost_w * dt_s

    def _load(self) -> None:
        """Electric power drawn, and what of it leaves as heat: at the machine at once, through the frame later."""
        p = self.params
        load_w = drawn_w = current_a = 0.0
        if self.speed > 0.0:
            load_w = self.load_w + self.friction_w * self.speed
            drawn_w = load_w / p.efficiency + p.idle_w
            apparent_a = drawn_w / _POWER_FACTOR_VA
            current_a = sqrt(p.idle_a * p.idle_a + apparent_a * apparent_a)
        else:
            self.vibration_mm_s = 0.0
        self.drawn_w, self.current_a, self.temperature_c = drawn_w, current_a, self.winding_c
        shed_w_k = p.cooling_w_k * (1.0 - 0.8 * self.cooling)
        self.lost_w = load_w + shed_w_k * (self.winding_c - self.site.ambient_c)

    def _turn(self) -> None:
        p, dt_s = self.params, self.site.dt_s
        if self.tripped:
            # The contactor rearms when the command is withdrawn and the winding has cooled.
            self.tripped = self.command > 0.0 or self.winding_c > _RESET_C or self.seized
        elif self.winding_c > _TRIP_C or self.seized:
            self.tripped = True
        target = 0.0 if self.tripped else self.command
        speed = self.speed
        if speed != target:
            change = dt_s / p.ramp_s
            self.speed = min(target, speed + change) if target > speed else max(target, speed - change)
            self.speed_rpm = self.speed * p.rated_rpm
            self.running = self.speed > 0.02
        if speed > 0.0:
            self.turns += self.speed_rpm / 60.0 * dt_s

    def _age(self, dt_s: float) -> None:
        """Grow the damage, and what follows from it: friction and in-band vibration."""
        p, speed = self.params, self.speed
        damage = max(self.bearing_outer, self.bearing_inner, self.bearing_ball)
        self.seized = damage >= 1.0
        if damage > 0.0:
            growth = self._growth(dt_s * speed / (p.growth_h * 3600.0))
            self.bearing_outer = min(1.0, self.bearing_outer * growth)
            self.bearing_inner = min(1.0, self.bearing_inner * growth)
            self.bearing_ball = min(1.0, self.bearing_ball * growth)
        self.friction_w = 0.25 * p.rated_w * damage**3
        # ISO 10816-3 looks at 10 to 1000 Hz: a bearing's impacts ring above it and show there late.
        bearing_mm_s = 7.0 * damage**3
        imbalance_mm_s = 8.0 * self.imbalance * speed
        self.vibration_mm_s = speed * sqrt(
            p.velocity_mm_s**2 + bearing_mm_s**2 + imbalance_mm_s**2 + (2.0 * self.broadband_g) ** 2
        )

    def _growth(self, share: float) -> float:
        """What damage is multiplied by in a `share` of `growth_h`; it never heals."""
        sigma = self.params.growth_sigma
        if sigma == 0.0:
            return 1.0 + share
        wander = self.rng.gauss(0.0, sigma * sqrt(share)) - sigma * sigma * share / 2.0
        return max(1.0, exp(share + wander))

    def stored(self) -> tuple[float, float]:
        return 0.0, self.params.heat_j_k * self.winding_c


create = Motor
