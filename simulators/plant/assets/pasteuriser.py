"""A plate pasteuriser: regenerator, heater fed by electrically heated water, holding tube."""

from dataclasses import dataclass, field
from math import exp
from random import Random

import msgspec

from simulators.plant.equipment import WIRING, Signal, coil, drive, sensor, switch
from simulators.plant.liquid import CP_J_KG_K, WATER_CP_J_KG_K
from simulators.plant.ports import LiquidSink
from simulators.plant.quantities import Celsius, NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"outlet": "liquid_sink"}
OFFERS = {"inlet": "liquid_path"}
SIGNALS: dict[str, Signal] = {
    "heater_pct": drive("heater_pct", 0.0, 100.0),
    "cip_open": coil("cip_open"),
    "holding_temperature_c": sensor("holding_temperature_c", 0.0, 100.0, 0.03),
    "water_temperature_c": sensor("water_temperature_c", 0.0, 110.0, 0.05),
    "outlet_temperature_c": sensor("outlet_temperature_c", 0.0, 100.0, 0.05),
    "pressure_drop_bar": sensor("pressure_drop_bar", 0.0, 3.0, 0.004),
    "heater_power_kw": sensor("heater_power_kw", 0.0, 60.0, 0.02),
    "units_pu": sensor("units_pu", 0.0, 200.0),
    "overheat": switch("overheat"),
}
FAULTS = {"fouling": "fouling", "heater_element": "element_loss"}
DISTURBANCES: dict[str, str] = {}
_OVERHEAT_C, _REARM_C = 100.0, 85.0
_BLOCKED_K_BAR = 50.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pasteurisation units: PU = ∫ 10^((T − `reference_c`)/`z_c`) dt, in minutes.

    60 °C and z = 7 K are the brewers' unit (Del Vecchio, Dayharsh and Baselt 1951), commonly kept for cider
    and soft drinks; a line that follows the juice makers' practice would write 80 °C and z = 10 K.
    `fouling_h` is τ of 1/U = 1/U_c + R*(1 − e^(−t/τ)), `fouling_limit` is R*·U_c.
    """

    heater_kw: Positive = 36.0
    water_kg: Positive = 60.0
    water_c: Celsius = 20.0
    water_loss_w_k: NotNegative = 15.0
    regenerator_w_k: NotNegative = 7600.0
    heater_w_k: Positive = 4500.0
    holding_kg: Positive = 10.5
    holding_loss_w_k: NotNegative = 3.0
    holding_c: Celsius = 20.0
    reference_c: Celsius = 60.0
    z_c: Positive = 7.0
    k_bar: NotNegative = 0.0022
    back_bar: NotNegative = 0.25
    fouling_h: Positive = 40.0
    fouling_limit: NotNegative = 0.5
    cip_kw: NotNegative = 6.0


@dataclass(slots=True, eq=False)
class Pasteuriser:
    """The holding tube is plug flow: `parcels` of [kg, °C, °Bx, PU, entry time], the oldest first.

    `fouling` is R·U_c, grown by running and set by the fault; a CIP at 75 °C or more takes it away.
    """

    site: Site
    params: Params
    rng: Random
    outlet: LiquidSink = field(init=False, repr=False, metadata=WIRING)
    heater_pct: float = 0.0
    cip_open: bool = False
    fouling: float = 0.0
    element_loss: float = 0.0
    water_c: float = 20.0
    parcels: list[list[float]] = field(default_factory=list)
    k_bar: float = 0.0
    back_bar: float = 0.0
    flow_kg_s: float = 0.0
    holding_temperature_c: float = 20.0
    water_temperature_c: float = 20.0
    outlet_temperature_c: float = 20.0
    heated_c: float = 20.0
    pressure_drop_bar: float = 0.0
    heater_power_kw: float = 0.0
    units_pu: float = 0.0
    overheat: bool = False
    moved: bool = False

    def __post_init__(self) -> None:
        p = self.params
        self.parcels = [[p.holding_kg, p.holding_c, 0.0, 0.0, 0.0]]
        self.water_c, self.back_bar, self.k_bar = p.water_c, p.back_bar, p.k_bar

    def push(self, kg: float, t_c: float, brix: float, pu: float) -> None:
        """Product through regenerator, heater and tube: the same mass leaves the tube.

        Both sides of the regenerator carry the same flow: ε = NTU / (1 + NTU); the water side of the heater
        is taken as uniform: ε = 1 − e^(−NTU) (Incropera, heat exchangers by effectiveness).
        """
        p, dt_s = self.params, self.site.dt_s
        out = self._leave(kg)
        capacity_w_k = kg / dt_s * CP_J_KG_K
        regenerated = p.regenerator_w_k / (p.regenerator_w_k + capacity_w_k)
        exchanged_c = regenerated * (out[1] - t_c)
        preheated_c = t_c + exchanged_c
        ntu = p.heater_w_k / (1.0 + self.fouling) / capacity_w_k
        gained_c = (
            (self.water_c - preheated_c) * (1.0 - exp(-ntu)) if ntu < 30.0 else self.water_c - preheated_c
        )
        self.heated_c = preheated_c + gained_c
        self.water_c -= gained_c * kg * CP_J_KG_K / (p.water_kg * WATER_CP_J_KG_K)
        self._enter(kg, self.heated_c, brix, pu)
        self.flow_kg_s = kg / dt_s
        self.outlet_temperature_c = out[1] - exchanged_c
        self.moved = True
        self.outlet.push(kg, self.outlet_temperature_c, out[2], out[3])

    def _enter(self, kg: float, t_c: float, brix: float, pu: float) -> None:
        last = self.parcels[-1] if self.parcels else None
        if last is not None and last[0] < 0.03:
            # Slivers of a slow flow are mixed, so that the tube never holds more than 500 parcels.
            share = kg / (last[0] + kg)
            for index, value in ((1, t_c), (2, brix), (3, pu), (4, self.site.t_s)):
                last[index] += (value - last[index]) * share
            last[0] += kg
        else:
            self.parcels.append([kg, t_c, brix, pu, self.site.t_s])

    def _leave(self, kg: float) -> list[float]:
        """Mix of the oldest `kg` of the tube: [kg, °C, °Bx, PU], after their stay and its heat loss."""
        out_kg = out_c = out_brix = out_pu = 0.0
        parcels = self.parcels
        wanted_kg = kg
        while wanted_kg > 1e-12 and parcels:
            oldest = parcels[0]
            part_kg = oldest[0] if oldest[0] <= wanted_kg else wanted_kg
            t_c, pu = self._aged(oldest)
            self.site.lost_j += part_kg * CP_J_KG_K * (oldest[1] - t_c)
            out_c += part_kg * t_c
            out_brix += part_kg * oldest[2]
            out_pu += part_kg * pu
            out_kg += part_kg
            wanted_kg -= part_kg
            if part_kg == oldest[0]:
                parcels.pop(0)
            else:
                oldest[0] -= part_kg
        self.units_pu = out_pu / out_kg
        return [out_kg, out_c / out_kg, out_brix / out_kg, self.units_pu]

    def _aged(self, parcel: list[float]) -> tuple[float, float]:
        """Temperature and PU of a parcel that leaves now."""
        p = self.params
        stay_s = self.site.t_s - parcel[4]
        cooling = exp(-p.holding_loss_w_k * stay_s / (p.holding_kg * CP_J_KG_K))
        t_c = self.site.ambient_c + (parcel[1] - self.site.ambient_c) * cooling
        mean_c = 0.5 * (parcel[1] + t_c)
        return t_c, parcel[3] + 10.0 ** ((mean_c - p.reference_c) / p.z_c) * stay_s / 60.0

    def step(self) -> None:
        p, site = self.params, self.site
        dt_s = site.dt_s
        self._heat()
        if not self.moved:
            self.flow_kg_s = 0.0
            self.outlet_temperature_c += (site.ambient_c - self.outlet_temperature_c) * dt_s / 1800.0
        self.moved = False
        at_outlet_c = self._aged(self.parcels[0])[0]
        self.holding_temperature_c += (at_outlet_c - self.holding_temperature_c) * dt_s / 1.5
        q_l_min = self.flow_kg_s * 57.4
        self.k_bar = _BLOCKED_K_BAR if self.cip_open else p.k_bar * (1.0 + 0.9 * self.fouling)
        self.pressure_drop_bar = self.k_bar * q_l_min * q_l_min
        self._foul()

    def _heat(self) -> None:
        p, site = self.params, self.site
        self.overheat = self.water_c > (_REARM_C if self.overheat else _OVERHEAT_C)
        share = 0.0 if self.overheat else self.heater_pct / 100.0
        power_w = share * p.heater_kw * 1000.0 * (1.0 - self.element_loss)
        lost_w = p.water_loss_w_k * (self.water_c - site.ambient_c)
        if self.cip_open and self.water_c > 40.0:
            lost_w += p.cip_kw * 1000.0
        self.water_c += (power_w - lost_w) * site.dt_s / (p.water_kg * WATER_CP_J_KG_K)
        site.consume(power_w, lost_w)
        self.heater_power_kw = power_w / 1000.0
        self.water_temperature_c = self.water_c

    def _foul(self) -> None:
        p, site = self.params, self.site
        if self.cip_open:
            if self.water_c > 75.0:
                self.fouling *= 1.0 - site.dt_s / 200.0
        elif self.flow_kg_s > 0.0 and self.fouling < p.fouling_limit:
            self.fouling += (p.fouling_limit - self.fouling) * site.dt_s / (p.fouling_h * 3600.0)

    def stored(self) -> tuple[float, float]:
        kg = sum(parcel[0] for parcel in self.parcels)
        product_j = sum(parcel[0] * parcel[1] for parcel in self.parcels) * CP_J_KG_K
        return kg, product_j + self.params.water_kg * WATER_CP_J_KG_K * self.water_c


create = Pasteuriser
