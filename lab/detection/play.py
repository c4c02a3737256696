"""One hidden lab, from its start to its end: attacks, daily life, and all that the wires carried."""

import contextlib
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from lab.attacks.contract import Label
from lab.detection.confounders import confounders
from lab.detection.script import WARM_UP_S, Errand, Script, draw
from lab.detection.stage import EndedError, OverloadedError, Stage
from lab.detection.table import Packed, packed
from lab.labs import Connection, Labs
from simulators.errors import UsineError
from simulators.model import Line

SPEED_FIRST, SPEED = 10.0, 30.0  # as fast as the machine holds, within these
PAGE = 4000  # rows at once
LOOKS = 6  # at the clock, between two collections
LIMIT_S = 400.0  # of the wall, for one run
TAIL_S = 10.0


class Run(msgspec.Struct, frozen=True):
    """One lab's: what really happened (`labels`), and what was seen of it (`seen`). Dates are the lab's own."""

    seed: int
    start_unix_s: float
    end_unix_s: float
    labels: list[Label]
    errands: list[Errand]
    seen: Packed


def played(
    line: Line,
    labs: Labs,
    name: str,
    script: Script,
    ending: threading.Event,
    progress: dict[str, float],
    runtime: str = "local",
    fastest: float = SPEED,
) -> Run:
    """One lab from its start to its end, `fastest` times faster than the wall at most; it is forgotten whatever happens."""
    try:
        labs.start(line.id, name, seed=script.seed, speed=min(SPEED_FIRST, fastest), runtime=runtime)
        with contextlib.ExitStack() as stack:
            views = [
                Stage(line, name, labs, stack.enter_context(labs.attach(name)), draw(script.seed + n), ending)
                for n in range(4)
            ]
            return _perform(script, views, progress, fastest)
    finally:
        with contextlib.suppress(UsineError):
            labs.stop(name, forget=True)


def _perform(script: Script, views: Sequence[Stage], progress: dict[str, float], fastest: float) -> Run:
    watcher, assailant, people, passers_by = views
    watcher.lab.request("record")
    labels: list[Label] = []
    pages: list[bytes] = []
    begun, begun_s = watcher.lab.request("clock"), time.monotonic()
    origin = begun["unix_s"] - begun["t_s"]
    with ThreadPoolExecutor(3, "stage") as players:
        players_at_work = [
            players.submit(_assail, assailant, script, labels),
            players.submit(_live, people, script.errands),
            players.submit(_live, passers_by, script.visits),
        ]
        cursor, at_s, forgiven = 0, 0.0, 0
        while at_s < script.length_s + TAIL_S or not all(player.done() for player in players_at_work):
            for _ in range(LOOKS):
                at_s = watcher.steady(fastest)
            cursor = _collect(watcher.lab, cursor, pages)
            progress[watcher.name] = min(at_s, script.length_s)
            if at_s < WARM_UP_S:
                forgiven = watcher.backlogs
            if time.monotonic() - begun_s > LIMIT_S or watcher.backlogs > forgiven:
                watcher.end()
                raise _overloaded()
        for player in players_at_work:
            player.result()
    _collect(watcher.lab, cursor, pages)
    seen = packed(_events(pages))
    return Run(script.seed, origin + WARM_UP_S, origin + script.length_s, labels, script.life, seen)


def _events(pages: list[bytes]) -> Iterator[dict[str, Any]]:
    for page in pages:
        yield from msgspec.msgpack.decode(zlib.decompress(page))


def _overloaded() -> OverloadedError:
    """Simulated time has jumped, or crawls: what was seen would be judged wrongly."""
    return OverloadedError(
        "essais cachés : la machine est trop chargée, rien n'a été noté ; réessayez dans quelques minutes",
        "hidden runs: the machine is overloaded, nothing was graded; try again in a few minutes",
    )


def _assail(stage: Stage, script: Script, labels: list[Label]) -> None:
    for assault in script.assaults:
        stage.until(assault.at_s)
        told: list[Label] = []

        def hear(message: dict[str, Any], told: list[Label] = told) -> None:
            if "label" in message:
                told.append(msgspec.convert(message["label"], Label))

        with contextlib.suppress(UsineError):
            stage.run("attack", assault.attack, assault.zone, hear, **assault.arguments)
        if told and told[-1].end_unix_s:
            labels.append(told[-1])


def _live(stage: Stage, errands: Sequence[Errand]) -> None:
    """Daily life. What cannot be done while a device is away is not done."""
    for errand in errands:
        stage.until(errand.at_s)
        try:
            confounders()[errand.confounder].play(stage)
        except EndedError:
            raise
        except UsineError:
            continue


def _collect(lab: Connection, cursor: int, pages: list[bytes]) -> int:
    """What is new in the event table; returns the cursor of the next time."""
    while True:
        answer = lab.request("events", after=cursor, limit=PAGE)
        if answer["events"]:
            pages.append(zlib.compress(msgspec.msgpack.encode(answer["events"]), 1))
        if len(answer["events"]) < PAGE:
            return int(answer["cursor"])
        cursor = int(answer["cursor"])
