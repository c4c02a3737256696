"""The hall: the air around the machines, warmer in the afternoon."""

from dataclasses import dataclass
from math import cos, pi
from random import Random

import msgspec

from simulators.plant.equipment import Signal, sensor
from simulators.plant.quantities import Celsius, Hour, NotNegative
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS: dict[str, str] = {}
SIGNALS: dict[str, Signal] = {
    "temperature_c": sensor("temperature_c", -10.0, 50.0, 0.05),
    "humidity_pct": sensor("humidity_pct", 0.0, 100.0, 0.4),
}
FAULTS: dict[str, str] = {}
DISTURBANCES = {"offset_c": "offset_c"}
_PERIOD_STEPS = 100


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day's curve; `start_h` is the hour at which the simulation begins."""

    mean_c: Celsius = 20.0
    swing_c: NotNegative = 4.0
    warmest_h: Hour = 15.0
    start_h: Hour = 6.0
    weather_c: NotNegative = 0.15


@dataclass(slots=True, eq=False)
class Hall:
    """`offset_c` is a heat wave or a cold spell, `weather_c` a slow random part."""

    site: Site
    params: Params
    rng: Random
    offset_c: float = 0.0
    weather_c: float = 0.0
    temperature_c: float = 20.0
    humidity_pct: float = 55.0

    def step(self) -> None:
        if self.site.step % _PERIOD_STEPS == 0:
            self._weather()

    def _weather(self) -> None:
        p = self.params
        hour = p.start_h + self.site.t_s / 3600.0
        self.weather_c = 0.995 * self.weather_c + self.rng.gauss(0.0, 0.1 * p.weather_c)
        day_c = p.swing_c * cos(2.0 * pi * (hour - p.warmest_h) / 24.0)
        self.temperature_c = p.mean_c + day_c + self.weather_c + self.offset_c
        self.humidity_pct = min(95.0, max(20.0, 60.0 - 1.8 * (self.temperature_c - 20.0)))
        self.site.ambient_c = self.temperature_c

    def stored(self) -> tuple[float, float]:
        return 0.0, 0.0


create = Hall
