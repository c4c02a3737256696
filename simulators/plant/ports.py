"""How assets are joined: each kind of port is one small protocol; an asset is its own port."""

from collections.abc import Callable, Mapping
from typing import Protocol

from simulators.plant.bottle import Bottle


class LiquidSource(Protocol):
    """A vessel to draw from. `head_bar` is the gauge pressure at its foot."""

    kg: float
    t_c: float
    brix: float
    pu: float
    head_bar: float

    def take(self, kg: float) -> float:
        """Remove up to `kg`; returns what it gave, of the vessel's own temperature, Brix and PU."""
        ...


class LiquidSink(Protocol):
    """What product is pushed into."""

    def push(self, kg: float, t_c: float, brix: float, pu: float) -> None: ...


class LiquidPath(LiquidSink, Protocol):
    """A sink that resists: pressure (bar) = `back_bar` + `k_bar` · (L/min)²."""

    back_bar: float
    k_bar: float


class Shaft(Protocol):
    """A motor's shaft: a machine gives `command` (0 to 1) and adds its `load_w`, and finds `speed` (0 to 1)."""

    command: float
    load_w: float
    speed: float
    broadband_g: float


class Air(Protocol):
    """The compressed air network."""

    pressure_bar: float

    def use(self, nl: float) -> None:
        """Draw normal litres."""
        ...


Station = Callable[[Bottle], bool]


class Belt(Protocol):
    """A conveyor as its stations and machines see it."""

    bottles: list[Bottle]

    def add_station(self, x_m: float, station: Station) -> None:
        """Call `station(bottle)` when a bottle's leading edge passes `x_m`; False takes it off the belt."""
        ...

    def take_end(self) -> Bottle | None:
        """The bottle that waits at the end, removed; None if none does."""
        ...

    def has_room(self) -> bool:
        """Whether a bottle fits at the start."""
        ...

    def put(self, bottle: Bottle) -> None: ...

    def clear(self) -> list[Bottle]:
        """Take every bottle off."""
        ...


# What a port of a kind may be joined to, for the checks on `ports` in a line file.
KINDS: Mapping[str, type] = {
    "liquid_source": LiquidSource,
    "liquid_sink": LiquidSink,
    "liquid_path": LiquidPath,
    "shaft": Shaft,
    "air": Air,
    "belt": Belt,
}
