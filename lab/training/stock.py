"""Hidden runs played ahead, so that a class that asks for checks at once does not wait for each other's.

A seed is drawn like that of any check, is given once and to one check only, and is known to nobody before.
"""

import contextlib
import logging
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from sqlalchemy import select

from lab.catalog import find_line
from lab.exercises.ahead import hidden_runs
from lab.exercises.model import Exercise
from lab.probes.contract import Ahead
from lab.store.tables import SittingRow
from lab.training.context import Context
from simulators.errors import UsineError

SEEDS = 1 << 31
# Fewer than are kept of any probe's runs, so that none is gone when it is wanted.
STOCK_MAX = 8
log = logging.getLogger(__name__)
Plays = Callable[[Exercise], Sequence[Callable[[Ahead], object]]]


def take(context: Context, exercise_id: str) -> int:
    """The seed of a check's hidden runs: one that was played ahead, else a fresh one."""
    ready = context.stock[exercise_id]
    try:
        return ready.pop(0)
    except IndexError:
        return secrets.randbelow(SEEDS)


def restock(context: Context, plays: Plays = hidden_runs) -> int:
    """Play ahead once for each exercise that labs are at work on, as many as those labs at most; how many were played.

    Raises:
        UsineError: the labs cannot be listed.
    """
    made = 0
    for exercise_id, runtimes in _at_work(context).items():
        if len(context.stock[exercise_id]) < min(STOCK_MAX, sum(runtimes.values())):
            made += _played(context, exercise_id, runtimes.most_common(1)[0][0], plays)
    return made


def keep_stocking(context: Context, every_s: float, plays: Plays = hidden_runs) -> Callable[[], None]:
    """In a thread, until the function that is returned is called; what is being played then is not waited for."""
    ended = threading.Event()

    def work() -> None:
        _end_leftovers(context)
        while not ended.wait(every_s):
            try:
                restock(context, plays)
            except Exception:  # the next one may do better; checks play their own meanwhile
                log.exception("stock of hidden runs")

    threading.Thread(target=work, daemon=True, name="stock").start()
    return ended.set


def _end_leftovers(context: Context) -> None:
    """Hidden labs that a server left which did not live to end them."""
    with contextlib.suppress(UsineError):
        for name in context.statuses():
            if name.startswith("hidden-"):
                context.labs.stop(name, forget=True)


def _played(context: Context, exercise_id: str, runtime: str, plays: Plays) -> int:
    try:
        exercise = context.engine.exercise(exercise_id)
        wanted = plays(exercise)
        if not wanted:
            return 0
        seed = secrets.randbelow(SEEDS)
        ahead = Ahead(find_line(exercise.line), context.labs, seed, runtime, patient=True)
        for play in wanted:
            play(ahead)
    except UsineError as error:
        log.warning("hidden runs of %s: %s", exercise_id, error)
        return 0
    context.stock[exercise_id].append(seed)
    return 1


def _at_work(context: Context) -> dict[str, Counter[str]]:
    """Exercise → how many of its labs run, by runtime."""
    statuses = context.statuses()
    with context.database.read() as session:
        rows = session.execute(select(SittingRow.exercise, SittingRow.lab).where(SittingRow.lab_wanted)).all()
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for exercise_id, lab in rows:
        if lab in statuses and statuses[lab].state == "running":
            found[exercise_id][statuses[lab].runtime] += 1
    return found
