"""What an instructor does to one lab, to several or to all (`lab.training.contract.Classroom`)."""

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, assert_never

from lab.attacks.contract import Attack
from lab.attacks.engine import attack, attacks
from lab.labs import Job
from lab.store.tables import SittingRow
from lab.training.claims import claim
from lab.training.context import Context
from lab.training.contract import (
    Action,
    ActionResult,
    AttackOffer,
    Event,
    Extend,
    Inject,
    Mend,
    Pause,
    Person,
    Reset,
    Resume,
    Start,
    Stop,
    Strike,
)
from lab.training.events import events_of
from lab.training.resets import reset
from lab.training.rows import note, open_row
from lab.training.running import extend, start_lab, stop_lab
from simulators.errors import InputError, UsineError
from simulators.network.choose import namespaces_available
from simulators.text import Text

SIDE_BY_SIDE = 32
# An attack that has sent nothing by then is told as begun all the same; its end is an event.
BEGUN_WITHIN_S = 10.0
# Beyond the attack's own limit: it ends itself first.
MARGIN_S = 30.0
log = logging.getLogger(__name__)


def nobody(_message: Any) -> None:
    """Tells nobody."""


class TrainingClassroom:
    """Thread-safe; keeps nothing in memory but its context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def attacks(self) -> list[AttackOffer]:
        return [_offer(attacks()[name]) for name in sorted(attacks())]

    def act(
        self,
        sittings: list[int],
        action: Action,
        by: Person,
        progress: Callable[[ActionResult], None] = nobody,
    ) -> list[ActionResult]:
        def one(sitting_id: int) -> ActionResult:
            result = _guarded(self._context, sitting_id, action, by)
            progress(result)
            return result

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return list(pool.map(one, sittings))


def _guarded(context: Context, sitting_id: int, action: Action, by: Person) -> ActionResult:
    try:
        return ActionResult(sitting_id, True, _act(context, sitting_id, action, by))
    except UsineError as error:
        return ActionResult(sitting_id, False, error.text)


def _act(context: Context, sitting_id: int, action: Action, by: Person) -> Text:
    """Raises: UsineError."""
    match action:
        case Inject():
            return _inject(context, sitting_id, by, action)
        case Mend():
            return _mend(context, sitting_id, by, action)
        case Strike():
            return _strike(context, sitting_id, by, attack(action.attack))
        case Pause():
            return _pace(context, sitting_id, by, paused=True)
        case Resume():
            return _pace(context, sitting_id, by, paused=False)
        case Extend():
            extend(context, sitting_id, by, action.minutes)
            return Text(fr=f"{action.minutes:+g} min", en=f"{action.minutes:+g} min")
        case Reset():
            reset(context, sitting_id, by, action.what, None, nobody)
            return Text(fr="remis à l'état voulu", en="reset")
        case Stop():
            stop_lab(context, sitting_id, by)
            return Text(fr="labo arrêté", en="lab stopped")
        case Start():
            start_lab(context, sitting_id, by, nobody)
            return Text(fr="labo en marche", en="lab running")
    assert_never(action)


def _inject(context: Context, sitting_id: int, by: Person, given: Inject) -> Text:
    row = open_row(context, sitting_id)
    data = {"asset": given.asset, "mode": given.mode, "severity": given.severity}
    with context.attach(row) as lab:
        lab.request("fault", **data)
    note(context, sitting_id, "fault", by.id, data)
    return Text(fr=f"{given.asset} : {given.mode} provoqué", en=f"{given.asset}: {given.mode} caused")


def _mend(context: Context, sitting_id: int, by: Person, given: Mend) -> Text:
    row = open_row(context, sitting_id)
    with context.database.read() as session:
        there = injected(events_of(session, sitting_id))
    chosen = [
        (asset, mode) for asset, mode in there if given.asset in {"", asset} and given.mode in {"", mode}
    ]
    with context.attach(row) as lab:
        for asset, mode in chosen:
            severity = _of_setup(context, row, asset, mode)
            lab.request("fault", asset=asset, mode=mode, severity=severity)
            data = {"asset": asset, "mode": mode, "severity": 0.0}
            note(context, sitting_id, "fault", by.id, data)
    return Text(fr=f"{len(chosen)} défaut(s) réparé(s)", en=f"{len(chosen)} fault(s) mended")


def injected(events: list[Event]) -> list[tuple[str, str]]:
    """The (asset, mode) that instructors injected and did not mend; a plant that begins anew has none. Pure."""
    there: dict[tuple[str, str], float] = {}
    for event in events:
        if event.kind == "fault":
            there[(event.data["asset"], event.data["mode"])] = event.data["severity"]
        elif event.kind == "lab_started":
            there.clear()
    return [fault for fault, severity in there.items() if severity]


def _of_setup(context: Context, row: SittingRow, asset: str, mode: str) -> float:
    """What the exercise itself has of that fault."""
    faults = context.engine.exercise(row.exercise).setup.faults
    same = [fault for fault in faults if (fault.get("asset"), fault.get("mode")) == (asset, mode)]
    severity = same[-1].get("severity", 1.0) if same else 0.0
    return float(severity) if isinstance(severity, int | float) else 1.0


def _pace(context: Context, sitting_id: int, by: Person, paused: bool) -> Text:
    row = open_row(context, sitting_id)
    with claim(context, sitting_id, "configure"):
        with context.attach(row) as lab:
            lab.request("pause" if paused else "resume")
        note(context, sitting_id, "paused" if paused else "resumed", by.id)
    return Text(fr="en pause", en="paused") if paused else Text(fr="repris", en="resumed")


def _strike(context: Context, sitting_id: int, by: Person, given: Attack) -> Text:
    """Begin it, and leave it to a thread of its own. Raises: UsineError: it could not begin."""
    offer = _offer(given)
    if offer.unavailable is not None:
        raise InputError(offer.unavailable.fr, offer.unavailable.en)
    row = open_row(context, sitting_id)
    with context.attach(row):
        pass  # its lab runs, or this says why not
    settled = threading.Event()
    refused: list[UsineError] = []

    def tell(kind: str, **more: Any) -> None:
        note(context, sitting_id, "attack", by.id, {"attack": given.id, "state": kind, **more})

    def hear(message: dict[str, Any]) -> None:
        if "label" in message and not settled.is_set():
            tell("began")
            settled.set()

    def run() -> None:
        limit_s = given.limit_s + MARGIN_S
        job = Job(lab=row.lab, kind="attack", name=given.id, zone=given.zone, limit_s=limit_s)
        try:
            context.labs.run(job, hear)
            tell("ended")
        except UsineError as error:
            if not settled.is_set():
                refused.append(error)
            tell("failed", fr=error.text.fr, en=error.text.en)
        except Exception:
            log.exception("attack %s of sitting %s", given.id, sitting_id)
            with contextlib.suppress(Exception):
                tell("failed", fr="défaut interne", en="internal fault")
        finally:
            settled.set()

    threading.Thread(target=run, daemon=True, name=f"attack {row.lab}").start()
    settled.wait(BEGUN_WITHIN_S)
    if refused:
        raise refused[0]
    return Text(fr=f"{given.name.fr} : commencée", en=f"{given.name.en}: begun")


def _offer(given: Attack) -> AttackOffer:
    why = namespaces_available() if "zones" in given.needs else None
    return AttackOffer(given.id, given.name, given.technique, why)
