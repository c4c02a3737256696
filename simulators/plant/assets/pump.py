"""A centrifugal pump (Daigle and Goebel 2013), its suction strainer and its shaft seal."""

from dataclasses import dataclass, field
from math import exp, sqrt
from random import Random

import msgspec

from simulators.plant.equipment import WIRING, Signal, coil, drive, sensor
from simulators.plant.liquid import KG_S_PER_L_MIN
from simulators.plant.ports import LiquidPath, LiquidSource, Shaft
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"suction": "liquid_source", "discharge": "liquid_path", "drive": "shaft"}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "run": coil("run"),
    "speed_pct": drive("speed_pct", 0.0, 100.0),
    "flow_l_min": sensor("flow_l_min", 0.0, 50.0, 0.08),
    "discharge_pressure_bar": sensor("discharge_pressure_bar", 0.0, 6.0, 0.01),
    "suction_pressure_bar": sensor("suction_pressure_bar", -1.0, 2.0, 0.004),
}
FAULTS = {"wear": "wear", "friction": "friction", "cavitation": "strainer", "seal_leak": "seal_leak"}
DISTURBANCES: dict[str, str] = {}
_ATMOSPHERE_BAR = 1.013
_EFFICIENCY = 0.45


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At speed ω (1 = rated) and flow Q (L/min): head = `head_bar`·ω² − `slope_bar`·ω·Q.

    `wear_per_l` is w_A of Ȧ = −w_A·Q². NPSH3 = `npsh_bar` + `npsh_k_bar`·Q², in bar of liquid.
    """

    head_bar: Positive = 3.2
    slope_bar: Positive = 0.02
    suction_k_bar: NotNegative = 0.00025
    strainer_factor: NotNegative = 30.0
    npsh_bar: NotNegative = 0.2
    npsh_k_bar: NotNegative = 0.0002
    idle_w: NotNegative = 110.0
    wear_per_l2: NotNegative = 4e-11
    leak_kg_s: NotNegative = 0.03


@dataclass(slots=True, eq=False)
class Pump:
    """`strainer` (0 to 1) is how far the suction strainer is blocked: the cause of cavitation."""

    site: Site
    params: Params
    rng: Random
    suction: LiquidSource = field(init=False, repr=False, metadata=WIRING)
    discharge: LiquidPath = field(init=False, repr=False, metadata=WIRING)
    drive: Shaft = field(init=False, repr=False, metadata=WIRING)
    run: bool = False
    speed_pct: float = 0.0
    wear: float = 0.0
    friction: float = 0.0
    strainer: float = 0.0
    seal_leak: float = 0.0
    vapour_bar: float = 0.0
    cavitating: float = 0.0
    turbulence: float = 0.0
    flow_l_min: float = 0.0
    discharge_pressure_bar: float = 0.0
    suction_pressure_bar: float = 0.0
    running: bool = False

    def step(self) -> None:
        self.drive.command = self.speed_pct / 100.0 if self.run else 0.0
        speed = self.drive.speed
        self.running = speed > 0.02
        q_l_min = self._flow(speed) if speed > 0.0 else 0.0
        kg = self.suction.take(q_l_min * KG_S_PER_L_MIN * self.site.dt_s)
        if kg < 1e-9:
            q_l_min = kg = 0.0
        self._pressures(q_l_min)
        if self.seal_leak > 0.0 and kg > 0.0:
            # An orifice: c·A·√Δp.
            lost_kg = (
                self.params.leak_kg_s * self.seal_leak * sqrt(self.discharge_pressure_bar) * self.site.dt_s
            )
            lost_kg = min(lost_kg, kg)
            kg -= lost_kg
            self.site.leak(lost_kg, self.suction.t_c)
        self.flow_l_min = kg / (KG_S_PER_L_MIN * self.site.dt_s)
        if kg > 0.0:
            self.discharge.push(kg, self.suction.t_c, self.suction.brix, self.suction.pu)
        self._load(speed, q_l_min)

    def _flow(self, speed: float) -> float:
        """Where the pump's curve meets the circuit's: a quadratic in Q."""
        p, path = self.params, self.discharge
        head_bar = p.head_bar * (1.0 - 0.4 * self.wear) * (1.0 - 0.35 * self.cavitating)
        push_bar = head_bar * speed * speed + self.suction.head_bar - path.back_bar
        if push_bar <= 0.0:
            return 0.0
        slope = p.slope_bar * speed
        k_bar = path.k_bar + p.suction_k_bar * (1.0 + p.strainer_factor * self.strainer)
        q_l_min = (sqrt(slope * slope + 4.0 * k_bar * push_bar) - slope) / (2.0 * k_bar)
        self._cavitate(q_l_min)
        if self.cavitating > 0.01:
            self.turbulence += 0.3 * (self.rng.gauss(0.0, 0.12 * self.cavitating) - self.turbulence)
            q_l_min *= max(0.0, 1.0 + self.turbulence)
        return q_l_min

    def _cavitate(self, q_l_min: float) -> None:
        """NPSH available against NPSH3; vapour pressure after Magnus. The change is slow (2 s)."""
        p, t_c = self.params, self.suction.t_c
        loss_bar = p.suction_k_bar * (1.0 + p.strainer_factor * self.strainer) * q_l_min * q_l_min
        if self.site.step % 20 == 0:
            self.vapour_bar = 0.006112 * exp(17.62 * t_c / (243.12 + t_c))
        available_bar = _ATMOSPHERE_BAR + self.suction.head_bar - loss_bar - self.vapour_bar
        margin_bar = available_bar - p.npsh_bar - p.npsh_k_bar * q_l_min * q_l_min
        target = min(1.0, max(0.0, -margin_bar / 0.25))
        self.cavitating += (target - self.cavitating) * self.site.dt_s / 2.0

    def _pressures(self, q_l_min: float) -> None:
        p, path = self.params, self.discharge
        loss_bar = p.suction_k_bar * (1.0 + p.strainer_factor * self.strainer) * q_l_min * q_l_min
        self.suction_pressure_bar = self.suction.head_bar - loss_bar
        if q_l_min > 0.0:
            self.discharge_pressure_bar = path.back_bar + path.k_bar * q_l_min * q_l_min
        else:
            self.discharge_pressure_bar = path.back_bar

    def _load(self, speed: float, q_l_min: float) -> None:
        p = self.params
        lift_bar = max(0.0, self.discharge_pressure_bar - self.suction_pressure_bar)
        hydraulic_w = q_l_min / 60_000.0 * lift_bar * 1e5 / _EFFICIENCY
        self.drive.load_w += p.idle_w * (1.0 + 2.5 * self.friction) * speed * speed + hydraulic_w
        self.drive.broadband_g = 0.8 * self.cavitating
        # Ȧ = −w_A·Q²; friction grows with the square of the speed.
        self.wear = min(1.0, self.wear + p.wear_per_l2 * q_l_min * q_l_min * self.site.dt_s)

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Pump
