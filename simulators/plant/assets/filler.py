"""A rotary filler: gravity, a volumetric valve in each pocket, a filter upstream."""

from dataclasses import dataclass, field
from math import sqrt
from random import Random
from typing import Annotated

import msgspec

from simulators.plant.bottle import Bottle
from simulators.plant.equipment import WIRING, Signal, coil, drive, sensor, switch
from simulators.plant.liquid import CP_J_KG_K, DENSITY_KG_L
from simulators.plant.ports import Air, Belt, LiquidSource, Shaft
from simulators.plant.quantities import NotNegative, Positive, Share
from simulators.plant.site import Site

PORTS = {"product": "liquid_source", "infeed": "belt", "outfeed": "belt", "air": "air", "drive": "shaft"}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "run": coil("run"),
    "rate_set_per_min": drive("rate_set_per_min", 0.0, 60.0),
    "volume_set_ml": drive("volume_set_ml", 0.0, 600.0),
    "format_ml": drive("format_ml", 0.0, 600.0),
    "rate_per_min": sensor("rate_per_min", 0.0, 60.0, 0.02),
    "volume_ml": sensor("volume_ml", 0.0, 600.0, 0.3),
    "filter_pressure_drop_bar": sensor("filter_pressure_drop_bar", 0.0, 1.0, 0.0003),
    "ready": switch("ready"),
}
FAULTS = {"filter_clogging": "clogging", "valve_stiction": "stiction", "dosing_drift": "dosing_drift"}
DISTURBANCES: dict[str, str] = {}
_AIR_MIN_BAR = 3.5
_FILLING = range(1, 10)
_BLOCKED_S = 2.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A valve lets `valve_ml_s` through at `valve_bar`; the filter costs `filter_bar_s_ml` bar per mL/s.

    Δp of the filter = μ·v·(R_m + α·c·V/A): it doubles every `filter_life_l` filtered. `scatter_ml` is the
    repeatability of a valve; the sticking valves (`sticking_every`-th) close up to `late_s` late. In
    `foam_share` of the bottles foam ends the filling up to `foam_ml` early.
    """

    pockets: Annotated[int, msgspec.Meta(ge=_FILLING.stop, le=500)] = 12
    max_per_min: Positive = 60.0
    head_bar: NotNegative = 0.1
    valve_ml_s: Positive = 55.0
    valve_bar: Positive = 0.14
    filter_bar_s_ml: NotNegative = 5.5e-5
    filter_life_l: Positive = 60000.0
    clogging_factor: NotNegative = 9.0
    scatter_ml: NotNegative = 1.3
    sticking_every: Annotated[int, msgspec.Meta(ge=1)] = 4
    late_s: NotNegative = 0.9
    foam_share: Share = 0.006
    foam_ml: NotNegative = 35.0
    formats_ml: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1)] = (330.0, 500.0)
    changeover_s: NotNegative = 300.0
    shaft_w: NotNegative = 420.0
    air_nl: NotNegative = 0.9


@dataclass(slots=True, eq=False)
class Filler:
    """`pockets[0]` is where a bottle enters and the last where it leaves; `turns` counts pockets passed."""

    site: Site
    params: Params
    rng: Random
    product: LiquidSource = field(init=False, repr=False, metadata=WIRING)
    infeed: Belt = field(init=False, repr=False, metadata=WIRING)
    outfeed: Belt = field(init=False, repr=False, metadata=WIRING)
    air: Air = field(init=False, repr=False, metadata=WIRING)
    drive: Shaft = field(init=False, repr=False, metadata=WIRING)
    run: bool = False
    rate_set_per_min: float = 0.0
    volume_set_ml: float = 500.0
    format_ml: float = 500.0
    clogging: float = 0.0
    stiction: float = 0.0
    dosing_drift: float = 0.0
    pockets: list[Bottle | None] = field(default_factory=list)
    phase: float = 0.0
    turned: int = 0
    flow_ml_s: float = 0.0
    filtered_l: float = 0.0
    changeover_left_s: float = 0.0
    fitting_ml: float = 500.0
    bottled_ago_s: float = 1e6
    rate_per_min: float = 0.0
    volume_ml: float = 0.0
    filter_pressure_drop_bar: float = 0.0
    ready: bool = True
    running: bool = False
    blocked_s: float = 0.0

    def __post_init__(self) -> None:
        self.pockets = [None] * self.params.pockets

    def step(self) -> None:
        p, site, shaft = self.params, self.site, self.drive
        if self.changeover_left_s > 0.0 or (
            self.format_ml != site.format_ml and self.format_ml in p.formats_ml
        ):
            self._change_over()
        turning = self.run and self.ready and self.blocked_s < _BLOCKED_S
        shaft.command = min(1.0, self.rate_set_per_min / p.max_per_min) if turning else 0.0
        speed = shaft.speed if self.ready else 0.0
        self.running = speed > 0.02
        self.rate_per_min = speed * p.max_per_min
        shaft.load_w += p.shaft_w * shaft.speed
        self._fill()
        self.bottled_ago_s += site.dt_s
        self._advance(self.rate_per_min / 60.0 * site.dt_s)
        production = site.production
        if site.order_active:
            production.planned_s += site.dt_s
            # ISO 22400-2 calls it running while it makes bottles: three pitches without one is a stop.
            if self.bottled_ago_s < 5.0:
                production.running_s += site.dt_s

    def _advance(self, pockets: float) -> None:
        """Turn the carousel, held by its clutch while a bottle that would leave finds no room."""
        self.phase += pockets
        if self.phase < 1.0:
            return
        if self.pockets[-1] is not None and not self.outfeed.has_room():
            self.phase = 1.0
            self.blocked_s += self.site.dt_s
            return
        self.phase -= 1.0
        self.blocked_s = 0.0
        self._turn()

    def _turn(self) -> None:
        """One pocket further: a bottle leaves, another enters if one waits."""
        pockets = self.pockets
        leaving = pockets.pop()
        if leaving is not None:
            self.outfeed.put(leaving)
            self.volume_ml = leaving.kg * 1000.0 / DENSITY_KG_L
            self.bottled_ago_s = 0.0
        entering = self.infeed.take_end()
        if entering is not None:
            self.air.use(self.params.air_nl)
            if self.rng.random() < self.params.foam_share:
                entering.short_kg = self.rng.uniform(0.4, 1.0) * self.params.foam_ml * DENSITY_KG_L / 1000.0
        pockets.insert(0, entering)
        self.turned += 1

    def _fill(self) -> None:
        """Every open valve at the pressure that the filter leaves; a valve closes on its own volume."""
        p, dt_s = self.params, self.site.dt_s
        resistance = p.filter_bar_s_ml * (1.0 + self.filtered_l / p.filter_life_l)
        resistance *= 1.0 + p.clogging_factor * self.clogging
        drop_bar = resistance * self.flow_ml_s
        self.filter_pressure_drop_bar += (drop_bar - self.filter_pressure_drop_bar) * dt_s / 3.0
        net_bar = self.product.head_bar + p.head_bar - drop_bar
        dose_kg = 0.0
        if net_bar > 0.0 and self.air.pressure_bar > _AIR_MIN_BAR:
            dose_kg = p.valve_ml_s * sqrt(net_bar / p.valve_bar) * dt_s * DENSITY_KG_L / 1000.0
        drawn_kg = self._pour(dose_kg) if dose_kg > 0.0 else 0.0
        flow_ml_s = drawn_kg / DENSITY_KG_L * 1000.0 / dt_s
        self.flow_ml_s += (flow_ml_s - self.flow_ml_s) * 0.1
        self.filtered_l += flow_ml_s * dt_s / 1000.0

    def _pour(self, dose_kg: float) -> float:
        """One step of every open valve; returns what they drew."""
        product, pockets = self.product, self.pockets
        t_c, pu, brix = product.t_c, product.pu, product.brix
        nearly_kg = self.volume_set_ml * DENSITY_KG_L / 1000.0 - dose_kg
        available_kg = product.kg
        drawn_kg = 0.0
        for index in _FILLING:
            bottle = pockets[index]
            if bottle is None or bottle.filled:
                continue
            kg = dose_kg
            missing_kg = nearly_kg - bottle.short_kg - bottle.kg
            if missing_kg <= 0.0:
                bottle.filled = True
                kg = self._last_dose(missing_kg + dose_kg, dose_kg, index)
            if drawn_kg + kg > available_kg:
                kg = available_kg - drawn_kg
            drawn_kg += kg
            bottle.kg += kg
            bottle.kg_c += kg * t_c
            bottle.kg_pu += kg * pu
            bottle.kg_brix += kg * brix
        return product.take(drawn_kg)

    def _last_dose(self, missing_kg: float, dose_kg: float, index: int) -> float:
        """What flows until the valve has closed."""
        p = self.params
        over_ml = self.rng.gauss(0.0, p.scatter_ml) + 18.0 * self.dosing_drift
        if self.stiction > 0.0 and (self.turned - index) % p.sticking_every == 0:
            late_s = p.late_s * self.stiction * self.rng.random()
            over_ml += late_s * dose_kg / (self.site.dt_s * DENSITY_KG_L) * 1000.0
        return max(0.0, missing_kg + over_ml * DENSITY_KG_L / 1000.0)

    def _change_over(self) -> None:
        """Operators clear the machine and fit the parts of the other format; it takes `changeover_s`."""
        if self.changeover_left_s <= 0.0:
            self.changeover_left_s, self.fitting_ml = self.params.changeover_s, self.format_ml
            self.ready = False
            for bottle in [*self.infeed.clear(), *filter(None, self.pockets)]:
                self.site.scrap(bottle)
            self.pockets = [None] * self.params.pockets
        self.changeover_left_s -= self.site.dt_s
        if self.changeover_left_s <= 0.0:
            self.changeover_left_s = 0.0
            self.site.format_ml = self.fitting_ml
            self.ready = True

    def stored(self) -> tuple[float, float]:
        bottles = [bottle for bottle in self.pockets if bottle is not None]
        kg = sum(bottle.kg for bottle in bottles)
        return kg, sum(bottle.kg_c for bottle in bottles) * CP_J_KG_K


create = Filler
