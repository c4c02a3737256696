"""A stirred tank, with a supply valve if `supply_kg_s` is not zero."""

from dataclasses import dataclass
from random import Random

import msgspec

from simulators.plant.equipment import Signal, coil, sensor, switch
from simulators.plant.liquid import BAR_PER_M, CP_J_KG_K
from simulators.plant.quantities import Celsius, NotNegative, Percent, Positive
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS = {"outlet": "liquid_source", "inlet": "liquid_sink"}
SIGNALS: dict[str, Signal] = {
    "level_pct": sensor("level_pct", 0.0, 100.0, 0.08),
    "temperature_c": sensor("temperature_c", 0.0, 50.0, 0.05),
    "brix": sensor("brix", 0.0, 25.0, 0.03),
    "level_high": switch("level_high"),
    "level_low": switch("level_low"),
    "inlet_open": coil("inlet_open"),
}
FAULTS = {"leak": "leak", "inlet_stiction": "inlet_stiction"}
DISTURBANCES = {"supply_temperature_c": "supply_c", "supply_available": "supply_available"}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deliveries come in lots whose temperature and Brix scatter; `leak_kg_s` is the flow of a full leak."""

    capacity_kg: Positive = 1500.0
    height_m: Positive = 1.5
    initial_pct: Percent = 50.0
    initial_c: Celsius = 8.0
    initial_brix: Percent = 11.2
    initial_pu: NotNegative = 0.0
    loss_w_k: NotNegative = 8.0
    supply_kg_s: NotNegative = 0.0
    supply_c: Celsius = 8.0
    lot_kg: Positive = 4000.0
    lot_c: NotNegative = 0.5
    lot_brix: NotNegative = 0.12
    high_pct: Percent = 90.0
    low_pct: Percent = 15.0
    leak_kg_s: NotNegative = 0.2


@dataclass(slots=True, eq=False)
class Tank:
    """One volume, perfectly mixed. `supply` is what the inlet valve lets through, a delay when it sticks."""

    site: Site
    params: Params
    rng: Random
    inlet_open: bool = False
    inlet_wait_s: float = 0.0
    inlet_is_open: bool = False
    leak: float = 0.0
    inlet_stiction: float = 0.0
    supply_available: bool = True
    supply_c: float = 0.0
    lot_left_kg: float = 0.0
    lot_off_c: float = 0.0
    lot_off_brix: float = 0.0
    kg: float = 0.0
    t_c: float = 0.0
    brix: float = 0.0
    pu: float = 0.0
    head_bar: float = 0.0
    level_pct: float = 0.0
    temperature_c: float = 0.0
    level_high: bool = False
    level_low: bool = False

    def __post_init__(self) -> None:
        p = self.params
        self.kg, self.t_c = p.capacity_kg * p.initial_pct / 100.0, p.initial_c
        self.brix, self.pu, self.supply_c = p.initial_brix, p.initial_pu, p.supply_c
        self._measure()

    @property
    def without(self) -> tuple[str, ...]:
        """The faults of parts that this tank does not have."""
        return () if self.params.supply_kg_s else ("inlet_stiction",)

    def step(self) -> None:
        p, site = self.params, self.site
        if p.supply_kg_s:
            self._supply()
        if self.leak:
            gone_kg = self.take(p.leak_kg_s * self.leak * site.dt_s)
            site.leak(gone_kg, self.t_c)
        if self.kg > 1.0:
            lost_j = p.loss_w_k * (self.t_c - site.ambient_c) * site.dt_s
            self.t_c -= lost_j / (self.kg * CP_J_KG_K)
            site.lost_j += lost_j
        self._measure()

    def _supply(self) -> None:
        p, site = self.params, self.site
        if self.inlet_open != self.inlet_is_open:
            self.inlet_wait_s += site.dt_s
            if self.inlet_stiction < 0.95 and self.inlet_wait_s >= 60.0 * self.inlet_stiction:
                self.inlet_is_open, self.inlet_wait_s = self.inlet_open, 0.0
        else:
            self.inlet_wait_s = 0.0
        if not (self.inlet_is_open and self.supply_available):
            return
        if self.lot_left_kg <= 0.0:
            self.lot_left_kg = p.lot_kg
            self.lot_off_c, self.lot_off_brix = self.rng.gauss(0.0, p.lot_c), self.rng.gauss(0.0, p.lot_brix)
        kg, t_c = p.supply_kg_s * site.dt_s, self.supply_c + self.lot_off_c
        self.lot_left_kg -= kg
        site.supplied_kg += kg
        site.enthalpy_in_j += kg * CP_J_KG_K * t_c
        self.push(kg, t_c, site.supply_brix + self.lot_off_brix, 0.0)

    def push(self, kg: float, t_c: float, brix: float, pu: float) -> None:
        """Mix product in; what is above the brim runs to the floor."""
        total_kg = self.kg + kg
        if total_kg <= 0.0:
            return
        share = kg / total_kg
        self.t_c += (t_c - self.t_c) * share
        self.brix += (brix - self.brix) * share
        self.pu += (pu - self.pu) * share
        self.kg = total_kg
        if total_kg > self.params.capacity_kg:
            self.kg = self.params.capacity_kg
            self.site.leak(total_kg - self.kg, self.t_c)

    def take(self, kg: float) -> float:
        given_kg = kg if kg < self.kg else self.kg
        self.kg -= given_kg
        return given_kg

    def _measure(self) -> None:
        p = self.params
        fraction = self.kg / p.capacity_kg
        self.head_bar = fraction * p.height_m * BAR_PER_M
        self.level_pct = level_pct = 100.0 * fraction
        self.temperature_c = self.t_c
        self.level_high = level_pct > p.high_pct
        self.level_low = level_pct < p.low_pct

    def stored(self) -> tuple[float, float]:
        return self.kg, self.kg * CP_J_KG_K * self.t_c


create = Tank
