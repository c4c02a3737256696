"""A harmless visit and an attack in the trainee's own lab, and the events that their rules could see."""

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from lab.attacks.contract import Label
from lab.detection.confounders import confounders
from lab.detection.script import WHO, draw, manner, source_of
from lab.detection.stage import OverloadedError, Stage
from lab.labs import Connection, Job
from lab.probes.contract import Inside
from simulators.errors import StartError
from simulators.text import Text

LIMIT_S = 150.0
SETTLE_S = 3.0  # simulated, after the attack: a connection's end is known a little later
# Whatever pace the lab has: visits and attacks are paced by the wall, and at a high speed a few seconds of it are a minute.
SPEED = 8.0
QUIET_SPEED = 20.0  # nothing is asked of the network's tools
PATIENCE_S = 60.0
TRIES = 3
PAGE = 4000
PAGES_MAX = 200
VISITS = ("auditor", "availability", "inventory")
# Short enough for a trainee to wait for, long enough for a count to be reached.
SIZES: dict[str, dict[str, Any]] = {
    "port_scan": {"rate_per_s": 2.0, "count": 60},
    "identify": {"rate_per_s": 0.8, "count": 24},
    "rogue_master": {"rate_per_s": 0.5, "count": 15},
}


class Attacked(NamedTuple):
    """`visit` and `label` are what happened, in this order; `events` from some time before the attack."""

    visit: str
    visit_unix_s: float
    label: Label
    events: list[dict[str, Any]]


def attacked(inside: Inside, attacks: Sequence[str], look_back_s: float) -> Attacked:
    """Have a passer-by do no harm, then run one of the attacks; both drawn, with whom they come from.

    `look_back_s` of normal running come first: what a practice attack just before left in the table is not the check's.
    Where the lab's time jumped back meanwhile, it is all done again at half the speed.

    Raises:
        UsineError: they could not be run: that says nothing of the rules.
        OverloadedError: time jumps at any speed.
    """
    rng = draw(inside.seed)
    attack = rng.choice(list(attacks))
    who = rng.choice(WHO[attack])
    zone, source = source_of(inside.line, rng, who)
    arguments = {"source": source, "target": "plc1", **SIZES.get(attack, {}), **manner(rng, attack, who)}
    visit = rng.choice(VISITS)
    inside.lab.request("record")
    former = float(inside.lab.request("clock")["speed"])
    stage = Stage(inside.line, inside.lab_name, inside.labs, inside.lab, rng, threading.Event())
    try:
        for attempt in range(TRIES):
            inside.doing(Text(fr="une minute de marche normale", en="a minute of normal running"))
            inside.lab.request("speed", speed=QUIET_SPEED / 2**attempt)
            jumps = inside.lab.request("clock")["backlogs"]
            # By their number: rows from before a jump back are dated later than now.
            last = int(inside.lab.request("events", limit=1)["cursor"])
            stage.wait(look_back_s, PATIENCE_S)
            inside.doing(Text(fr="une attaque dans votre labo", en="an attack in your lab"))
            inside.lab.request("speed", speed=SPEED / 2**attempt)
            visit_unix_s = float(inside.lab.request("clock")["unix_s"])
            stage.now_s()
            confounders()[visit].play(stage)
            label = _run(inside, attack, zone, arguments)
            _settle(inside.lab, label.end_unix_s + SETTLE_S)
            if inside.lab.request("clock")["backlogs"] == jumps:
                break
        else:
            raise OverloadedError(
                "attaque dans votre labo : la machine est trop chargée, rien n'a été noté ; réessayez dans quelques minutes",
                "attack in your lab: the machine is overloaded, nothing was graded; try again in a few minutes",
            )
    finally:
        inside.lab.request("speed", speed=former)
    return Attacked(visit, visit_unix_s, label, _after(inside.lab, last))


def _run(inside: Inside, attack: str, zone: str, arguments: dict[str, Any]) -> Label:
    told: list[Label] = []

    def hear(message: dict[str, Any]) -> None:
        if "label" in message:
            told.append(msgspec.convert(message["label"], Label))

    inside.labs.run(Job(inside.lab_name, "attack", attack, zone, arguments, LIMIT_S), hear)
    if not told or not told[-1].end_unix_s:
        raise StartError(
            f"attaque {attack} : elle n'a rien envoyé ; réessayez",
            f"attack {attack}: it sent nothing; try again",
        )
    return told[-1]


def _settle(lab: Connection, unix_s: float) -> None:
    clock = lab.request("clock")
    time.sleep(min(max(unix_s - clock["unix_s"], 0.0) / clock["speed"], SETTLE_S))


def _after(lab: Connection, cursor: int) -> list[dict[str, Any]]:
    """The rows that follow that one, page by page."""
    rows: list[dict[str, Any]] = []
    for _ in range(PAGES_MAX):
        answer = lab.request("events", after=cursor, limit=PAGE)
        rows += answer["events"]
        if len(answer["events"]) < PAGE:
            break
        cursor = int(answer["cursor"])
    return rows
