"""Machines that nobody has seen: drawn from a seed, with what ails them and what only looks as if it did.

No two sound alike in good order, so that no fixed level tells a bad one: the floor of noise, the mounting of the sensor
(ISO 5348: gain and resonance), the way from bearing to sensor (Randall and Antoni 2011) and old dents of a standstill
(false brinelling, ISO 15243) are each machine's own. What a machine tells is how it departs from itself.
"""

from math import exp, log
from random import Random
from typing import Literal

import msgspec

# Part of the draw: a change of what follows draws other machines.
VERSION = 3
HORIZON_H = 720.0
# A spall of this size is there at once; it then grows.
ONSET_DAMAGE = 0.05
# Within these hours damage begins, one machine each: some fail young, so that no fixed age is safe.
_ONSETS_H = ((120.0, 170.0), (200.0, 290.0), (310.0, 390.0), (410.0, 480.0))
# Slow beside the day's round: a machine stands at the edge of an alarm for days, loud with one product, not with the next.
_GROWTH_H = (110.0, 140.0)
# Three products a day: what each asks of the machine. A bearing that carries less rings less (Harris and Kotzalas 2006).
_LOADS = (1.0, 0.64, 0.56)
# The share of damage at which a dry bearing rings, on a machine of this noise (g) whose ringing arrives whole.
_DRY, _NOISE_G = (0.08, 0.09), 0.07

Race = Literal["bearing_outer", "bearing_inner"]
Nature = Literal["plain", "dented", "faint"]
Trouble = Literal["drift", "cavitation", "imbalance", "shocks", "dry"]
# Ringing at full damage over noise (1/g), by race; a faint machine's bearing is far from its sensor.
_FAINT = {"bearing_outer": (1.4, 1.65), "bearing_inner": (3.5, 4.1)}
# Dents as the damage that would ring so, on a machine of `_NOISE_G`.
_DENTS = {"bearing_outer": (0.22, 0.27), "bearing_inner": (0.46, 0.54)}


class Confounder(msgspec.Struct, frozen=True):
    """What is no bearing damage, from `start_h` to `end_h`.

    `drift`: the sensor's gain grows by `size` in all. `cavitation`: wide-band noise of `size` g. `imbalance`: deposits
    on the rotor. `shocks`: something strikes the machine, `size` g. `dry`: the grease runs short and the bearing rings
    until it is greased again; `size` is the damage that would ring so.
    """

    kind: Trouble
    start_h: float
    end_h: float
    size: float


class Machine(msgspec.Struct, frozen=True):
    """One machine's nature and fate. `fault` None: it stays sound. `speeds` and `loads` are its day's round, hour by hour.

    `gain` is the sensor's, as mounted; `coupling`, `resonance` and the dents are those of `simulators.plant.assets.motor`.
    """

    name: str
    seed: int
    nature: Nature
    rated_rpm: float
    noise_g: float
    gain: float
    coupling: float
    resonance: float
    dents_outer: float
    dents_inner: float
    speeds: list[float]
    loads: list[float]
    fault: Race | None
    onset_h: float
    growth_h: float
    confounders: list[Confounder]


def draw(seed: int) -> list[Machine]:
    """Eight machines: four that fail, two by each race, and four that do not. Same seed, same machines.

    Of those that fail, one wears from its dents and two are hardly heard; of the others, two have dents, one on each race.
    """
    rng = Random(f"fleet {VERSION}/{seed}")  # noqa: S311 -- a simulation, no secret
    failing: list[tuple[Nature, Race]] = [
        ("plain", "bearing_inner"), ("dented", "bearing_outer"), ("faint", "bearing_outer"), ("faint", "bearing_inner")
    ]  # fmt: skip
    sound: list[tuple[Nature, Race]] = [
        ("plain", "bearing_outer"), ("dented", "bearing_outer"), ("dented", "bearing_inner"), ("faint", "bearing_inner")
    ]  # fmt: skip
    rng.shuffle(failing)
    machines = [
        _machine(rng, nature, race, race, rng.uniform(*onset))
        for (nature, race), onset in zip(failing, _ONSETS_H, strict=True)
    ] + [_machine(rng, nature, race, None, HORIZON_H) for nature, race in sound]
    rng.shuffle(machines)
    return [msgspec.structs.replace(each, name=f"M{place}") for place, each in enumerate(machines, 1)]


def _machine(rng: Random, nature: Nature, race: Race, fault: Race | None, onset_h: float) -> Machine:
    noise_g = _between(rng, 0.1, 0.2) if nature == "faint" else _between(rng, 0.04, 0.12)
    coupling = noise_g * rng.uniform(*_FAINT[race]) if nature == "faint" else rng.uniform(0.8, 1.0)
    # As loud as on the machine that `_DENTS` and `_DRY` are of: impacts ring as damage to the 1.5.
    alike = (noise_g / (_NOISE_G * coupling)) ** (2.0 / 3.0)
    dents = alike * rng.uniform(*_DENTS[race]) if nature == "dented" else 0.0
    speeds, loads = _round(rng)
    return Machine(
        name="",
        seed=rng.getrandbits(30),
        nature=nature,
        rated_rpm=rng.choice((1450.0, 2900.0)),
        noise_g=noise_g,
        gain=_between(rng, 0.5, 2.0),
        coupling=coupling,
        resonance=rng.uniform(0.85, 1.3),
        dents_outer=dents if race == "bearing_outer" else 0.0,
        dents_inner=dents if race == "bearing_inner" else 0.0,
        speeds=speeds,
        loads=loads,
        fault=fault,
        onset_h=onset_h,
        growth_h=rng.uniform(*_GROWTH_H),
        confounders=_confounders(rng, onset_h, alike),
    )


def _between(rng: Random, low: float, high: float) -> float:
    """As likely in each octave."""
    return exp(rng.uniform(log(low), log(high)))


def _round(rng: Random) -> tuple[list[float], list[float]]:
    """Speeds and loads of 24 h in three products, each its own, with a change-over, when the machine stands."""
    fast = rng.uniform(0.86, 0.98)
    speeds: list[float] = []
    loads: list[float] = []
    for share, load in zip(rng.sample((1.0, 0.9, 0.8), 3), rng.sample(_LOADS, 3), strict=True):
        speeds += [fast * share] * 7 + [0.0]
        loads += [load] * 8
    return speeds, loads


def _confounders(rng: Random, until_h: float, alike: float) -> list[Confounder]:
    """What only looks like damage, in the machine's good time; every machine has its own mixture."""
    found: list[Confounder] = []
    for kind in rng.sample(("drift", "cavitation", "imbalance", "shocks", "dry"), 3):
        found += _ONE[kind](rng, until_h, alike)
    return found


def _drift(rng: Random, _until_h: float, _alike: float) -> list[Confounder]:
    return [Confounder("drift", rng.uniform(0.0, 200.0), HORIZON_H, rng.uniform(0.15, 0.4))]


def _cavitation(rng: Random, until_h: float, _alike: float) -> list[Confounder]:
    return [_during(rng, "cavitation", until_h, (4.0, 20.0), (0.03, 0.1)) for _ in range(rng.randint(3, 6))]


def _imbalance(rng: Random, _until_h: float, _alike: float) -> list[Confounder]:
    return [Confounder("imbalance", rng.uniform(100.0, 600.0), 2 * HORIZON_H, rng.uniform(0.1, 0.3))]


def _shocks(rng: Random, until_h: float, _alike: float) -> list[Confounder]:
    return [_during(rng, "shocks", until_h, (1.0, 2.0), (1.0, 4.0)) for _ in range(rng.randint(4, 8))]


def _dry(rng: Random, until_h: float, alike: float) -> list[Confounder]:
    size = (alike * _DRY[0], alike * _DRY[1])
    return [_during(rng, "dry", until_h, (1.0, 2.0), size) for _ in range(rng.randint(2, 4))]


def _during(
    rng: Random, kind: Trouble, until_h: float, hours: tuple[float, float], size: tuple[float, float]
) -> Confounder:
    start_h = rng.uniform(5.0, max(10.0, until_h - 30.0))
    return Confounder(kind, start_h, start_h + rng.uniform(*hours), rng.uniform(*size))


_ONE = {
    "drift": _drift,
    "cavitation": _cavitation,
    "imbalance": _imbalance,
    "shocks": _shocks,
    "dry": _dry,
}
