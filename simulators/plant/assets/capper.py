"""A capping head over the belt: a pneumatic clutch sets the torque."""

from dataclasses import dataclass, field
from random import Random

import msgspec

from simulators.plant.bottle import Bottle
from simulators.plant.equipment import WIRING, Signal, coil, drive, sensor, switch
from simulators.plant.ports import Air, Belt
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"belt": "belt", "air": "air"}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "run": coil("run"),
    "torque_set_nm": drive("torque_set_nm", 0.0, 4.0),
    "torque_nm": sensor("torque_nm", 0.0, 4.0, 0.01),
    "eye": switch("eye"),
}
FAULTS = {"clutch_wear": "clutch_wear"}
DISTURBANCES: dict[str, str] = {}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clutch gives its full torque from `full_bar` of air up."""

    x_m: NotNegative = 0.8
    full_bar: Positive = 5.0
    scatter_nm: NotNegative = 0.05
    air_nl: NotNegative = 1.4
    idle_w: NotNegative = 90.0


@dataclass(slots=True, eq=False)
class Capper:
    """Caps every bottle that passes while it runs; a bottle that it does not cap stays open."""

    site: Site
    params: Params
    rng: Random
    belt: Belt = field(init=False, repr=False, metadata=WIRING)
    air: Air = field(init=False, repr=False, metadata=WIRING)
    run: bool = False
    torque_set_nm: float = 0.0
    clutch_wear: float = 0.0
    torque_nm: float = 0.0
    eye: bool = False
    eye_until_s: float = 0.0
    running: bool = False

    def joined(self) -> None:
        """Stand beside the belt."""
        self.belt.add_station(self.params.x_m, self.cap)

    def cap(self, bottle: Bottle) -> bool:
        """Screw a cap on a bottle that passes."""
        p = self.params
        self.eye_until_s = self.site.t_s + 0.25
        self.torque_nm = 0.0
        if self.run:
            strength = min(1.0, self.air.pressure_bar / p.full_bar) * (1.0 - 0.7 * self.clutch_wear)
            scatter_nm = p.scatter_nm * (1.0 + 3.0 * self.clutch_wear)
            self.torque_nm = max(0.0, self.torque_set_nm * strength + self.rng.gauss(0.0, scatter_nm))
            self.air.use(p.air_nl)
        bottle.torque_nm = self.torque_nm
        return True

    def step(self) -> None:
        self.running = self.run
        self.eye = self.site.t_s < self.eye_until_s
        if self.run:
            self.site.consume(self.params.idle_w, self.params.idle_w)

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Capper
