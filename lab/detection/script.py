"""What happens in hidden runs: attacks and benign confounders with their dates, sources and magnitudes, drawn from a seed."""

import hashlib
import ipaddress
from random import Random
from typing import Any

import msgspec

from lab.detection.confounders import confounders
from simulators.model import Line
from simulators.network.addresses import workstation

LABS = 3
SLOTS = 5  # of each lab: one attack in each
SLOT_S = 350.0
WARM_UP_S = 30.0
ATTACK_MAX_S = 100.0
STATIONS = range(60, 240)  # host numbers that no device has
CLASSES = {"port_scan": "T0846.001", "identify": "T0888", "rogue_master": "T0848"}
# Who attacks, for the five attacks of each class: a stranger of a zone, a device that has no business there,
# the engineering station that somebody took.
WHO = {
    "port_scan": ("stranger:control", "stranger:supervision", "stranger:enterprise", "device", "engineering"),
    "identify": ("stranger:control", "stranger:iiot", "stranger:supervision", "device", "engineering"),
    "rogue_master": (
        "stranger:control",
        "stranger:supervision",
        "stranger:enterprise",
        "device",
        "stranger:iiot",
    ),
}
ENGINEERING_ZONE = "supervision"


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
    """Of one lab, whose own seed is `seed`."""

    seed: int
    assaults: list[Assault]
    errands: list[Errand]
    length_s: float = WARM_UP_S + SLOTS * SLOT_S


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
    others = sorted(confounders())
    rng.shuffle(others)
    assaults, errands = [], []
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
    return Script(seed, assaults, sorted(errands, key=lambda errand: errand.at_s))


def _assault(line: Line, rng: Random, at_s: float, attack: str, who: str) -> Assault:
    zone, source = _source(line, rng, who)
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
    arguments = {"source": source, "target": target, "rate_per_s": round(rate_per_s, 2), "count": count}
    return Assault(at_s, attack, zone, arguments)


def _source(line: Line, rng: Random, who: str) -> tuple[str, str]:
    """The zone and the address that an attack comes from."""
    if who == "engineering":
        return ENGINEERING_ZONE, workstation(line, ENGINEERING_ZONE)
    if who == "device":
        device = rng.choice([d for d in line.devices if d.kind in {"mqtt_sensor", "historian"}])
        return device.zone, device.address
    zone = who.partition(":")[2]
    subnet = ipaddress.IPv4Network(line.zone(zone).subnet)
    return zone, str(subnet[rng.choice(STATIONS)])


def _seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
