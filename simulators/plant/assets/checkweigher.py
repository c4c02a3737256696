"""A checkweigher over the belt and, further on, its pneumatic rejector."""

from dataclasses import dataclass, field
from random import Random

import msgspec

from simulators.plant.bottle import Bottle
from simulators.plant.equipment import WIRING, Signal, coil, sensor, switch
from simulators.plant.ports import Air, Belt
from simulators.plant.quantities import NotNegative, Signed
from simulators.plant.site import Site

PORTS = {"belt": "belt", "air": "air"}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "weight_g": sensor("weight_g", 0.0, 700.0),
    "eye": switch("eye"),
    "rejector_eye": switch("rejector_eye"),
    "reject": coil("reject"),
}
FAULTS = {"scale_drift": "scale_drift", "rejector_stuck": "rejector_stuck"}
DISTURBANCES: dict[str, str] = {}
_AIR_MIN_BAR = 3.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Places on the belt: scale, rejector's photo-eye, rejector."""

    scale_m: NotNegative = 1.6
    rejector_eye_m: NotNegative = 2.4
    rejector_m: NotNegative = 2.52
    scatter_g: NotNegative = 0.4
    drift_g: Signed = 25.0
    air_nl: NotNegative = 3.0
    idle_w: NotNegative = 60.0


@dataclass(slots=True, eq=False)
class Checkweigher:
    """`weight_g` is the net weight of the last bottle; the PLC decides what `reject` takes off."""

    site: Site
    params: Params
    rng: Random
    belt: Belt = field(init=False, repr=False, metadata=WIRING)
    air: Air = field(init=False, repr=False, metadata=WIRING)
    reject: bool = False
    scale_drift: float = 0.0
    rejector_stuck: float = 0.0
    weight_g: float = 0.0
    eye: bool = False
    rejector_eye: bool = False
    eye_until_s: float = 0.0
    rejector_eye_until_s: float = 0.0

    def joined(self) -> None:
        """Stand beside the belt."""
        p = self.params
        self.belt.add_station(p.scale_m, self.weigh)
        self.belt.add_station(p.rejector_eye_m, self.see)
        self.belt.add_station(p.rejector_m, self.push_off)

    def weigh(self, bottle: Bottle) -> bool:
        """Weigh a bottle that passes."""
        p = self.params
        self.eye_until_s = self.site.t_s + 0.25
        self.weight_g = bottle.kg * 1000.0 + self.rng.gauss(0.0, p.scatter_g) + p.drift_g * self.scale_drift
        return True

    def see(self, _bottle: Bottle) -> bool:
        """The rejector's photo-eye."""
        self.rejector_eye_until_s = self.site.t_s + 0.25
        return True

    def push_off(self, bottle: Bottle) -> bool:
        """Reject a bottle that passes, if told to and able to."""
        if not self.reject or self.air.pressure_bar < _AIR_MIN_BAR:
            return True
        self.air.use(self.params.air_nl)
        if self.rng.random() < self.rejector_stuck:
            return True
        self.site.reject(bottle)
        return False

    def step(self) -> None:
        t_s = self.site.t_s
        self.eye = t_s < self.eye_until_s
        self.rejector_eye = t_s < self.rejector_eye_until_s
        self.site.consume(self.params.idle_w, self.params.idle_w)

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Checkweigher
