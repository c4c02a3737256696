"""What happens in hidden runs: attacks and benign confounders with their dates, sources and magnitudes, drawn from a seed."""

import hashlib
from random import Random
from typing import Any

import msgspec

from lab.detection.confounders import confounders
from lab.detection.stage import somebody
from simulators.model import Line
from simulators.network.addresses import workstation

LABS = 3
SLOTS = 5  # of each lab: one attack in each
SLOT_S = 350.0
WARM_UP_S = 30.0
ATTACK_MAX_S = 100.0
CLASSES = {"port_scan": "T0846.001", "identify": "T0888", "rogue_master": "T0848"}
# Who attacks, for the five attacks of each class: a stranger of a zone, a device that has no business there, and the two
# machines that may talk to the PLCs, which somebody took. So an address says nothing by itself: passers-by are strangers too.
WHO = {
    "port_scan": ("stranger:control", "stranger:enterprise", "device", "engineering", "scada"),
    "identify": ("stranger:iiot", "stranger:supervision", "device", "engineering", "scada"),
    "rogue_master": ("stranger:control", "stranger:iiot", "device", "engineering", "scada"),
}
ENGINEERING_ZONE = "supervision"
SIZES = range(7, 10)  # registers a request of who polls in SCADA's name, with another program than SCADA's


class Assault(msgspec.Struct, frozen=True):
    """One attack to be run, in a zone, at `at_s` of simulated time."""

    at_s: float
    attack: str
    zone: str
    arguments: dict[str, Any]


class Errand(msgspec.Struct, frozen=True):
    """One confounder to be played."""

    at_s: float
    confounder: str


class Script(msgspec.Struct, frozen=True):
    """Of one lab, whose own seed is `seed`. `visits` are the errands of passers-by, who wait for nobody."""

    seed: int
    assaults: list[Assault]
    errands: list[Errand]
    visits: list[Errand] = []
    length_s: float = WARM_UP_S + SLOTS * SLOT_S

    @property
    def life(self) -> list[Errand]:
        """All that is no attack, in order."""
        return sorted([*self.errands, *self.visits], key=lambda errand: errand.at_s)


def scripts(line: Line, seed: int) -> list[Script]:
    """The pool of a seed: every class of attack five times in all, from every kind of source."""
    rng = draw(_seed(seed, "pool"))
    cast = [(attack, who) for attack, all_of_them in WHO.items() for who in all_of_them]
    rng.shuffle(cast)
    return [
        _script(line, _seed(seed, str(number)), cast[number * SLOTS : (number + 1) * SLOTS])
        for number in range(LABS)
    ]


def draw(seed: int) -> Random:
    """A source of numbers that repeats."""
    return Random(seed)  # noqa: S311 -- a scenario, not a secret


def _script(line: Line, seed: int, cast: list[tuple[str, str]]) -> Script:
    rng = draw(seed)
    others = sorted(name for name, each in confounders().items() if not each.passes_by)
    passers_by = sorted(name for name, each in confounders().items() if each.passes_by)
    rng.shuffle(others)
    rng.shuffle(passers_by)
    assaults, errands, visits = [], [], []
    for number, (attack, who) in enumerate(cast):
        begins_s = WARM_UP_S + number * SLOT_S
        first = rng.random() < 0.5
        at_s = begins_s + (rng.uniform(20.0, 60.0) if first else rng.uniform(160.0, 185.0))
        assaults.append(_assault(line, rng, at_s, attack, who))
        # In the other half: what cuts connections would cut an attack short too.
        errands.append(Errand(begins_s + (190.0 if first else 10.0), others[number % len(others)]))
        errands.append(
            Errand(begins_s + (20.0 if first else 170.0), rng.choice(["set_points", "change_over"]))
        )
        # Away from the attack: what a detector says of a passer-by is not to be taken for a hit.
        visit_s = begins_s + (rng.uniform(215.0, 275.0) if first else rng.uniform(15.0, 65.0))
        visits.append(Errand(visit_s, passers_by[number % len(passers_by)]))
    return Script(seed, assaults, sorted(errands, key=lambda errand: errand.at_s), visits)


def _assault(line: Line, rng: Random, at_s: float, attack: str, who: str) -> Assault:
    zone, source = source_of(line, rng, who)
    targets = {"port_scan": ["plc1", "plc2", "broker"], "identify": ["plc1", "plc2"]}.get(attack, ["plc1"])
    lasts_s = rng.uniform(45.0, ATTACK_MAX_S)
    rate_per_s = {
        "port_scan": rng.uniform(0.5, 3.0),
        "identify": rng.uniform(0.35, 1.5),
        "rogue_master": rng.uniform(0.2, 1.0),
    }[attack]
    # A source of the engineering station knows the PLC of old: what it asks there is what betrays it.
    target = "plc1" if who == "engineering" and attack == "identify" else rng.choice(targets)
    count = max(16, round(lasts_s * rate_per_s))
    arguments: dict[str, Any] = {
        "source": source, "target": target, "rate_per_s": round(rate_per_s, 2), "count": count
    }  # fmt: skip
    return Assault(at_s, attack, zone, arguments | manner(rng, attack, who))


def manner(rng: Random, attack: str, who: str) -> dict[str, Any]:
    """How it is done by `who`: in SCADA's name, SCADA's own polls would not be noticed, and nothing would be gained."""
    return {"registers": rng.choice(SIZES)} if attack == "rogue_master" and who == "scada" else {}


def source_of(line: Line, rng: Random, who: str) -> tuple[str, str]:
    """The zone and the address that an attack comes from."""
    if who == "engineering":
        return ENGINEERING_ZONE, workstation(line, ENGINEERING_ZONE)
    if who == "scada":
        scada = line.devices_of("scada")[0]
        return scada.zone, scada.address
    if who == "device":
        device = rng.choice([d for d in line.devices if d.kind in {"mqtt_sensor", "historian"}])
        return device.zone, device.address
    return somebody(line, rng, who.partition(":")[2])


def _seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
