"""Machines that nobody has seen: drawn from a seed, with what ails them and what only looks as if it did."""

from random import Random
from typing import Literal

import msgspec

# Part of the draw: a change of what follows draws other machines.
VERSION = 1
HORIZON_H = 720.0
ONSET_DAMAGE = 0.03
# Within these hours damage begins, one machine each: some fail young, so that no fixed age is safe.
_ONSETS_H = ((120.0, 190.0), (210.0, 320.0), (330.0, 430.0), (440.0, 520.0))
_SOUND = 4

Trouble = Literal["drift", "cavitation", "imbalance", "shocks", "dry"]


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
    """One machine's nature and fate. `fault` None: it stays sound. `speeds` is its week's round, hour by hour."""

    name: str
    seed: int
    rated_rpm: float
    noise_g: float
    speeds: list[float]
    fault: Literal["bearing_outer", "bearing_inner"] | None
    onset_h: float
    growth_h: float
    confounders: list[Confounder]


def draw(seed: int) -> list[Machine]:
    """Eight machines: four that fail, two by each race, and four that do not. Same seed, same machines."""
    rng = Random(f"fleet {VERSION}/{seed}")  # noqa: S311 -- a simulation, no secret
    faults: list[Literal["bearing_outer", "bearing_inner"]] = ["bearing_outer", "bearing_inner"] * 2
    rng.shuffle(faults)
    failing = [_machine(rng, fault, onset) for fault, onset in zip(faults, _ONSETS_H, strict=True)]
    sound = [_machine(rng, None, (HORIZON_H, HORIZON_H)) for _ in range(_SOUND)]
    machines = failing + sound
    rng.shuffle(machines)
    return [msgspec.structs.replace(each, name=f"M{place}") for place, each in enumerate(machines, 1)]


def _machine(
    rng: Random, fault: Literal["bearing_outer", "bearing_inner"] | None, onset: tuple[float, float]
) -> Machine:
    onset_h = rng.uniform(*onset)
    return Machine(
        name="",
        seed=rng.getrandbits(30),
        rated_rpm=rng.choice((1450.0, 2900.0)),
        noise_g=rng.uniform(0.055, 0.085),
        speeds=_round(rng),
        fault=fault,
        onset_h=onset_h,
        growth_h=rng.uniform(26.0, 40.0),
        confounders=_confounders(rng, onset_h if fault else HORIZON_H),
    )


def _round(rng: Random) -> list[float]:
    """A round of 24 h in three products, each at its own speed, with a change-over, when the machine stands."""
    fast = rng.uniform(0.86, 0.98)
    speeds: list[float] = []
    for share in rng.sample((1.0, 0.9, 0.8), 3):
        speeds += [fast * share] * 7 + [0.0]
    return speeds


def _confounders(rng: Random, until_h: float) -> list[Confounder]:
    """What only looks like damage, in the machine's good time; every machine has its own mixture."""
    found: list[Confounder] = []
    for kind in rng.sample(("drift", "cavitation", "imbalance", "shocks", "dry"), 3):
        found += _ONE[kind](rng, until_h)
    return found


def _drift(rng: Random, _until_h: float) -> list[Confounder]:
    return [Confounder("drift", rng.uniform(0.0, 200.0), HORIZON_H, rng.uniform(0.15, 0.4))]


def _cavitation(rng: Random, until_h: float) -> list[Confounder]:
    return [_during(rng, "cavitation", until_h, (4.0, 20.0), (0.03, 0.1)) for _ in range(rng.randint(3, 6))]


def _imbalance(rng: Random, _until_h: float) -> list[Confounder]:
    return [Confounder("imbalance", rng.uniform(100.0, 600.0), 2 * HORIZON_H, rng.uniform(0.1, 0.3))]


def _shocks(rng: Random, until_h: float) -> list[Confounder]:
    return [_during(rng, "shocks", until_h, (1.0, 2.0), (1.0, 4.0)) for _ in range(rng.randint(4, 8))]


def _dry(rng: Random, until_h: float) -> list[Confounder]:
    return [_during(rng, "dry", until_h, (1.0, 2.0), (0.08, 0.09)) for _ in range(rng.randint(2, 4))]


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
