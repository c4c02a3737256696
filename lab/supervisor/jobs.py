"""The jobs of one supervisor: probes and attacks inside zones, each ended in time and with whoever asked for it."""

import itertools
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.labs import Job
from lab.runtimes.contract import Errand, Handle, Runtime
from lab.supervisor.door import refusal
from simulators.errors import InputError, NotFoundError, StartError, TimeLimitError, UsineError
from simulators.model import Line

JOBS_MAX, JOBS_MAX_PER_LAB = 64, 8
LIMIT_MAX_S = 3600.0
# The job itself stops at its limit; this is for its start, and for an attack to undo what it did.
GRACE_S = {"probe": 2.0, "attack": 8.0}


@dataclass(frozen=True)
class Asker:
    """Who asked for a job: told its progress, then one of `done` and `failed`."""

    progress: Callable[[dict[str, Any]], None]
    done: Callable[[Any], None]
    failed: Callable[[dict[str, str]], None]


@dataclass(eq=False)
class Running:
    """A job whose process lives; `asker` is None once it was answered or left."""

    job: Job
    errand: Errand
    asker: Asker | None
    kill_at_s: float


class Jobs:
    """Single-threaded: everything happens when `selector` says that a descriptor is readable, or in `press`."""

    def __init__(self, runtimes: Mapping[str, Runtime], selector: selectors.BaseSelector) -> None:
        self._runtimes = runtimes
        self._selector = selector
        self._ids = itertools.count()
        self._running: dict[int, Running] = {}
        self._ended: list[Errand] = []

    def start(self, job: Job, handle: Handle, line: Line, asker: Asker) -> Callable[[], None]:
        """Begin a job in the lab of `handle`; the function returned ends it, harmless when it has.

        Raises:
            InputError: no such zone, or no such limit.
            StartError: too many run.
        """
        self._admit(job, line)
        runtime = self._runtimes[handle.runtime]
        errand = runtime.job(handle, line, job)
        number = next(self._ids)
        self._running[number] = Running(job, errand, asker, _deadline(job, job.limit_s + runtime.job_start_s))
        self._selector.register(errand, selectors.EVENT_READ, lambda: self._news(number))
        return lambda: self._leave(number)

    def press(self) -> None:
        """Those that have not ended in time are made to; what is left of the ended ones is released."""
        now = time.monotonic()
        for running in list(self._running.values()):
            if now > running.kill_at_s:
                self._fail(running, _too_slow(running.job))
                running.errand.end(force=True)
        self._ended = [errand for errand in self._ended if not errand.gone()]

    def forsake(self, lab: str) -> None:
        """The lab has ended: so do its jobs."""
        for running in list(self._running.values()):
            if running.job.lab == lab:
                self._fail(running, _lab_ended(lab))
                running.errand.end(force=True)

    def _admit(self, job: Job, line: Line) -> None:
        line.zone(job.zone)
        if not 0.0 < job.limit_s <= LIMIT_MAX_S:
            raise InputError(
                f"limite {job.limit_s:g} s : choisissez de 0 à {LIMIT_MAX_S:.0f} s",
                f"limit {job.limit_s:g} s: choose from 0 to {LIMIT_MAX_S:.0f} s",
            )
        here = sum(running.job.lab == job.lab for running in self._running.values())
        if here >= JOBS_MAX_PER_LAB or len(self._running) >= JOBS_MAX:
            raise StartError(
                f"{job.name} : {here} tâches tournent dans {job.lab} ({JOBS_MAX_PER_LAB} au plus), "
                f"{len(self._running)} en tout ({JOBS_MAX} au plus) ; attendez la fin de l'une d'elles",
                f"{job.name}: {here} jobs run in {job.lab} ({JOBS_MAX_PER_LAB} at most), "
                f"{len(self._running)} in all ({JOBS_MAX} at most); wait for one of them to end",
            )

    def _news(self, number: int) -> None:
        running = self._running[number]
        news = running.errand.news()
        if news is None:
            self._close(number)
            return
        for message in news:
            if running.asker is None:
                continue
            if "progress" in message:
                running.asker.progress(message["progress"])
            elif "error" in message:
                asker, running.asker = running.asker, None
                asker.failed(message["error"])
            else:
                asker, running.asker = running.asker, None
                asker.done(message.get("result"))

    def _close(self, number: int) -> None:
        running = self._running.pop(number)
        # In this order: a lab or a job forked meanwhile holds a copy, and epoll would go on reporting the
        # closed descriptor under its number, which by then may be that of another.
        self._selector.unregister(running.errand)
        running.errand.close()
        running.errand.end(force=True)
        self._ended.append(running.errand)
        self._fail(running, _silent_death(running.job))

    def _leave(self, number: int) -> None:
        """Who asked has gone: it may clear up, and ends."""
        running = self._running.get(number)
        if running is not None and running.asker is not None:
            running.asker = None
            running.kill_at_s = _deadline(running.job, 0.0)
            running.errand.end(force=False)

    def _fail(self, running: Running, error: UsineError) -> None:
        if running.asker is not None:
            asker, running.asker = running.asker, None
            asker.failed(refusal(error))


def _deadline(job: Job, left_s: float) -> float:
    return time.monotonic() + left_s + GRACE_S[job.kind]


def _too_slow(job: Job) -> UsineError:
    return TimeLimitError(
        f"{job.name} : pas fini après {job.limit_s:g} s, arrêté",
        f"{job.name}: not done after {job.limit_s:g} s, ended",
    )


def _lab_ended(lab: str) -> UsineError:
    return NotFoundError(
        f"le labo {lab} s'est arrêté ; voyez « lab ps »", f"lab {lab} has ended; see 'lab ps'"
    )


def _silent_death(job: Job) -> UsineError:
    return StartError(
        f"{job.name} : le processus a fini sans résultat ; voyez le journal du superviseur",
        f"{job.name}: the process ended without a result; see the supervisor's log",
    )
