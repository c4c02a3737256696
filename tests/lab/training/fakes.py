"""An engine and a supervisor that do what a test says: keep `lab.training.engine.Engine` and `lab.labs.Labs`."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal

from lab.exercises.model import Attempts, AuthorTest, Check, Exercise, Hint, Parameter, Setup, Step
from lab.exercises.report import CheckReport, GateResult, Outcome, Progress, StepResult, Verdict
from lab.labs import Connection, Job, Labs, LabStatus
from lab.probes.contract import Evidence, Exchange
from simulators.errors import InputError, NotFoundError, at_line
from simulators.snapshot import Snapshot
from simulators.text import Text

NAME = Text(fr="Nom", en="Name")


def step(name: str, points: float, *hints: Hint) -> Step:
    check = Check(probe="none", expect="yes")
    return Step(
        id=name,
        name=Text(fr=f"Étape {name}", en=f"Step {name}"),
        text=NAME,
        points=points,
        checks=[check],
        hints=list(hints),
    )


def exercise(**changes: Any) -> Exercise:
    """Two steps of 60 and 40 points; plc1 and broker may be edited."""
    fields: dict[str, Any] = {
        "schema": "usine-ecole/exercise/v1",
        "id": "fake",
        "track": "hardening",
        "level": "engineer",
        "sector": "agri_food",
        "line": "bottling",
        "title": Text(fr="Durcir l'automate", en="Harden the PLC"),
        "summary": NAME,
        "minutes": 30,
        "competences": ["c"],
        "editable": ["plc1", "broker"],
        "parameters": {"operator": Parameter(kind="username"), "key": Parameter(kind="secret", hidden=True)},
        "setup": Setup(configurations={"plc1": "plc1.yaml"}),
        "attempts": Attempts(max=3, cooldown_s=20),
        "steps": [
            step("one", 60, Hint(cost=0, text=NAME), Hint(cost="20%", after_min=5, text=NAME)),
            step("two", 40, Hint(cost=10, text=NAME)),
        ],
        "tests": [AuthorTest(solution="none", score=0)],
    }
    return Exercise(**fields | changes)


def report(
    outcomes: dict[str, Outcome], cap: float = 100.0, conclusive: bool = True, words: str = "x"
) -> CheckReport:
    evidence = Evidence("none", {}, "yes", NAME, exchanges=[Exchange(words, words)])
    return CheckReport(
        exercise="fake",
        version=1,
        conclusive=conclusive,
        steps=[
            StepResult(name, outcome, [Verdict(outcome, NAME, "after", evidence)])
            for name, outcome in outcomes.items()
        ],
        gates=[GateResult("production", "pass" if cap == 100 else "fail", {}, cap, NAME)],
        unix_s=0.0,
        duration_s=1.5,
    )


class Clock:
    """A date that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float) -> None:
        self.now += seconds


class FakeEngine:
    """`answer` is what each check gives, or raises; `hold`, if any, is awaited in the middle of one."""

    def __init__(self, *known: Exercise) -> None:
        self.known = {each.id: each for each in known or (exercise(),)}
        self.answer: CheckReport | Exception = report({"one": "pass", "two": "fail"})
        self.hold: threading.Event | None = None
        self.began = threading.Event()
        self.checks: list[dict[str, Any]] = []
        self.set_ups: list[dict[str, Any]] = []
        self.baselines: list[str] = []
        self.starts: Outcome = "pass"

    def exercises(self) -> list[Exercise]:
        return list(self.known.values())

    def exercise(self, exercise_id: str) -> Exercise:
        if exercise_id not in self.known:
            raise NotFoundError(f"exercice {exercise_id} inconnu", f"unknown exercise {exercise_id}")
        return self.known[exercise_id]

    def unavailable(self, exercise: Exercise) -> Text | None:
        return None

    def parameters(self, exercise: Exercise, secret: str, student: str) -> dict[str, Any]:
        return {name: f"{name} {student} {secret[:4]} v{exercise.version}" for name in exercise.parameters}

    def configurations(self, exercise: Exercise, parameters: dict[str, Any]) -> dict[str, str]:
        return {
            device: f"{name} of {parameters['operator']}"
            for device, name in exercise.setup.configurations.items()
        }

    def set_up(
        self,
        exercise: Exercise,
        lab: Connection,
        parameters: dict[str, Any],
        progress: Callable[[dict[str, Any]], None],
    ) -> None:
        self.set_ups.append(parameters)
        for device, text in self.configurations(exercise, parameters).items():
            lab.request("configure", device=device, text=text)

    def warm_up(self, exercise: Exercise, lab: Connection) -> None:
        lab.request("warm")

    def baseline(self, exercise: Exercise, labs: Labs, lab: str, parameters: dict[str, Any]) -> CheckReport:
        self.baselines.append(lab)
        trouble = None if self.starts == "pass" else Text(fr="pas ainsi", en="not so")
        result = StepResult("baseline", self.starts, [])
        return CheckReport("fake", 1, trouble is None, [result], [], 0.0, 0.1, trouble=trouble)

    def check_rules(self, text: str) -> None:
        if "nonsense" in text:
            raise InputError("règles:1 : refusées", "rules:1: refused")

    def check(
        self,
        exercise: Exercise,
        labs: Labs,
        lab: str,
        parameters: dict[str, Any],
        rules: str,
        seed: int,
        progress: Callable[[Progress], None],
    ) -> CheckReport:
        self.checks.append({"lab": lab, "parameters": parameters, "rules": rules, "seed": seed})
        progress(Progress(0, 2, NAME))
        self.began.set()
        if self.hold is not None:
            assert self.hold.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class FakeLab:
    """Devices with a text each; `refused` is a text that no device takes."""

    refused = "nonsense"

    def __init__(self, seed: int, kept: dict[str, str]) -> None:
        self.seed, self.texts = seed, kept
        self.saved: dict[str, str] | None = None
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.restarts = 0
        self.runtime = "local"
        self.state: Literal["starting", "running", "failed"] = "running"


class FakeLabs:
    """A supervisor. `kept` are the folders of labs, which survive them; `broken` names cannot start."""

    def __init__(self) -> None:
        self.labs: dict[str, FakeLab] = {}
        self.kept: dict[str, dict[str, str]] = {}
        self.broken: set[str] = set()
        self.jobs: list[Job] = []
        self.job: Callable[[Job, Callable[[dict[str, Any]], None]], Any] = lambda _job, _tell: None
        self.started: list[str] = []

    def list(self) -> list[LabStatus]:
        return [
            LabStatus(name, "bottling", lab.runtime, lab.state, 1, lab.seed, 0.0, lab.restarts)
            for name, lab in list(self.labs.items())
        ]

    def attach(self, name: str) -> Connection:
        return FakeConnection(self._lab(name))

    def start(
        self,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        progress: Callable[[dict[str, Any]], None] = lambda _message: None,
        runtime: str = "",
        spread: bool = False,
    ) -> LabStatus:
        assert name is not None
        assert seed is not None
        if name in self.labs:
            raise InputError(f"{name} tourne déjà", f"{name} already runs")
        if any(part in name for part in self.broken):
            raise InputError(f"{name} ne démarre pas", f"{name} does not start")
        progress({"device": "plc1", "state": "ok"})
        self.labs[name] = FakeLab(seed, self.kept.setdefault(name, {}))
        self.labs[name].runtime = runtime
        self.started.append(name)
        return self.list()[-1]

    def terminal(self, name: str, zone: str, columns: int, rows: int) -> socket.socket:
        raise NotFoundError("pas de terminal ici", "no terminal here")

    def stop(self, name: str, forget: bool = False) -> None:
        if name not in self.kept:
            raise NotFoundError(f"{name} inconnu", f"unknown {name}")
        self.labs.pop(name, None)
        if forget:
            self.kept.pop(name)

    def run(self, job: Job, progress: Callable[[dict[str, Any]], None] = lambda _message: None) -> Any:
        self._lab(job.lab)
        self.jobs.append(job)
        return self.job(job, progress)

    def _lab(self, name: str) -> FakeLab:
        if name not in self.labs:
            raise NotFoundError(f"{name} ne tourne pas", f"{name} does not run")
        return self.labs[name]


class FakeConnection:
    """Into one `FakeLab`."""

    def __init__(self, lab: FakeLab) -> None:
        self._lab = lab

    def request(self, verb: str, **arguments: Any) -> Any:
        lab = self._lab
        lab.asked.append((verb, arguments))
        match verb, arguments:
            case "config", {"device": device}:
                return {
                    "text": lab.texts.get(device, "line's"),
                    "default": "line's",
                    "versions": [],
                    "schema": None,
                }
            case "check" | "configure", {"device": device, "text": text} if lab.refused in text:
                raise at_line(device, 1, "refusé", "refused")
            case "configure", {"device": device, "text": text}:
                lab.texts[device] = text
            case "checkpoint", _:
                lab.saved = dict(lab.texts)
            case "restore", _:
                if lab.saved is None:
                    raise InputError("aucun point de reprise", "no checkpoint")
                lab.texts.clear()
                lab.texts.update(lab.saved)
        return True

    def stream(self) -> Iterator[Snapshot]:
        return iter(())

    def close(self) -> None: ...

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, *exc: object) -> None: ...
