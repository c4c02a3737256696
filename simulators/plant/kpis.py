"""Key figures computed on the plant itself, whatever its PLCs or SCADA say."""

from dataclasses import dataclass, field

from simulators.plant.bottle import Bottle
from simulators.plant.liquid import DENSITY_KG_L

WINDOW_S = 3600
_MINUTE_S = 60
IDEAL_RATE_PER_MIN = 44.0
# Tolerable error of a prepackage: OIML R 87 and directive 76/211/EEC, annex I: 15 mL from 500 mL, 3 % below.
TOLERANCE_ML_500, TOLERANCE_PCT = 15.0, 3.0
TORQUE_NM = (0.8, 2.6)
PU_MIN = 15.0


@dataclass(slots=True, eq=False)
class Production:
    """Counters since the start, and once a minute what they were, for figures over the last hour.

    OEE after Nakajima (ISO 22400-2): availability = running / planned time, performance = bottles × ideal
    time / running time, quality = good / bottles.
    """

    planned_s: float = 0.0
    running_s: float = 0.0
    bottles: int = 0
    good: int = 0
    rejects: int = 0
    escaped: int = 0  # left the line although not conforming
    energy_kwh: float = 0.0
    deviation_ml: float = 0.0  # mean absolute deviation of the last bottles (about 40)
    pu: float = 0.0  # of the last bottle
    minutes: list[list[float]] = field(default_factory=lambda: [[0.0] * 5])
    ends_s: list[float] = field(default_factory=list)  # when the bottles of the last minute left

    def record(self, bottle: Bottle, t_s: float, *, rejected: bool) -> None:
        """Count a bottle that leaves the line."""
        self.bottles += 1
        self.ends_s.append(t_s)
        while self.ends_s[0] <= t_s - _MINUTE_S:
            self.ends_s.pop(0)
        off_ml = bottle.kg * 1000.0 / DENSITY_KG_L - bottle.format_ml
        self.deviation_ml += (abs(off_ml) - self.deviation_ml) / min(self.bottles, 40)
        self.pu = bottle.pu
        if rejected:
            self.rejects += 1
        elif conforms(bottle, off_ml):
            self.good += 1
        else:
            self.escaped += 1

    def tick(self) -> None:
        """Remember the counters; call it once a minute of simulated time."""
        self.minutes.append([self.planned_s, self.running_s, self.bottles, self.good, self.energy_kwh])
        if len(self.minutes) > WINDOW_S // _MINUTE_S:
            self.minutes.pop(0)

    def figures(self, t_s: float) -> dict[str, float]:
        """The figures that `simulators.snapshot.Snapshot` names, over the last hour where it matters."""
        then = self.minutes[0]
        planned_s, running_s = self.planned_s - then[0], self.running_s - then[1]
        bottles, good, energy_kwh = self.bottles - then[2], self.good - then[3], self.energy_kwh - then[4]
        availability = running_s / planned_s if planned_s > 0 else 0.0
        performance = bottles * 60.0 / IDEAL_RATE_PER_MIN / running_s if running_s > 0 else 0.0
        performance = min(1.0, performance)
        quality = good / bottles if bottles else 0.0
        return {
            "oee": availability * performance * quality,
            "availability": availability,
            "performance": performance,
            "quality": quality,
            "bottles_per_min": float(sum(end_s > t_s - _MINUTE_S for end_s in self.ends_s)),
            "fill_deviation_ml": self.deviation_ml,
            "rejects": float(self.rejects),
            "escaped": float(self.escaped),
            "bottles_good": float(self.good),
            "bottles_total": float(self.bottles),
            "pasteurisation_units": self.pu,
            "kwh_per_1000_bottles": energy_kwh / bottles * 1000.0 if bottles else 0.0,
        }


def conforms(bottle: Bottle, off_ml: float) -> bool:
    """Whether a bottle may be sold: volume within tolerance, closed, pasteurised."""
    tolerance_ml = TOLERANCE_ML_500 if bottle.format_ml >= 500 else bottle.format_ml * TOLERANCE_PCT / 100.0
    closed = TORQUE_NM[0] <= bottle.torque_nm <= TORQUE_NM[1]
    return abs(off_ml) <= tolerance_ml and closed and bottle.pu >= PU_MIN
