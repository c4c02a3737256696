"""Accounts, sittings and cohorts in memory: keep `lab.training.contract`, hold no database and run no engine."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from lab.catalog import find_line
from lab.exercises.model import Attempts, AuthorTest, Check, Exercise, Gate, Hint, Parameter, Step
from lab.exercises.report import CheckReport, GateResult, Outcome, Progress, StepResult, Verdict
from lab.probes.contract import Evidence, Exchange
from lab.training.contract import (
    Event,
    EventKind,
    HintOffer,
    Link,
    Person,
    Sitting,
    Standing,
    StepStanding,
)
from simulators.devices import kind
from simulators.errors import InputError, NotFoundError, at_line
from simulators.text import Text
from tests.web.fake_labs import FakeLab, FakeLabs

OWNER = Person(1, "local", "Usine-École", "instructor")
ALICE = Person(2, "alice", "Alice Martin", "trainee", "alice@example.org", "2001")
BOB = Person(3, "bob", "Bob Durand", "trainee", "bob@example.org", "2002")
FOLDER = Path(__file__).with_name("exercise")
WEAK = "identities:\n  anonymous: engineer\ntrust_list: {mode: accept_any}\n"
STRONG = "identities:\n  anonymous: denied\ntrust_list: {mode: enforced}\n"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "identities": {"description": "Comptes", "type": "object", "properties": {"anonymous": {"enum": ["denied", "engineer"]}}},
        "trust_list": {"type": "object", "properties": {"mode": {"enum": ["accept_any", "enforced"]}}},
    },
}  # fmt: skip
# What each step of the fake exercise looks for in the configuration.
WANTED = {"anonymous": "anonymous: denied", "trust": "mode: enforced"}


def words(fr: str, en: str) -> Text:
    return Text(fr=fr, en=en)


def exercise(**changes: Any) -> Exercise:
    """Hardening of the fake lab's OPC UA server: two steps, a gate, hints."""
    made = Exercise(
        schema="usine-ecole/exercise/v1",
        id="opcua-fake",
        track="hardening",
        level="engineer",
        sector="agri_food",
        line="bottling",
        title=words("Durcir le serveur", "Harden the server"),
        summary=words("Fermez la porte aux inconnus.", "Shut the door on strangers."),
        minutes=60,
        standard={"iec62443-3-3": ["SR 1.1"]},
        competences=["security-standards", "cryptography"],
        panels=["mimic", "trends", "endpoints", "configuration", "rules", "events", "monitor"],
        editable=["plc2", "broker"],
        practice=["identify"],
        parameters={"operator": Parameter(kind="username")},
        attempts=Attempts(max=3, cooldown_s=0),
        gates=[Gate(id="production", name=words("Production", "Production"), require={"throughput_pct": ">=95"}, cap=40)],
        steps=[
            Step(id="anonymous", points=25, name=words("Anonyme refusé", "Anonymous refused"),
                 text=words("Un client sans compte doit être refusé.", "A client without an account must be refused."),
                 checks=[Check(probe="opcua.session", expect="rejected")],
                 hints=[Hint(cost="20%", text=words("Regardez `identities`.", "Look at `identities`.")),
                        Hint(cost=10, text=words("`anonymous: denied`", "`anonymous: denied`"))]),
            Step(id="trust", points=75, name=words("Certificats connus", "Known certificates"),
                 text=words("Seuls les certificats de la liste entrent.", "Only listed certificates come in."),
                 checks=[Check(probe="opcua.session", expect="rejected")],
                 hints=[Hint(cost=0, after_min=5, text=words("Plus tard.", "Later."))]),
        ],
        tests=[AuthorTest(solution="none", score=0)],
        folder=str(FOLDER),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def catalogue() -> list[Exercise]:
    """One available exercise, and one that this machine cannot carry."""
    other = exercise(
        id="scan-fake", track="detection", level="technician", sector="mechanical", minutes=45,
        title=words("Trouver l'intrus", "Find the intruder"), competences=["ethical-hacking"],
    )  # fmt: skip
    return [exercise(), other]


class FakePeople:
    """Each person's password is their name; each token is given once."""

    def __init__(self) -> None:
        self.known = {person.id: person for person in (OWNER, ALICE, BOB)}
        self.passwords = {person.name: person.name for person in self.known.values()}
        self.tokens: dict[str, int] = {}

    def all(self) -> list[Person]:
        return list(self.known.values())

    def person(self, person_id: int) -> Person:
        if person_id not in self.known:
            raise NotFoundError(f"compte {person_id} inconnu", f"unknown account {person_id}")
        return self.known[person_id]

    def owner(self) -> Person:
        return OWNER

    def authenticate(self, name: str, password: str) -> Person:
        person = next((p for p in self.all() if p.name == name.strip() and p.active), None)
        if person is None or self.passwords.get(name.strip()) != password:
            raise InputError("nom ou mot de passe refusé", "name or password refused")
        return person

    def link(self, person: Person, minutes: float = 15.0) -> Link:
        token = f"token-{person.name}-{len(self.tokens)}"
        self.tokens[token] = person.id
        return Link(person, token, time.time() + 60 * minutes)

    def enter(self, token: str) -> Person | None:
        person_id = self.tokens.pop(token, None)
        return None if person_id is None else self.person(person_id)

    def set_password(self, person: Person, password: str) -> None:
        if len(password) < 10:
            raise InputError(
                "mot de passe trop court ; 10 signes au moins", "password too short; 10 characters at least"
            )
        self.passwords[person.name] = password

    def set_active(self, person: Person, active: bool) -> None:
        self.known[person.id] = msgspec.structs.replace(person, active=active)


@dataclass
class Work:
    """One sitting's state."""

    sitting: Sitting
    texts: dict[str, list[str]] = field(
        default_factory=lambda: {"plc2": [WEAK], "broker": ["listener 1883\n"]}
    )
    rules: str = "# sigma\n"
    hints: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    last: CheckReport | None = None
    attempts: int = 0


GO_LIMIT_S = 60.0


class FakeSittings:
    """Sittings over `labs`. `pause_s` is how long each observation of a check, each device of a start, takes.

    While `go` is not set, an observation goes on, and a start that has others before it (`before`) waits.
    """

    def __init__(self, labs: FakeLabs, pause_s: float = 0.0) -> None:
        self.labs, self.pause_s = labs, pause_s
        self.go = threading.Event()
        self.go.set()
        self.before = 0
        self.work: dict[int, Work] = {}
        self.known = catalogue()
        self.refuse: InputError | None = None

    def exercises(self) -> list[Exercise]:
        return self.known

    def exercise(self, exercise_id: str) -> Exercise:
        for known in self.known:
            if known.id == exercise_id:
                return known
        raise NotFoundError(f"exercice {exercise_id} inconnu", f"unknown exercise {exercise_id}")

    def unavailable(self, exercise: Exercise) -> Text | None:
        return words("Il faut des zones.", "Zones are needed.") if exercise.id == "scan-fake" else None

    def open(self, person: Person, exercise_id: str, cohort: int | None = None) -> Sitting:
        known = self.exercise(exercise_id)
        for work in self.work.values():
            if (work.sitting.person, work.sitting.exercise) == (
                person,
                exercise_id,
            ) and not work.sitting.closed:
                return work.sitting
        number = len(self.work) + 1
        made = Sitting(number, person, exercise_id, known.version, cohort, f"s{number}", "none", time.time(), None,
                       False, {"operator": "nolira42"})  # fmt: skip
        self.work[number] = Work(made)
        self._note(number, "opened", person)
        return made

    def of(self, person: Person) -> list[Sitting]:
        return [self.sitting(n) for n, work in self.work.items() if work.sitting.person.id == person.id]

    def sitting(self, sitting_id: int) -> Sitting:
        found = self._work(sitting_id).sitting
        lab = self.labs.labs.get(found.lab)
        state: Literal["none", "running", "failed"] = (
            "none" if lab is None else "failed" if lab.broken.is_set() else "running"
        )
        runtime = self.labs.runtime if lab is not None else ""
        return msgspec.structs.replace(found, lab_state=state, runtime=runtime)

    def held_labs(self) -> set[str]:
        return {work.sitting.lab for work in self.work.values()}

    def standing(self, sitting_id: int) -> Standing:
        work = self._work(sitting_id)
        known = self.exercise(work.sitting.exercise)
        outcomes = {step.step: step.outcome for step in work.last.steps} if work.last else {}
        steps = [self._step(work, step, outcomes.get(step.id)) for step in known.steps]
        earned = sum(step.earned for step in steps)
        most = known.attempts.max
        return Standing(
            score=100 * earned / known.points, cap=100, points=earned, points_max=known.points,
            attempts=work.attempts, attempts_left=most - work.attempts if most else None, wait_s=0, steps=steps,
            last=work.last,
        )  # fmt: skip

    def _step(self, work: Work, step: Step, outcome: Outcome | None) -> StepStanding:
        taken = work.hints.get(step.id, 0)
        cost = sum(_cost(hint, step) for hint in step.hints[:taken])
        earned = step.points - cost if outcome == "pass" else 0.0
        return StepStanding(step.id, step.points, outcome, earned, cost, list(range(taken)))

    def timeline(self, sitting_id: int) -> list[Event]:
        return list(self._work(sitting_id).events)

    def start_lab(
        self, sitting_id: int, by: Person, progress: Callable[[dict[str, Any]], None] = lambda _said: None
    ) -> Sitting:
        name = self._work(sitting_id).sitting.lab
        if name not in self.labs.labs:
            template = next(iter(self.labs.labs.values()))
            lab = FakeLab(template.line, template.period_s)
            if self.before:
                progress({"queued": self.before})
                assert self.go.wait(GO_LIMIT_S)
            for device in lab.line.devices:
                for state in ("starting", "ok"):
                    progress({"device": device.id, "state": state})
                time.sleep(self.pause_s)
            self.labs.labs[name] = lab
            self._note(sitting_id, "lab_started", by)
        return self.sitting(sitting_id)

    def stop_lab(self, sitting_id: int, by: Person) -> Sitting:
        lab = self.labs.labs.pop(self._work(sitting_id).sitting.lab, None)
        if lab is not None:
            lab.broken.set()
        self._note(sitting_id, "lab_stopped", by)
        return self.sitting(sitting_id)

    def extend(self, sitting_id: int, by: Person, minutes: float) -> Sitting:
        self._note(sitting_id, "extended", by, minutes=minutes)
        return self.sitting(sitting_id)

    def reset(
        self,
        sitting_id: int,
        by: Person,
        what: Literal["device", "checkpoint", "lab"],
        device: str | None = None,
    ) -> Sitting:
        if what == "device" and device:
            self._work(sitting_id).texts[device].append(self._work(sitting_id).texts[device][0])
        self._note(sitting_id, "reset", by, what=what, device=device)
        return self.sitting(sitting_id)

    def checkpoint(self, sitting_id: int, by: Person) -> Sitting:
        self._note(sitting_id, "checkpoint", by)
        return self.sitting(sitting_id)

    def configuration(self, sitting_id: int, by: Person, device: str) -> dict[str, Any]:
        texts = self._texts(sitting_id, device)
        versions = [
            {"id": n, "unix_s": 1_800_000_000.0 + n, "text": text} for n, text in enumerate(texts[:-1])
        ]
        return {
            "text": texts[-1],
            "default": texts[0],
            "versions": versions,
            "schema": SCHEMA if device == "plc2" else None,
        }

    def examine(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        spec = find_line(self.exercise(self.sitting(sitting_id).exercise).line).device(device)
        kind(spec.kind).parse(text, f"{device}.yaml")
        if "missing.pem" in text:
            line = next(n for n, row in enumerate(text.splitlines(), 1) if "missing.pem" in row)
            raise at_line(f"{device}.yaml", line, "missing.pem est introuvable", "missing.pem is not found")

    def configure(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        texts = self._texts(sitting_id, device)
        if "nonsense" in text:
            raise at_line(f"{device}.yaml", 1, "nonsense inconnu", "unknown nonsense")
        texts.append(text)
        self._note(sitting_id, "configuration", by, device=device)

    def rules(self, sitting_id: int) -> str:
        return self._work(sitting_id).rules

    def save_rules(self, sitting_id: int, by: Person, text: str) -> None:
        if "nonsense" in text:
            raise InputError(
                "règles:1 : pas une règle ; écrivez detection", "rules:1: not a rule; write detection"
            )
        self._work(sitting_id).rules = text
        self._note(sitting_id, "rules", by)

    def hint_offers(self, sitting_id: int) -> list[HintOffer]:
        work = self._work(sitting_id)
        offers = []
        for step in self.exercise(work.sitting.exercise).steps:
            index = work.hints.get(step.id, 0)
            if index < len(step.hints):
                hint = step.hints[index]
                offers.append(HintOffer(step.id, index, _cost(hint, step), hint.after_min * 60))
        return offers

    def take_hint(self, sitting_id: int, by: Person, step: str) -> Hint:
        offer = next((offer for offer in self.hint_offers(sitting_id) if offer.step == step), None)
        if offer is None or offer.available_in_s:
            raise InputError("pas d'indice, ou pas encore", "no hint, or not yet")
        self._work(sitting_id).hints[step] = offer.index + 1
        self._note(sitting_id, "hint", by, step=step, index=offer.index)
        return self.exercise(self.sitting(sitting_id).exercise).step(step).hints[offer.index]

    def check(
        self, sitting_id: int, by: Person, progress: Callable[[Progress], None] = lambda _progress: None
    ) -> CheckReport:
        work = self._work(sitting_id)
        if self.refuse is not None:
            raise self.refuse
        self._note(sitting_id, "check_started", by)
        known = self.exercise(work.sitting.exercise)
        results = []
        for number, step in enumerate(known.steps):
            progress(
                Progress(
                    number,
                    len(known.steps),
                    words(f"J'observe : {step.name.fr}", f"Observing: {step.name.en}"),
                )
            )
            time.sleep(self.pause_s)
            assert self.go.wait(GO_LIMIT_S)
            results.append(_observed(step, WANTED[step.id] in work.texts["plc2"][-1]))
            progress(Progress(number + 1, len(known.steps), step.name, results[-1]))
        gate = GateResult(
            "production",
            "pass",
            {"throughput_pct": 99.2},
            100,
            words("La ligne produit.", "The line produces."),
        )
        report = CheckReport(known.id, known.version, True, results, [gate], time.time(), 1.5)
        work.last, work.attempts = report, work.attempts + 1
        self._note(sitting_id, "checked", by, steps={result.step: result.outcome for result in results})
        return report

    def _texts(self, sitting_id: int, device: str) -> list[str]:
        texts = self._work(sitting_id).texts
        if device not in texts:
            raise InputError(f"{device} ne se modifie pas ici", f"{device} cannot be edited here")
        return texts[device]

    def _work(self, sitting_id: int) -> Work:
        if sitting_id not in self.work:
            raise NotFoundError(f"séance {sitting_id} inconnue", f"unknown sitting {sitting_id}")
        return self.work[sitting_id]

    def _note(self, sitting_id: int, kind: EventKind, by: Person, **data: Any) -> None:
        events = self._work(sitting_id).events
        events.append(Event(len(events) + 1, sitting_id, time.time(), kind, by.id, data))


def _cost(hint: Hint, step: Step) -> float:
    if isinstance(hint.cost, str):
        return step.points * float(hint.cost.rstrip("%")) / 100
    return float(hint.cost)


def _observed(step: Step, right: bool) -> StepResult:
    outcome: Outcome = "pass" if right else "fail"
    seen = "rejected" if right else "accepted"
    said = (
        words("Le serveur refuse.", "The server refuses.")
        if right
        else words("Le serveur accepte.", "The server accepts.")
    )
    evidence = Evidence(
        "opcua.session", {"policy": "None"}, seen, said, {"latency_ms": 3.2},
        [Exchange("CreateSession <None>", "BadIdentityTokenRejected" if right else "Good")], time.time(), 0.2,
    )  # fmt: skip
    return StepResult(step.id, outcome, [Verdict(outcome, said, "after", evidence)])
