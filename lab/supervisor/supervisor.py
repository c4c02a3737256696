"""The supervisor's verbs, and its life.

| verb | arguments | result |
|---|---|---|
| ping | – | "pong" |
| list | – | [`lab.labs.LabStatus`] |
| start | line, name, seed, speed, flat, runtime, spread | `{"progress": …}` messages, then a LabStatus |
| stop | name, forget | true |
| attach | name | true, with an authenticated connection to the lab as a file descriptor |
| terminal | name, zone, columns, rows | true, with one end of a terminal on the lab's workstation as a file descriptor |
| run | the fields of `lab.labs.Job` | `{"progress": …}` messages, then the job's result; it ends with the connection |
| shutdown | labs | true |
"""

import secrets
import selectors
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from lab.catalog import line_argument, line_path
from lab.connection import connect
from lab.labs import Job
from lab.paths import Paths, check_name, check_socket
from lab.runtimes.contract import Runtime
from lab.runtimes.names import SPREADING
from lab.supervisor.door import Client, Door
from lab.supervisor.fleet import Fleet, Lab, State, Waiter
from lab.supervisor.jobs import Asker, Jobs
from simulators.clock import SPEED_MAX, SPEED_MIN
from simulators.errors import InputError, NotFoundError, StartError
from simulators.host.plan import Plan
from simulators.validation import fitted

LOOK_S = 0.25


class Supervisor:
    """Serves one folder of labs; `runtimes` carry them, by name. Raises: StartError: another one serves it.

    `usual` is the runtime of labs that are asked for without one.
    """

    def __init__(self, paths: Paths, runtimes: Mapping[str, Runtime], usual: str = "local") -> None:
        self._paths, self._usual = paths, usual
        self._selector = selectors.DefaultSelector()
        self._runtimes = runtimes
        self._jobs = Jobs(runtimes, self._selector)
        self._fleet = Fleet(paths, runtimes, self._selector, self._jobs.forsake)
        self._door = Door(paths.supervisor_socket, paths.token(), self._selector, self._hear)
        self._verbs: dict[str, Callable[..., None]] = {
            "ping": self._ping,
            "list": self._list,
            "start": self._start,
            "stop": self._stop,
            "attach": self._attach,
            "terminal": self._terminal,
            "run": self._run,
            "shutdown": self._shutdown,
        }
        self._ending = self._emptying = False

    def serve(self) -> None:
        """Serve until told to end; labs go on unless they were told to end too."""
        self._fleet.adopt()
        while not self._ending:
            self._look()
        self._door.close()
        for runtime in self._runtimes.values():
            runtime.close()

    def end(self, labs: bool) -> None:
        """Leave `serve`; with `labs`, once they have ended."""
        if labs:
            self._emptying = True
            for lab in list(self._fleet.labs.values()):
                self._fleet.stop(lab)
            deadline = time.monotonic() + 2 * max(runtime.stop_limit_s for runtime in self._runtimes.values())
            while self._fleet.labs and time.monotonic() < deadline:
                self._look()
        self._ending = True

    def _look(self) -> None:
        for key, _events in self._selector.select(timeout=LOOK_S):
            # A handler may have closed what another of this round was about.
            if self._selector.get_map().get(key.fd) is key:
                try:
                    key.data()
                except Exception:
                    traceback.print_exc()
        self._fleet.press()
        self._jobs.press()

    def _hear(self, client: Client, name: str, arguments: dict[str, object]) -> None:
        verb = self._verbs.get(name)
        if verb is None:
            known = ", ".join(self._verbs)
            raise InputError(
                f"verbe {name} inconnu ; choisissez parmi : {known}",
                f"unknown verb {name}; choose one of: {known}",
            )
        verb(client, **arguments)

    def _ping(self, client: Client) -> None:
        client.answer("pong")

    def _list(self, client: Client) -> None:
        statuses = [self._fleet.status(lab) for lab in self._fleet.labs.values()]
        client.answer(msgspec.to_builtins(statuses))

    def _start(
        self,
        client: Client,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        runtime: str = "",
        spread: bool = False,
    ) -> None:
        if self._emptying:
            raise StartError(
                "le superviseur s'arrête, avec tous les labos ; relancez la commande dans un instant",
                "the supervisor is ending, with all labs; run the command again in a moment",
            )
        path = line_path(line)
        runtime = runtime or self._usual
        self._fleet.runtime(runtime)
        if spread and runtime not in SPREADING:
            raise _not_spread(runtime)
        known = self._fleet.line(path, runtime)
        chosen = check_name(name) if name else self._free_name(known.id.replace("_", "-"))
        former = self._fleet.labs.get(chosen)
        if former is not None and former.state != "failed":
            raise InputError(
                f"le labo {chosen} tourne déjà ; choisissez un autre nom (--name) ou « lab stop {chosen} »",
                f"lab {chosen} already runs; choose another name (--name) or 'lab stop {chosen}'",
            )
        if not SPEED_MIN <= speed <= SPEED_MAX:
            raise InputError(
                f"vitesse {speed:g} : choisissez de 1 à 100", f"speed {speed:g}: choose from 1 to 100"
            )
        check_socket(self._paths.control(chosen))
        plan = Plan(
            name=chosen,
            line=str(path),
            seed=secrets.randbelow(1 << 31) if seed is None else seed,
            folder=str(self._paths.lab(chosen)),
            control=str(self._control(chosen, runtime)),
            token=secrets.token_hex(32),
            speed=speed,
            flat=flat,
            bus_secret=secrets.token_hex(32),
            spread=spread,
        )
        waiter = Waiter(client.progress, lambda s: client.answer(msgspec.to_builtins(s)), client.refuse)
        self._fleet.start(plan, runtime, waiter)

    def _control(self, name: str, runtime: str) -> Path:
        if runtime == "local":
            return self._paths.control(name)
        return self._paths.container(name) / "control.sock"

    def _stop(self, client: Client, name: str, forget: bool = False) -> None:
        lab = self._fleet.labs.get(name)
        if lab is not None:
            self._fleet.stop(lab, lambda: client.answer(True), forget)
            return
        if not self._paths.lab(check_name(name)).exists():
            raise self._unknown(name)
        self._fleet.clear(name, forget)
        client.answer(True)

    def _attach(self, client: Client, name: str) -> None:
        with connect(self._running(name).handle.plan) as connected:
            client.answer(True, [connected.fileno()])

    def _terminal(self, client: Client, name: str, zone: str, columns: int = 80, rows: int = 24) -> None:
        handle = self._running(name).handle
        with self._runtimes[handle.runtime].terminal(handle, zone, columns, rows) as end:
            client.answer(True, [end.fileno()])

    def _run(self, client: Client, **fields: object) -> None:
        job = _job(fields)
        handle = self._running(job.lab).handle
        line = self._fleet.line(Path(handle.plan.line), handle.runtime)
        asker = Asker(client.progress, client.answer, client.refuse)
        client.leaving.append(self._jobs.start(job, handle, line, asker))

    def _running(self, name: str) -> Lab:
        lab = self._fleet.labs.get(name)
        if lab is None:
            raise self._unknown(name)
        state = self._fleet.state(lab)
        if state != "running":
            raise _absent(lab, state)
        return lab

    def _shutdown(self, client: Client, labs: bool = False) -> None:
        self.end(labs)
        client.answer(True)

    def _free_name(self, base: str) -> str:
        count = 1
        while (name := base if count == 1 else f"{base}-{count}") in self._fleet.labs:
            count += 1
        return name

    def _unknown(self, name: str) -> NotFoundError:
        known = ", ".join(self._fleet.labs) or "–"
        return NotFoundError(
            f"aucun labo {name} ; ceux qui tournent : {known}", f"no lab {name}; those that run: {known}"
        )


def _absent(lab: Lab, state: State) -> NotFoundError:
    name, plan = lab.name, lab.handle.plan
    if state == "starting":
        return NotFoundError(
            f"le labo {name} démarre ; attendez, « lab ps » dit quand il est prêt",
            f"lab {name} is starting; wait, 'lab ps' says when it is ready",
        )
    again = f"lab start {line_argument(Path(plan.line))} --name {name} --seed {plan.seed}"
    return NotFoundError(
        f"le labo {name} est en panne ({lab.detail}) ; voyez « lab logs {name} », puis relancez « {again} »",
        f"lab {name} has failed ({lab.detail}); see 'lab logs {name}', then start it again: '{again}'",
    )


def _not_spread(runtime: str) -> InputError:
    """A runtime whose labs are on one machine was asked to spread one."""
    known = ", ".join(sorted(SPREADING))
    return InputError(
        f"--spread répartit les équipements d'un labo sur les machines d'un essaim, ce que le runtime {runtime} ne fait pas ; "
        f"ajoutez --runtime {known}, ou retirez --spread",
        f"--spread puts a lab's devices on several machines of a swarm, which the runtime {runtime} does not; "
        f"add --runtime {known}, or leave --spread out",
    )


def _job(fields: dict[str, object]) -> Job:
    """Raises: InputError: not a job."""
    return fitted(fields, Job, "run", "run")
