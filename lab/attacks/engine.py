"""Runs an attack: on the lab's clock, labelled from its first malicious frame to its end, undone, never past its limit."""

import asyncio
import contextlib
import importlib
import importlib.util
import pkgutil
import signal
import time
from functools import cache
from typing import Any

import msgspec

from lab.attacks.contract import Attack, Label
from lab.jobs import Work, checked
from lab.labs import Connection, Job, Progress
from lab.probes.contract import Where
from lab.probes.place import Flat
from simulators.errors import InputError, NotFoundError, TimeLimitError, UsineError
from simulators.os_errors import os_words
from simulators.text import Text

PACKAGE = "scenarios.attacks"
UNDO_LIMIT_S = 5.0
# The lab's speed may change and it may be paused: its clock is asked again this often.
LOOK_S = 0.5


@cache
def attacks() -> dict[str, Attack]:
    """Every attack by its id: the constant `ATTACK` of each module of `scenarios/attacks`."""
    if importlib.util.find_spec(PACKAGE) is None:
        return {}
    found: dict[str, Attack] = {}
    for module in sorted(
        pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__), key=lambda m: m.name
    ):
        if module.name.startswith("_"):
            continue
        attack: Attack = importlib.import_module(f"{PACKAGE}.{module.name}").ATTACK
        if attack.id in found:
            raise InputError(f"attaque {attack.id} définie deux fois", f"attack {attack.id} defined twice")
        found[attack.id] = attack
    return found


def attack(attack_id: str) -> Attack:
    """Raises: NotFoundError: no such attack; says which there are."""
    known = attacks()
    if attack_id not in known:
        names = ", ".join(known) or "–"
        raise NotFoundError(
            f"attaque {attack_id} inconnue ; choisissez parmi : {names}",
            f"unknown attack {attack_id}; choose one of: {names}",
        )
    return known[attack_id]


def prepare(job: Job) -> Work:
    """The attack of the job, ready to be run. Its argument `undo: false` leaves what it changed.

    Raises:
        NotFoundError: no such attack.
        InputError: not its arguments.
    """
    found = attack(job.name)
    given = dict(job.arguments)
    undo = bool(given.pop("undo", True))
    arguments = checked(job.name, given, found.arguments)

    def run(where: Where, control: Connection, progress: Progress) -> None:
        if "zones" in found.needs and isinstance(where, Flat):
            raise InputError(
                f"{found.id} : il faut des zones, cette machine n'en a pas ; voyez « lab doctor »",
                f"{found.id}: it needs zones and this machine has none; see 'lab doctor'",
            )
        field = LabField(found, where, control, progress)
        asyncio.run(conduct(found, field, arguments, job.limit_s, undo))

    return run


class LabField:
    """Keeps `lab.attacks.contract.Field` on a lab's control channel."""

    def __init__(self, attack: Attack, where: Where, control: Connection, progress: Progress) -> None:
        self.where = where
        self._attack = attack
        self._control = control
        self._progress = progress
        self._label: Label | None = None
        self._look()

    def now(self) -> float:
        if time.monotonic() - self._looked_s > LOOK_S:
            self._look()
        return self._unix_s + (time.monotonic() - self._looked_s) * self._speed

    async def wait(self, seconds: float) -> None:
        until = self.now() + seconds
        while (left_s := until - self.now()) > 0:
            await asyncio.sleep(min(left_s / self._speed, LOOK_S) if self._speed else LOOK_S)

    def say(self, text: Text) -> None:
        self._progress({"say": msgspec.to_builtins(text)})

    def began(self, target: str, source: str) -> None:
        self.where.line.device(target)
        if self._label is None:
            attack = self._attack
            self._look()  # to the instant: the speed may have changed since the last look
            self._label = Label(
                attack.id, attack.technique, target, source, self.now(), 0.0, attack.consequence_s
            )
            self._tell()

    def ended(self) -> None:
        """No malicious frame leaves any more; harmless where none did."""
        if self._label is not None and not self._label.end_unix_s:
            self._look()
            self._label = msgspec.structs.replace(self._label, end_unix_s=self.now())
            self._tell()

    def _tell(self) -> None:
        self._progress({"label": msgspec.to_builtins(self._label)})

    def _look(self) -> None:
        clock = self._control.request("clock")
        self._looked_s = time.monotonic()
        self._unix_s = float(clock["unix_s"])
        self._speed = 0.0 if clock["paused"] else float(clock["speed"])


async def conduct(attack: Attack, field: LabField, arguments: Any, limit_s: float, undo: bool) -> None:
    """Run the attack, end its label whatever happens, undo it if asked.

    It ends early at `limit_s` of the wall, at its own limit of simulated time, or when the process is asked to.

    Raises:
        TimeLimitError: it did not end by itself.
        UsineError: what it met.
    """
    running = asyncio.ensure_future(attack.run(field, arguments))
    guard = asyncio.ensure_future(field.wait(attack.limit_s))
    with contextlib.suppress(
        NotImplementedError, RuntimeError, ValueError
    ):  # no main thread, no such signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await asyncio.wait({running, guard}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise TimeLimitError(
                f"{attack.id} : pas finie dans sa limite, arrêtée",
                f"{attack.id}: not done within its limit, ended",
            )
        _outcome(attack, running)
    finally:
        running.cancel()
        guard.cancel()
        await asyncio.gather(running, guard, return_exceptions=True)
        field.ended()
        if undo and attack.undo is not None:
            async with asyncio.timeout(UNDO_LIMIT_S):
                await attack.undo(field, arguments)


def _outcome(attack: Attack, running: "asyncio.Future[None]") -> None:
    if running.cancelled():
        raise UsineError(f"{attack.id} : interrompue", f"{attack.id}: interrupted")
    error = running.exception()
    if isinstance(error, OSError):
        why = os_words(error)
        raise UsineError(
            f"{attack.id} : la cible a coupé court ({why.fr})",
            f"{attack.id}: the target cut it short ({why.en})",
        ) from error
    if error is not None:
        raise error
