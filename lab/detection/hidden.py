"""Hidden runs: labs that nobody sees, with attacks and daily life drawn from a seed, kept with their labels."""

import contextlib
import hashlib
import importlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec

from lab.detection.play import SPEED, Run, played
from lab.detection.script import LABS, scripts
from lab.detection.stage import EndedError, OverloadedError
from lab.labs import Labs
from lab.paths import default_paths
from lab.turns import Turns
from simulators.errors import StartError
from simulators.model import Line
from simulators.text import Text

KEPT_POOLS = 24
SPEED_AHEAD = 8.0  # so slow that a class at work beside it does not notice
PARTS = (
    "scenarios.attacks",
    "lab.attacks.wire",
    "lab.detection.confounders",
    "lab.probes.operation",
    "lab.probes.visit",
    "lab.detection.script",
    "lab.detection.play",
    "lab.detection.stage",
    "lab.detection.table",
)
MISSING_MAX = 2  # attacks of a pool that may fail to run
Doing = Callable[[Text], None]


class Pool(msgspec.Struct, frozen=True):
    """What detectors are judged on."""

    seed: int
    edition: str
    runs: list[Run]
    duration_s: float

    @property
    def minutes(self) -> float:
        """Simulated minutes in all."""
        return sum(run.end_unix_s - run.start_unix_s for run in self.runs) / 60.0


# A pool takes the better part of a core; who waits for one goes before a stock that is played ahead.
_turns = Turns(max(2, os.cpu_count() or 1))


def pool(
    line: Line,
    labs: Labs,
    seed: int,
    doing: Doing = lambda _text: None,
    folder: Path | None = None,
    runtime: str = "local",
    *,
    ahead: bool = False,
) -> Pool:
    """The hidden runs of a seed: played now on labs of `runtime`, or kept from the last time.

    `ahead`: nobody waits for them yet; they are played after all the others, and leave the machine to what else it does.

    Raises:
        UsineError: a lab could not be started, or too much of the script could not be played.
    """
    kept = (folder or default_paths().home / "hidden") / f"{line.id}-{edition()}-{seed}.msgpack"
    if (known := _kept(kept)) is not None:
        return known
    with _turns.turn(str(kept), lambda before: doing(_queued(before)), patient=ahead):
        if (known := _kept(kept)) is not None:
            return known
        fastest = SPEED_AHEAD if ahead else SPEED
        try:
            new = _play(line, labs, seed, doing, LABS, runtime, fastest)
        except OverloadedError:
            new = _play(line, labs, seed, doing, 1, runtime, fastest)
        _keep(kept, new)
        return new


def _queued(before: int) -> Text:
    return Text(
        fr=f"essais cachés : dans la file d'attente, {before} avant vous",
        en=f"hidden runs: in the queue, {before} before you",
    )


@cache
def edition() -> str:
    """Names what hidden runs are made of: those of another edition are not the same runs."""
    digest = hashlib.sha256()
    for part in PARTS:
        place = Path(importlib.import_module(part).__file__ or "")
        for path in sorted(place.parent.glob("*.py")) if place.name == "__init__.py" else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _play(
    line: Line, labs: Labs, seed: int, doing: Doing, at_once: int, runtime: str, fastest: float
) -> Pool:
    begun_s = time.monotonic()
    ending = threading.Event()
    scripted = scripts(line, seed)
    progress: dict[str, float] = {}
    with ThreadPoolExecutor(at_once, "hidden") as workers:
        futures = [
            workers.submit(
                played,
                line,
                labs,
                f"hidden-{seed:x}-{number}"[:40],
                script,
                ending,
                progress,
                runtime,
                fastest,
            )
            for number, script in enumerate(scripted)
        ]
        try:
            while not all(future.done() for future in futures):
                minutes = sum(progress.values()) / 60.0
                whole = sum(script.length_s for script in scripted) / 60.0
                doing(
                    Text(
                        fr=f"essais cachés : {minutes:.0f} min sur {whole:.0f}",
                        en=f"hidden runs: {minutes:.0f} min of {whole:.0f}",
                    )
                )
                if ending.wait(1.0) or any(future.done() and future.exception() for future in futures):
                    break
            ending.set()
            runs = _ended(futures)
        finally:
            ending.set()
    wanted, had = sum(len(s.assaults) for s in scripted), sum(len(run.labels) for run in runs)
    if wanted - had > MISSING_MAX:
        raise StartError(
            f"essais cachés : {wanted - had} attaques n'ont pas pu être jouées ; réessayez",
            f"hidden runs: {wanted - had} attacks could not be played; try again",
        )
    return Pool(seed, edition(), sorted(runs, key=lambda run: run.seed), time.monotonic() - begun_s)


def _ended(futures: Sequence[Future[Run]]) -> list[Run]:
    """All runs. Raises: UsineError: one was not played; what went wrong first, and not that the others were stopped."""
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, EndedError)):
        raise error
    return [future.result() for future in futures]


def _kept(path: Path) -> Pool | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode(path.read_bytes(), type=Pool)
    return None


def _keep(path: Path, new: Pool) -> None:
    """For other solutions to be judged on the same runs; the oldest make room. Best effort."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = path.with_suffix(".part")
        whole.write_bytes(msgspec.msgpack.encode(new))
        whole.replace(path)
        for old in sorted(path.parent.glob("*.msgpack"), key=lambda p: p.stat().st_mtime)[:-KEPT_POOLS]:
            old.unlink()
