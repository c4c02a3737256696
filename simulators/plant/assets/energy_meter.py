"""The electric meter of the line; list it last, for it adds up what the others drew in the step."""

from dataclasses import dataclass
from random import Random

import msgspec

from simulators.plant.equipment import Signal, sensor
from simulators.plant.quantities import NotNegative
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "power_kw": sensor("power_kw", 0.0, 100.0, 0.02),
    "energy_kwh": sensor("energy_kwh", 0.0, 1e6),
}
FAULTS: dict[str, str] = {}
DISTURBANCES: dict[str, str] = {}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`base_w` is lighting, cabinets and screens."""

    base_w: NotNegative = 900.0


@dataclass(slots=True, eq=False)
class EnergyMeter:
    """Power (mean of the step) and energy since the start."""

    site: Site
    params: Params
    rng: Random
    power_kw: float = 0.0
    energy_kwh: float = 0.0

    def step(self) -> None:
        site, base_w = self.site, self.params.base_w
        site.consume(base_w, base_w)
        self.power_kw = site.demand_w / 1000.0
        self.energy_kwh += self.power_kw * site.dt_s / 3600.0
        site.production.energy_kwh = self.energy_kwh

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = EnergyMeter
