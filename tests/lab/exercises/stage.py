"""A stage for the engine: probes without a network, labs without a process, and a small exercise to be graded.

The door of `plc2` is what its configuration says, in one word: `open` to everybody, `locked` (only `guest` enters), `deaf`
(refuses all), `stopped` (never answers), `volatile` (locked until it restarts). With `idle` the plant stops producing, with
`mutinous` it obeys no operator.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.exercises.load import load_exercise
from lab.exercises.model import Exercise
from lab.labs import Job, LabStatus, Progress
from lab.probes import contract
from lab.probes.contract import Finding, Inside, Probe
from simulators.contracts import Health
from simulators.errors import InputError, NotFoundError, TimeLimitError
from simulators.snapshot import DeviceStatus, Snapshot, TagValue
from simulators.text import Text


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    user: str = "anonymous"
    tags: list[str] = []


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str = ""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    window_s: float


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tags: list[str]


def said(words: str) -> Text:
    return Text(fr=f"vu : {words}", en=f"seen: {words}")


async def at_the_door(_where: Any, _args: Door) -> Finding:
    raise AssertionError("the fake labs answer in its place")


def rules(inside: Inside, args: Words) -> Finding:
    inside.doing(Text(fr="lecture", en="reading"))
    there = args.word in inside.rules
    return Finding(
        "found" if there else "missing", said(inside.rules), {"words": float(len(inside.rules.split()))}
    )


def window(inside: Inside, args: Window) -> Finding:
    idle = "idle" in inside.lab.request("config", device="plc2")["text"]
    return Finding(
        "measured", said("window"), {"throughput_pct": 10.0 if idle else 99.0, "critical_alarms": 0.0}
    )


def command(inside: Inside, args: Command) -> Finding:
    deaf = "mutinous" in inside.lab.request("config", device="plc2")["text"]
    figures = {"commands_pct": 0.0 if deaf else 100.0}
    return Finding("not_obeyed" if deaf else "obeyed", said(", ".join(args.tags)), figures)


PROBES = {
    made.name: made
    for made in (
        Probe("stage.door", Door, ("accepted", "rejected"), at_the_door, "zone", ("rejected",), ("wait_s",)),
        Probe("stage.rules", Words, ("found", "missing"), rules, "inside", (), ("words",)),
        Probe(
            "process.window",
            Window,
            ("measured",),
            window,
            "inside",
            (),
            ("throughput_pct", "critical_alarms"),
        ),
        Probe(
            "operation.command", Command, ("obeyed", "not_obeyed"), command, "inside", (), ("commands_pct",)
        ),
    )
}


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage's probes, and no others."""
    monkeypatch.setattr(contract, "probes", lambda: PROBES)


@dataclass
class StageLab:
    """One lab's state, and a connection to it at once."""

    name: str
    seed: int = 1
    texts: dict[str, str] = field(default_factory=lambda: {"plc2": "open"})
    paused: bool = False
    down: set[str] = field(default_factory=set)
    restarts: int = 0
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    t_s: float = 0.0
    speed: float = 1.0

    def request(self, verb: str, **arguments: Any) -> Any:
        self.requests.append((verb, arguments))
        return getattr(self, f"_{verb}")(**arguments)

    def stream(self) -> Iterator[Snapshot]:
        return iter(())

    def close(self) -> None: ...

    def __enter__(self) -> "StageLab":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def _snapshot(self) -> Any:
        self.t_s += 1.0 * self.speed
        devices = [DeviceStatus("plc2", "opcua_plc", Health("failed" if "plc2" in self.down else "ok"))]
        return msgspec.to_builtins(
            Snapshot(
                lab=self.name, line="bottling", seed=self.seed, t_s=self.t_s, unix_s=0.0, speed=self.speed,
                paused=self.paused, enforces_zones=True, tags={"A.B": TagValue(1, 1, "good", 0.0)}, kpis={},
                alarms=[], devices=devices, assets=[], figures={},
            )
        )  # fmt: skip

    def _config(self, device: str) -> Any:
        return {"text": self.texts[device], "default": "open", "versions": [], "schema": None}

    def _configure(self, device: str, text: str) -> bool:
        if "nonsense" in text:
            raise InputError(f"{device} : refusé", f"{device}: refused")
        self.texts[device] = text
        return True

    def _restart(self, device: str) -> bool:
        self.texts[device] = self.texts[device].replace("volatile", "open")
        return True

    def _speed(self, speed: float) -> bool:
        self.speed = speed
        return True

    def _fault(self, asset: str, mode: str, severity: float = 1.0) -> bool:
        return True


@dataclass
class StageLabs:
    """`lab.labs.Labs`: labs that answer at once."""

    running: dict[str, StageLab] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    crash_at_job: int | None = None
    every: list[StageLab] = field(default_factory=list)

    def list(self) -> list[LabStatus]:
        return [
            LabStatus(lab.name, "bottling", "local", "running", 1, lab.seed, 0.0, lab.restarts)
            for lab in self.running.values()
        ]

    def attach(self, name: str) -> StageLab:
        if name not in self.running:
            raise NotFoundError(f"aucun labo {name}", f"no lab {name}")
        return self.running[name]

    def start(
        self,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        progress: Progress = lambda _message: None,
        runtime: str = "",
        spread: bool = False,
    ) -> LabStatus:
        made = StageLab(name or line, seed or 0)
        self.running[made.name] = made
        self.every.append(made)
        return self.list()[-1]

    def terminal(self, name: str, zone: str, columns: int, rows: int) -> socket.socket:
        raise NotFoundError("pas de terminal ici", "no terminal here")

    def stop(self, name: str, forget: bool = False) -> None:
        self.running.pop(name)

    def run(self, job: Job, progress: Progress = lambda _message: None) -> Any:
        self.jobs.append(job)
        if self.crash_at_job == len(self.jobs):
            self.running[job.lab].restarts += 1
        return msgspec.to_builtins(answer(self.running[job.lab].texts["plc2"], Door(**job.arguments)))


def answer(text: str, door: Door) -> Finding:
    """What somebody at the door meets."""
    if "stopped" in text:
        raise TimeLimitError("rien", "nothing")
    closed = "deaf" in text or (("locked" in text or "volatile" in text) and door.user != "guest")
    outcome = "rejected" if closed else "accepted"
    return Finding(outcome, said(f"{door.user} {outcome}"), {"wait_s": 0.1})


EXERCISE = """\
schema: usine-ecole/exercise/v1
id: small-door
track: hardening
level: technician
sector: agri_food
line: bottling
title: {fr: La porte, en: The door}
summary: {fr: Fermer la porte, en: Close the door}
minutes: 45
standard: {iec62443-3-3: [SR 1.1, SR 2.1 RE 1]}
competences: [security-standards]
panels: [mimic, configuration, rules]
editable: [plc2]
parameters:
  clerk: {kind: username}
  word: {kind: secret, length: 10}
  buried: {kind: secret, hidden: true}
baseline:
  - {probe: stage.door, zone: control, device: plc2, expect: accepted}
gates:
  - {id: production, name: {fr: Production, en: Production}, window_s: 1, require: {throughput_pct: ">=95", critical_alarms: 0}, operate: [Filler.SetPoint], cap: 40}
restart: [plc2]
steps:
  - id: anonymous
    name: {fr: Anonyme, en: Anonymous}
    text: {fr: Refuser les anonymes, en: Refuse the anonymous}
    points: 40
    checks:
      - probe: stage.door
        zone: control
        device: plc2
        expect: rejected
        control: {probe: stage.door, zone: control, device: plc2, user: guest, expect: accepted}
        feedback:
          accepted: {fr: "La porte est ouverte à ${clerk}", en: "The door is open to ${clerk}"}
    hints:
      - {cost: 0, text: {fr: Regardez, en: Look}}
      - {cost: 25%, after_min: 5, text: {fr: Écrivez locked, en: Write locked}}
  - id: clerk
    name: {fr: Employé, en: Clerk}
    text: {fr: "Refuser ${clerk}", en: "Refuse ${clerk}"}
    points: 20
    checks:
      - probe: stage.door
        zone: control
        device: plc2
        user: "${clerk}"
        expect: [rejected]
        control: {probe: stage.door, zone: control, device: plc2, user: guest, expect: accepted}
  - id: word
    name: {fr: Mot, en: Word}
    text: {fr: "Écrire ${word}", en: "Write ${word}"}
    points: 20
    checks:
      - {probe: stage.rules, word: "${word}", expect: found}
  - id: brevity
    name: {fr: Concision, en: Brevity}
    text: {fr: Trois mots au plus, en: Three words at most}
    points: 20
    checks:
      - {probe: stage.rules, word: "${buried}", expect: {words: "<=3"}}
      - {probe: stage.rules, word: "${word}", expect: {words: ">0"}}
tests:
  - {solution: none, score: 0}
  - {solution: reference, score: 100, seeds: 3}
  - {solution: stop, at_most: 40}
  - {solution: deaf, at_most: 40}
  - {solution: idle, at_most: 40}
"""

BRIEF = """# {title}

Why a door, in eight words or more, is here.

## {know}

A door has a lock, and a lock has a key, always.

## {task}

Lock the door, then write the word ${{word}} in your rules, no more.

```yaml
# this is no heading
```

## {graded}

That the door refuses, that guests still enter, that production goes on.
"""

SOLUTIONS = {
    "reference": """
def solve(desk):
    desk.configure("plc2", "locked")
    desk.save_rules(desk.parameters["word"])
""",
    "stop": 'def solve(desk):\n    desk.configure("plc2", "stopped")\n    desk.save_rules(desk.parameters["word"])\n',
    "deaf": 'def solve(desk):\n    desk.configure("plc2", "deaf")\n    desk.save_rules(desk.parameters["word"])\n',
    "idle": 'def solve(desk):\n    desk.configure("plc2", "locked idle")\n    desk.save_rules(desk.file("rules.txt"))\n',
}


def write_exercise(
    folder: Path, text: str = EXERCISE, track: str = "hardening", name: str = "small-door"
) -> Path:
    """The exercise's folder, with everything that belongs to it, in `folder`/`track`/`name`."""
    home = folder / track / name
    (home / "solutions").mkdir(parents=True)
    (home / "exercise.yaml").write_text(text, encoding="utf-8")
    english = BRIEF.format(title="Door", know="Know", task="Task", graded="Graded")
    french = BRIEF.format(title="Porte", know="Savoirs", task="Travail", graded="Notation")
    (home / "brief.en.md").write_text(english, encoding="utf-8")
    (home / "brief.fr.md").write_text(french, encoding="utf-8")
    for solution, code in SOLUTIONS.items():
        (home / "solutions" / f"{solution}.py").write_text(code, encoding="utf-8")
    (home / "solutions" / "rules.txt").write_text("${word}", encoding="utf-8")
    return home


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    """The small exercise."""
    return load_exercise(write_exercise(tmp_path))
