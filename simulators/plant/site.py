"""What every piece of equipment of a plant shares: the time, the hall's air, the order book and the books."""

from dataclasses import dataclass, field

from simulators.plant.bottle import Bottle
from simulators.plant.kpis import Production
from simulators.plant.liquid import CP_J_KG_K


@dataclass(slots=True, eq=False)
class Site:
    """The state that no single asset owns. Masses in kg, energies in J; enthalpy is counted from 0 °C."""

    dt_s: float
    step: int = 0
    t_s: float = 0.0
    ambient_c: float = 20.0
    order_active: bool = False
    format_ml: float = 500.0  # the bottle that the machines are set up for
    supply_brix: float = 11.2
    demand_w: float = 0.0  # electric power asked so far in this step
    supplied_kg: float = 0.0
    bottled_kg: float = 0.0
    rejected_kg: float = 0.0
    leaked_kg: float = 0.0
    scrapped_kg: float = 0.0
    enthalpy_in_j: float = 0.0
    enthalpy_out_j: float = 0.0
    electric_j: float = 0.0
    lost_j: float = 0.0
    production: Production = field(default_factory=Production)

    def consume(self, power_w: float, lost_w: float) -> None:
        """Book electric power drawn during this step, and what of it becomes heat of the hall."""
        self.demand_w += power_w
        self.electric_j += power_w * self.dt_s
        self.lost_j += lost_w * self.dt_s

    def leak(self, kg: float, t_c: float) -> None:
        """Book product lost to the floor: seal leaks, overflows."""
        self.leaked_kg += kg
        self.enthalpy_out_j += kg * CP_J_KG_K * t_c

    def discharge(self, bottle: Bottle) -> None:
        """Book a bottle that left the line at its end."""
        self.bottled_kg += bottle.kg
        self.enthalpy_out_j += bottle.kg_c * CP_J_KG_K
        self.production.record(bottle, self.t_s, rejected=False)

    def reject(self, bottle: Bottle) -> None:
        """Book a bottle that the rejector pushed off the belt."""
        self.rejected_kg += bottle.kg
        self.enthalpy_out_j += bottle.kg_c * CP_J_KG_K
        self.production.record(bottle, self.t_s, rejected=True)

    def scrap(self, bottle: Bottle) -> None:
        """Book a bottle taken off by hand at a change-over."""
        self.scrapped_kg += bottle.kg
        self.enthalpy_out_j += bottle.kg_c * CP_J_KG_K
