"""The labs of one supervisor: started, watched, restarted after a crash, ended, found again."""

import contextlib
import os
import select
import selectors
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from lab.labs import LabStatus
from lab.paths import Paths
from lab.runtimes.contract import Handle, Launch, Runtime
from lab.supervisor.door import refusal
from lab.supervisor.log import note
from simulators.errors import InputError, StartError, UsineError
from simulators.host import journal
from simulators.host.plan import Plan
from simulators.model import Line, load_line
from simulators.os_errors import unreadable
from simulators.text import Text

State = Literal["starting", "running", "failed"]

# Five crashes within a minute and a lab is given up.
CRASHES_MAX, CRASHES_WINDOW_S = 5, 60.0


@dataclass
class Waiter:
    """Who asked for a start: told each device, then one of `done` and `failed`."""

    progress: Callable[[dict[str, Any]], None]
    done: Callable[[LabStatus], None]
    failed: Callable[[dict[str, str]], None]


@dataclass
class Lab:
    """A lab that was started and not stopped since."""

    handle: Handle
    state: State = "starting"
    launch: Launch | None = None
    watched: int | None = None
    waiter: Waiter | None = None
    stoppers: list[Callable[[], None]] = field(default_factory=list)
    stop_by_s: float | None = None
    forget: bool = False
    crashes: list[float] = field(default_factory=list)
    detail: str = ""
    start_by_s: float = float("inf")
    awaited: dict[str, str] = field(default_factory=dict)
    refusal: dict[str, str] | None = None

    @property
    def name(self) -> str:
        return self.handle.plan.name


class Fleet:
    """Single-threaded: everything happens when `selector` says that a descriptor is readable.

    `ended` is told the name of each lab whose process has ended, `log` how, and what was done about it.
    """

    def __init__(
        self,
        paths: Paths,
        runtimes: Mapping[str, Runtime],
        selector: selectors.BaseSelector,
        ended: Callable[[str], None] = lambda _name: None,
        log: Callable[[Text], None] = note,
    ) -> None:
        self._paths = paths
        self._runtimes = runtimes
        self._selector = selector
        self._told = ended
        self._log = log
        self._lines: dict[tuple[str, float], Line] = {}
        self._prepared: set[tuple[tuple[str, float], str]] = set()
        self.labs: dict[str, Lab] = {}

    def status(self, lab: Lab) -> LabStatus:
        plan = lab.handle.plan
        return LabStatus(
            name=plan.name,
            line=Path(plan.line).parent.name,
            runtime=lab.handle.runtime,
            state=self.state(lab),
            pid=None if lab.state == "failed" else lab.handle.pid or None,
            seed=plan.seed,
            started_unix_s=lab.handle.started_unix_s,
            restarts=lab.handle.restarts,
            detail=lab.detail,
            subnets=self._subnets(lab.handle),
            machines=lab.handle.machines if lab.state == "running" else [],
        )

    def state(self, lab: Lab) -> State:
        """As callers are told it: what runs, and cannot be reached yet, is starting. What is being ended runs to its end."""
        if lab.state == "running" and lab.stop_by_s is None and not self._of(lab).reached(lab.handle):
            return "starting"
        return lab.state

    def _subnets(self, handle: Handle) -> dict[str, str]:
        try:
            line = self.line(Path(handle.plan.line), handle.runtime)
            return {zone.id: zone.subnet for zone in line.zones}
        except UsineError:
            return {}

    def runtime(self, name: str) -> Runtime:
        """Raises: InputError: no such runtime; says which there are."""
        found = self._runtimes.get(name)
        if found is None:
            known = ", ".join(self._runtimes)
            raise InputError(
                f"runtime {name} inconnu ; choisissez parmi : {known}",
                f"unknown runtime {name}; choose one of: {known}",
            )
        return found

    def line(self, path: Path, runtime: str = "local") -> Line:
        """The line at `path`, read once for all the labs that run it. Raises: InputError."""
        try:
            key = (str(path), path.stat().st_mtime)
        except OSError as error:
            raise unreadable(path, error) from error
        if key not in self._lines:
            self._lines[key] = load_line(path)
        if (key, runtime) not in self._prepared:
            self._prepared.add((key, runtime))
            self.runtime(runtime).prepare(self._lines[key])
        return self._lines[key]

    def start(self, plan: Plan, runtime: str, waiter: Waiter | None = None, after: Lab | None = None) -> None:
        """Launch a lab, or launch it again `after` a crash.

        Raises:
            InputError: its line cannot be read, or there is no such runtime.
            StartError: the runtime cannot take it.
        """
        carrier = self.runtime(runtime)
        line = self.line(Path(plan.line), runtime)
        launch = carrier.launch(plan, line, after.handle.restarts + 1 if after else 0)
        lab = Lab(launch.handle, launch=launch, waiter=waiter)
        lab.start_by_s = time.monotonic() + carrier.start_limit_s
        if after is not None:
            lab.crashes, lab.detail = after.crashes, after.detail
        self.labs[plan.name] = lab
        self._selector.register(launch, selectors.EVENT_READ, lambda: self._news(lab))
        self._watch(lab)

    def stop(self, lab: Lab, then: Callable[[], None] | None = None, forget: bool = False) -> None:
        """End a lab; `then` is called when it has ended."""
        lab.forget = lab.forget or forget
        if then is not None:
            lab.stoppers.append(then)
        if lab.state == "failed" and lab.watched is None:
            self._gone(lab)
        elif lab.stop_by_s is None:
            lab.stop_by_s = time.monotonic() + self._of(lab).stop_limit_s
            self._of(lab).end(lab.handle, force=False)

    def press(self) -> None:
        """Those that were asked to end, and have not in time, are made to."""
        now = time.monotonic()
        for lab in list(self.labs.values()):
            if lab.stop_by_s is not None and now > lab.stop_by_s:
                self._of(lab).end(lab.handle, force=True)
            elif lab.state == "starting" and lab.stop_by_s is None and now > lab.start_by_s:
                self._refused(lab, refusal(self._too_slow(lab)))
                self._of(lab).end(lab.handle, force=True)

    def adopt(self) -> None:
        """Find again the labs of a supervisor that died: their handles are in files, or the runtime itself knows them."""
        handles: dict[str, Handle] = {}
        for runtime in self._runtimes.values():
            # A runtime that does not answer now has labs that the files tell of.
            with contextlib.suppress(UsineError):
                handles.update({handle.plan.name: handle for handle in runtime.found()})
        for path in sorted(self._paths.run.glob("*.json")):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                handle = msgspec.json.decode(path.read_bytes(), type=Handle)
                handles[handle.plan.name] = handle
        for name, handle in handles.items():
            lab = Lab(handle, state="running")
            self._watch(lab)
            if lab.watched is None:
                self._paths.handle(name).unlink(missing_ok=True)
            else:
                self.labs[name] = lab

    def _of(self, lab: Lab) -> Runtime:
        return self._runtimes[lab.handle.runtime]

    def clear(self, name: str, folder: bool) -> None:
        """Remove what is left of a lab that has ended; with `folder`, its files too."""
        self._paths.handle(name).unlink(missing_ok=True)
        self._paths.control(name).unlink(missing_ok=True)
        shutil.rmtree(self._paths.container(name), ignore_errors=True)
        if folder:
            shutil.rmtree(self._paths.lab(name), ignore_errors=True)

    def _watch(self, lab: Lab) -> None:
        lab.watched = self._of(lab).watch(lab.handle)
        if lab.watched is not None:
            self._selector.register(lab.watched, selectors.EVENT_READ, lambda: self._ended(lab))

    def _news(self, lab: Lab) -> None:
        launch = lab.launch
        if launch is None:
            return
        news = launch.news()
        if news is None:
            # In this order: a lab forked meanwhile holds a copy, and epoll would go on reporting the closed
            # descriptor under its number, which by then may be that of another lab.
            self._selector.unregister(launch)
            launch.close()
            lab.launch = None
            return
        for message in news:
            if "ready" in message:
                self._ready(lab, message)
            elif "error" in message:
                self._refused(lab, message["error"])
            else:
                self._under_way(lab, message)

    def _under_way(self, lab: Lab, message: dict[str, Any]) -> None:
        if "queued" in message:
            # Its own time begins with its turn.
            lab.start_by_s = time.monotonic() + self._of(lab).start_limit_s
        else:
            lab.awaited[message["device"]] = message["state"]
        if lab.waiter is not None:
            lab.waiter.progress(message)

    def _ready(self, lab: Lab, message: dict[str, Any]) -> None:
        former = lab.handle.plan
        plan = msgspec.structs.replace(
            former, forwards=message["forwards"], line=message.get("line", former.line)
        )
        lab.handle = msgspec.structs.replace(lab.handle, plan=plan, machines=message.get("machines", []))
        lab.state, lab.detail = "running", ""
        self._of(lab).settle(lab.handle)
        self._write(lab.handle)
        if lab.waiter is not None:
            waiter, lab.waiter = lab.waiter, None
            waiter.done(self.status(lab))

    def _refused(self, lab: Lab, error: dict[str, str]) -> None:
        """It said why it cannot run, and ends by itself; who asked is told when it has."""
        lab.refusal = error
        lab.detail = f"{error['fr']} / {error['en']}"
        if lab.waiter is not None:
            lab.stop_by_s = time.monotonic() + self._of(lab).stop_limit_s

    def _ended(self, lab: Lab) -> None:
        if lab.watched is None or not select.select([lab.watched], [], [], 0)[0]:
            return
        self._selector.unregister(lab.watched)
        os.close(lab.watched)
        lab.watched = None
        while lab.launch is not None:
            self._news(lab)
        how = self._of(lab).reap(lab.handle)
        self._told(lab.name)
        if not how:
            self._gone(lab)
            return
        if lab.waiter is not None:
            waiter, lab.waiter = lab.waiter, None
            told = lab.refusal or refusal(self._silent_death(lab, how))
            self._say(lab, how, ("pas prêt", "not ready"))
            self._gone(lab)
            waiter.failed(told)
        elif lab.stop_by_s is not None:
            self._gone(lab)
        else:
            self._crashed(lab, how)

    def _too_slow(self, lab: Lab) -> StartError:
        slow = ", ".join(device for device, state in lab.awaited.items() if state != "ok") or "–"
        log, limit_s = self._paths.supervisor_log, self._of(lab).start_limit_s
        return StartError(
            f"{lab.name} : pas prêt après {limit_s:.0f} s (attendus : {slow}) ; voyez {log}",
            f"{lab.name}: not ready after {limit_s:.0f} s (awaited: {slow}); see {log}",
        )

    def _silent_death(self, lab: Lab, how: str) -> StartError:
        log = self._paths.supervisor_log
        return StartError(
            f"{lab.name} : le processus du labo a fini ({how}) ; voyez {log}",
            f"{lab.name}: the lab's process ended ({how}); see {log}",
        )

    def _crashed(self, lab: Lab, how: str) -> None:
        now = time.monotonic()
        lab.crashes = [t for t in lab.crashes if now - t < CRASHES_WINDOW_S] + [now]
        lab.detail = how
        if len(lab.crashes) > CRASHES_MAX:
            self._give_up(lab, f"{len(lab.crashes)} × {how}", how)
            return
        restarts = lab.handle.restarts + 1
        self._say(lab, how, (f"redémarré (n° {restarts})", f"started again (restart {restarts})"))
        try:
            self.start(lab.handle.plan, lab.handle.runtime, after=lab)
        except UsineError as error:
            lab.refusal = refusal(error)
            self._give_up(lab, how, how)

    def _give_up(self, lab: Lab, detail: str, how: str) -> None:
        lab.state = "failed"
        reason = f"{lab.refusal['fr']} / {lab.refusal['en']}" if lab.refusal is not None else ""
        lab.detail = " ; ".join(part for part in (detail, reason) if part)
        self._say(lab, how, ("abandonné", "given up"))

    def _say(self, lab: Lab, how: str, done: tuple[str, str]) -> None:
        """In the supervisor's log and in the lab's journal, whose writer has ended."""
        why = lab.refusal
        fr, en = (f" ; raison donnée : {why['fr']}", f"; reason given: {why['en']}") if why else ("", "")
        self._log(
            Text(
                fr=f"labo {lab.name} (pid {lab.handle.pid}) : fini ({how}), {done[0]}{fr}",
                en=f"lab {lab.name} (pid {lab.handle.pid}): ended ({how}), {done[1]}{en}",
            )
        )
        with contextlib.suppress(OSError):
            journal.add(Path(lab.handle.plan.folder), "lab_ended", how=how, then=done[1])

    def _gone(self, lab: Lab) -> None:
        self.labs.pop(lab.name, None)
        self.clear(lab.name, lab.forget)
        for told in lab.stoppers:
            told()

    def _write(self, handle: Handle) -> None:
        path = self._paths.handle(handle.plan.name)
        fresh = path.with_suffix(".new")
        # A disk that is full costs the adoption of this lab after a crash of ours, not the lab.
        with contextlib.suppress(OSError):
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(handle))
            fresh.replace(path)
