"""A pneumatic diversion valve: forward when driven and fed with air, divert by its spring otherwise."""

from dataclasses import dataclass, field
from random import Random

import msgspec

from simulators.plant.equipment import WIRING, Signal, coil, sensor, switch
from simulators.plant.ports import Air, LiquidSink
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"forward": "liquid_sink", "divert": "liquid_sink", "air": "air"}
OFFERS = {"inlet": "liquid_sink"}
SIGNALS: dict[str, Signal] = {
    "forward": coil("command"),
    "position_pct": sensor("position_pct", 0.0, 100.0, 0.2),
    "is_forward": switch("is_forward"),
    "is_diverted": switch("is_diverted"),
}
FAULTS = {"stiction": "stiction"}
DISTURBANCES: dict[str, str] = {}
_AIR_MIN_BAR = 3.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`stuck_s` is how long a fully sticking valve waits before it breaks away (it never does from 0.95 up)."""

    travel_s: Positive = 1.0
    stuck_s: NotNegative = 20.0
    stroke_nl: NotNegative = 2.0


@dataclass(slots=True, eq=False)
class DiversionValve:
    """`position` is 1 in forward. While it moves, the flow is shared."""

    site: Site
    params: Params
    rng: Random
    forward: LiquidSink = field(init=False, repr=False, metadata=WIRING)
    divert: LiquidSink = field(init=False, repr=False, metadata=WIRING)
    air: Air = field(init=False, repr=False, metadata=WIRING)
    command: bool = False
    stiction: float = 0.0
    position: float = 0.0
    waited_s: float = 0.0
    position_pct: float = 0.0
    is_forward: bool = False
    is_diverted: bool = True

    def push(self, kg: float, t_c: float, brix: float, pu: float) -> None:
        """Send product where the valve stands."""
        forward_kg = kg * self.position
        if forward_kg > 0.0:
            self.forward.push(forward_kg, t_c, brix, pu)
        if kg > forward_kg:
            self.divert.push(kg - forward_kg, t_c, brix, pu)

    def step(self) -> None:
        target = 1.0 if self.command and self.air.pressure_bar > _AIR_MIN_BAR else 0.0
        if self.position == target:
            self.waited_s = 0.0
            return
        p, dt_s = self.params, self.site.dt_s
        if self.position in (0.0, 1.0):
            self.waited_s += dt_s
            if self.stiction >= 0.95 or self.waited_s < p.stuck_s * self.stiction:
                return
            self.air.use(p.stroke_nl)
        change = dt_s / (p.travel_s * (1.0 + 4.0 * self.stiction))
        self.position = min(1.0, max(0.0, self.position + (change if target else -change)))
        self.position_pct = 100.0 * self.position
        self.is_forward, self.is_diverted = self.position > 0.95, self.position < 0.05

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = DiversionValve
