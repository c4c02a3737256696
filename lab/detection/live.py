"""An attack in the trainee's own lab, and the events that their rules could see."""

import ipaddress
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from lab.attacks.contract import Label
from lab.detection.script import STATIONS, draw
from lab.labs import Connection, Job
from lab.probes.contract import Inside
from simulators.errors import StartError

LIMIT_S = 150.0
SETTLE_S = 3.0  # simulated, after the attack: a connection's end is known a little later
PAGE = 4000
PAGES_MAX = 200
ZONES = ("control", "supervision", "enterprise")
# Short enough for a trainee to wait for, long enough for a count to be reached.
SIZES: dict[str, dict[str, Any]] = {
    "port_scan": {"rate_per_s": 2.0, "count": 60},
    "identify": {"rate_per_s": 0.8, "count": 24},
    "rogue_master": {"rate_per_s": 0.5, "count": 15},
}


def attacked(
    inside: Inside, attacks: Sequence[str], look_back_s: float
) -> tuple[Label, list[dict[str, Any]]]:
    """Run one of the attacks, drawn; its label, and the events from `look_back_s` before it.

    Raises:
        UsineError: it could not be run: that says nothing of the rules.
    """
    rng = draw(inside.seed)
    attack = rng.choice(list(attacks))
    zone, source = _place(inside, rng)
    inside.lab.request("record")
    told: list[Label] = []

    def hear(message: dict[str, Any]) -> None:
        if "label" in message:
            told.append(msgspec.convert(message["label"], Label))

    arguments = {"source": source, "target": "plc1", **SIZES.get(attack, {})}
    inside.labs.run(Job(inside.lab_name, "attack", attack, zone, arguments, LIMIT_S), hear)
    if not told or not told[-1].end_unix_s:
        raise StartError(
            f"attaque {attack} : elle n'a rien envoyé ; réessayez",
            f"attack {attack}: it sent nothing; try again",
        )
    label = told[-1]
    _settle(inside.lab, label.end_unix_s + SETTLE_S)
    return label, list(_since(inside.lab, label.start_unix_s - look_back_s))


def _place(inside: Inside, rng: Random) -> tuple[str, str]:
    zone = rng.choice([zone.id for zone in inside.line.zones if zone.id in ZONES])
    subnet = ipaddress.IPv4Network(inside.line.zone(zone).subnet)
    return zone, str(subnet[rng.choice(STATIONS)])


def _settle(lab: Connection, unix_s: float) -> None:
    clock = lab.request("clock")
    time.sleep(min(max(unix_s - clock["unix_s"], 0.0) / clock["speed"], SETTLE_S))


def _since(lab: Connection, unix_s: float) -> list[dict[str, Any]]:
    """The rows known since that date, page by page."""
    rows: list[dict[str, Any]] = []
    cursor = 0
    for _ in range(PAGES_MAX):
        answer = lab.request("events", after=cursor, since_ts=unix_s, limit=PAGE)
        rows += answer["events"]
        if len(answer["events"]) < PAGE:
            break
        cursor = int(answer["cursor"])
    return rows
