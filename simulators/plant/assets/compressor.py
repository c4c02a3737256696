"""A compressor, its receiver and the compressed air network."""

from dataclasses import dataclass, field
from random import Random

import msgspec

from simulators.plant.equipment import WIRING, Signal, coil, sensor
from simulators.plant.ports import Shaft
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"drive": "shaft"}
OFFERS = {"network": "air"}
SIGNALS: dict[str, Signal] = {
    "run": coil("run"),
    "pressure_bar": sensor("pressure_bar", 0.0, 10.0, 0.008),
    "flow_nl_min": sensor("flow_nl_min", 0.0, 1000.0, 1.0),
}
FAULTS = {"leak": "leak", "wear": "wear"}
DISTURBANCES: dict[str, str] = {}
_SAFETY_VALVE_BAR = 9.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`leak_nl_min` is what a full leak loses at 7 bar, `tight_nl_min` what a sound network does."""

    receiver_l: Positive = 300.0
    initial_bar: NotNegative = 6.5
    delivery_nl_min: Positive = 320.0
    load_w: NotNegative = 1900.0
    tight_nl_min: NotNegative = 8.0
    leak_nl_min: NotNegative = 450.0


@dataclass(slots=True, eq=False)
class Compressor:
    """Isothermal receiver: dp/dt = (delivered − used − leaked) / volume, in normal litres."""

    site: Site
    params: Params
    rng: Random
    drive: Shaft = field(init=False, repr=False, metadata=WIRING)
    run: bool = False
    leak: float = 0.0
    wear: float = 0.0
    pressure_bar: float = 0.0
    used_nl: float = 0.0
    flow_nl_min: float = 0.0
    running: bool = False

    def __post_init__(self) -> None:
        self.pressure_bar = self.params.initial_bar

    def use(self, nl: float) -> None:
        """Draw normal litres."""
        self.used_nl += nl

    def step(self) -> None:
        p, dt_s = self.params, self.site.dt_s
        speed = self.drive.speed
        self.drive.command = 1.0 if self.run else 0.0
        self.running = speed > 0.02
        pressure_bar = self.pressure_bar
        self.drive.load_w += p.load_w * speed * (0.4 + 0.6 * pressure_bar / 7.0)
        leaked_nl_min = (p.tight_nl_min + p.leak_nl_min * self.leak) * pressure_bar / 7.0
        out_nl = self.used_nl + leaked_nl_min * dt_s / 60.0
        in_nl = p.delivery_nl_min * speed * (1.0 - 0.5 * self.wear) * dt_s / 60.0
        self.used_nl = 0.0
        self.pressure_bar = min(_SAFETY_VALVE_BAR, max(0.0, pressure_bar + (in_nl - out_nl) / p.receiver_l))
        self.flow_nl_min += (out_nl * 60.0 / dt_s - self.flow_nl_min) * dt_s / 5.0

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Compressor
