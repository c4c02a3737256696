"""A belt of bottles, tracked one by one, with photo-eyes; the first belt of a line also feeds them in."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

import msgspec

from simulators.plant.bottle import Bottle
from simulators.plant.equipment import WIRING, Signal, coil, drive, sensor, switch
from simulators.plant.liquid import CP_J_KG_K
from simulators.plant.ports import Shaft, Station
from simulators.plant.quantities import NotNegative, Positive
from simulators.plant.site import Site

PORTS = {"drive": "shaft"}
OFFERS = {"end": "belt", "start": "belt", "station": "belt"}
SIGNALS: dict[str, Signal] = {
    "run": coil("run"),
    "speed_pct": drive("speed_pct", 0.0, 100.0),
    "gate_open": coil("gate_open"),
    "speed_m_s": sensor("speed_m_s", 0.0, 0.6, 0.001),
    "start_eye": switch("start_eye"),
    "full_eye": switch("full_eye"),
    "end_eye": switch("end_eye"),
}
FAULTS = {"belt_slip": "belt_slip", "jam": "jam"}
DISTURBANCES = {"supply_available": "supply_available"}
_NEVER = 1e9


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`role`: an `infeed` drives the shaft and feeds bottles to a machine; an `outfeed` follows it and unloads.

    Bottles arrive with gaps: every `gap_every_s` on average, for `gap_s` at most.
    """

    role: Literal["infeed", "outfeed"] = "infeed"
    length_m: Positive = 2.4
    max_speed_m_s: Positive = 0.5
    pitch_m: Positive = 0.14
    start_eye_m: NotNegative = 0.15
    full_eye_m: NotNegative = 1.0
    gap_every_s: Positive = 1500.0
    gap_s: NotNegative = 60.0
    belt_w: NotNegative = 160.0


@dataclass(slots=True, eq=False)
class Conveyor:
    """`bottles` are in order, the foremost first; those that wait stand diameter to diameter."""

    site: Site
    params: Params
    rng: Random
    drive: Shaft = field(init=False, repr=False, metadata=WIRING)
    stations: list[tuple[float, Station]] = field(init=False, repr=False, metadata=WIRING)
    run: bool = False
    speed_pct: float = 0.0
    gate_open: bool = False
    belt_slip: float = 0.0
    jam: float = 0.0
    supply_available: bool = True
    bottles: list[Bottle] = field(default_factory=list)
    was_jammed: bool = False
    still: int = 0
    still_full: bool = False
    next_gap_s: float = 0.0
    gap_end_s: float = 0.0
    speed_m_s: float = 0.0
    start_eye: bool = False
    full_eye: bool = False
    end_eye: bool = False
    running: bool = False

    def __post_init__(self) -> None:
        self.stations = []
        self.next_gap_s = self.rng.expovariate(1.0 / self.params.gap_every_s)

    def add_station(self, x_m: float, station: Station) -> None:
        """Call `station(bottle)` when a bottle's leading edge passes `x_m`; False takes it off the belt."""
        self.stations.append((x_m, station))
        self.stations.sort(key=lambda item: item[0])

    def step(self) -> None:
        p, shaft = self.params, self.drive
        infeed = p.role == "infeed"
        if infeed:
            shaft.command = self.speed_pct / 100.0 if self.run else 0.0
        self.speed_m_s = shaft.speed * p.max_speed_m_s * (1.0 - 0.6 * self.belt_slip)
        self.running = self.speed_m_s > 0.0
        shaft.load_w += shaft.speed * (p.belt_w + 2.0 * len(self.bottles)) * (1.0 + self.jam)
        if self.speed_m_s > 0.0:
            self._advance(self.speed_m_s * self.site.dt_s)
            if infeed:
                self._feed()
            else:
                self._unload()

    def _advance(self, dx_m: float) -> None:
        """Move every bottle, up to the one before it, and hand it to the stations it passes.

        The first `still` bottles stand pressed against the stop and need no look until one leaves.
        """
        p, bottles = self.params, self.bottles
        jammed = self.jam >= 0.5
        if jammed != self.was_jammed:
            self._loosen()
            self.was_jammed = jammed
        still, jam_m = self.still, 0.5 * p.length_m
        start_m, full_m, full = p.start_eye_m, p.full_eye_m, self.still_full
        start = False
        pressed = True
        passed = None
        limit_m = bottles[still - 1].x_m - bottles[still - 1].diameter_m if still else self._stop_m()
        for bottle in bottles[still:] if still else bottles:
            x_m = bottle.x_m + dx_m
            if jammed and bottle.x_m <= jam_m < limit_m:
                limit_m = jam_m
            if x_m > limit_m:
                x_m = limit_m if limit_m > bottle.x_m else bottle.x_m
            elif pressed:
                pressed = False
            bottle.x_m = x_m
            limit_m = x_m - bottle.diameter_m
            if limit_m < full_m <= x_m:
                full = True
                self.still_full = self.still_full or pressed
            elif limit_m < start_m <= x_m:
                start = True
            if pressed:
                still += 1
            if x_m >= bottle.next_m:
                passed = [*(passed or ()), bottle]
        self.still, self.full_eye, self.start_eye = still, full, start
        self.end_eye = bool(bottles) and bottles[0].x_m > p.length_m - 0.03
        for bottle in passed or ():
            self._serve(bottle)

    def _stop_m(self) -> float:
        return _NEVER if self.params.role == "outfeed" else self.params.length_m

    def _serve(self, bottle: Bottle) -> None:
        station = self.stations[bottle.stage][1]
        bottle.stage += 1
        bottle.next_m = self._next_m(bottle)
        if not station(bottle):
            self.bottles.remove(bottle)
            self._loosen()

    def _next_m(self, bottle: Bottle) -> float:
        return self.stations[bottle.stage][0] if bottle.stage < len(self.stations) else _NEVER

    def _feed(self) -> None:
        site, p = self.site, self.params
        if site.t_s >= self.next_gap_s:
            self.gap_end_s = site.t_s + self.rng.uniform(0.3, 1.0) * p.gap_s
            self.next_gap_s = self.gap_end_s + self.rng.expovariate(1.0 / p.gap_every_s)
        if not (self.gate_open and self.supply_available) or site.t_s < self.gap_end_s:
            return
        if not self.bottles or self.bottles[-1].x_m >= p.pitch_m:
            format_ml = site.format_ml
            bottle = Bottle(format_ml, 0.07 if format_ml >= 500.0 else 0.06)
            bottle.next_m = self._next_m(bottle)
            self.bottles.append(bottle)

    def _unload(self) -> None:
        while self.bottles and self.bottles[0].x_m >= self.params.length_m:
            self.site.discharge(self.bottles.pop(0))

    def take_end(self) -> Bottle | None:
        """The bottle that waits at the end, removed; None if none does."""
        if self.bottles and self.bottles[0].x_m >= self.params.length_m - 1e-9:
            self._loosen()
            return self.bottles.pop(0)
        return None

    def has_room(self) -> bool:
        """Whether a bottle fits at the start."""
        return not self.bottles or self.bottles[-1].x_m > 0.1

    def put(self, bottle: Bottle) -> None:
        """Set a bottle down at the start."""
        bottle.x_m, bottle.stage = 0.0, 0
        bottle.next_m = self._next_m(bottle)
        self.bottles.append(bottle)

    def clear(self) -> list[Bottle]:
        """Take every bottle off."""
        taken, self.bottles = self.bottles, []
        self._loosen()
        self.start_eye = self.full_eye = self.end_eye = False
        return taken

    def _loosen(self) -> None:
        self.still, self.still_full = 0, False

    def stored(self) -> tuple[float, float]:
        kg = sum(bottle.kg for bottle in self.bottles)
        return kg, sum(bottle.kg_c for bottle in self.bottles) * CP_J_KG_K


create = Conveyor
