"""The local panel: run switch, recipe selector, emergency stop, and lamps that the PLCs light."""

from dataclasses import dataclass
from random import Random
from typing import Annotated

import msgspec

from simulators.plant.equipment import Signal, coil, sensor, switch
from simulators.plant.quantities import Percent
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "run_switch": switch("run_switch"),
    "recipe": sensor("recipe", 1, 9),
    "emergency_stop": switch("emergency_stop"),
    "process_ready": coil("process_ready"),
    "packaging_ready": coil("packaging_ready"),
}
FAULTS: dict[str, str] = {}
DISTURBANCES = {"run_switch": "run_switch", "recipe": "recipe", "emergency_stop": "emergency_stop"}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each recipe, from 1, is made of: the Brix degree that the supplier delivers for it."""

    brix: Annotated[tuple[Percent, ...], msgspec.Meta(min_length=1)] = (11.2, 11.2, 13.4)


@dataclass(slots=True, eq=False)
class Panel:
    """The order that runs is the operator's: switch and selector."""

    site: Site
    params: Params
    rng: Random
    run_switch: bool = False
    recipe: int = 1
    emergency_stop: bool = False
    process_ready: bool = False
    packaging_ready: bool = False

    def step(self) -> None:
        site = self.site
        site.order_active = self.run_switch
        brix = self.params.brix
        site.supply_brix = brix[min(max(int(self.recipe), 1), len(brix)) - 1]

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Panel
