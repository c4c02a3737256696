"""A class in memory: cohorts over the fake sittings, labs that start, and actions on them."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from lab.training.contract import (
    Action,
    ActionResult,
    AttackOffer,
    Cell,
    Cohort,
    Extend,
    Inject,
    Link,
    Mend,
    Pause,
    Person,
    Reset,
    Resume,
    RosterLine,
    Row,
    Sitting,
    Start,
    Stop,
)
from simulators.errors import InputError, NotFoundError, UsineError
from tests.web.fake_training import FakePeople, FakeSittings, words

Tell = Callable[[int, dict[str, Any]], None]


class FakeClass:
    """Keeps `Cohorts`. `failing` are the persons whose lab does not start; `reads` counts matrices asked for."""

    def __init__(self, people: FakePeople, sittings: FakeSittings) -> None:
        self.people, self.sittings = people, sittings
        self.known: dict[int, Cohort] = {}
        self.failing: set[int] = set()
        self.paused: set[int] = set()
        self.expires: dict[int, float] = {}
        self.reads = 0

    def all(self) -> list[Cohort]:
        return [self.cohort(cohort_id) for cohort_id in reversed(self.known)]

    def cohort(self, cohort_id: int) -> Cohort:
        if cohort_id not in self.known:
            raise NotFoundError(f"cohorte {cohort_id} inconnue", f"unknown cohort {cohort_id}")
        begun = {
            w.sitting.exercise: None for w in self.sittings.work.values() if w.sitting.cohort == cohort_id
        }
        return msgspec.structs.replace(self.known[cohort_id], exercises=list(begun))

    def read_roster(self, roster: str) -> list[RosterLine]:
        found = []
        for number, line in enumerate(roster.splitlines(), 1):
            if line.strip():
                display, email, id_number = (*[part.strip() for part in line.split(";")], "", "")[:3]
                wrong = (
                    words(f"adresse refusée : {email}", f"email refused: {email}")
                    if email and "@" not in email
                    else None
                )
                found.append(RosterLine(number, display, email, id_number, wrong))
        return found

    def create(self, name: str, roster: str) -> tuple[Cohort, list[Link]]:
        if any(cohort.name == name for cohort in self.known.values()):
            raise InputError(f"la cohorte {name} existe déjà", f"cohort {name} exists already")
        members = []
        for line in self.read_roster(roster):
            number = 100 + len(self.people.known)
            login = f"{line.display.split()[0].lower()}{number}"
            person = Person(number, login, line.display, "trainee", line.email, line.id_number)
            self.people.known[number] = person
            members.append(person)
        made = Cohort(len(self.known) + 1, name, members, time.time())
        self.known[made.id] = made
        return made, [self.people.link(person, 60) for person in members]

    def new_links(self, cohort_id: int, people: list[int]) -> list[Link]:
        return [
            self.people.link(person, 60) for person in self.cohort(cohort_id).people if person.id in people
        ]

    def launch(
        self, cohort_id: int, exercise_id: str, by: Person, progress: Tell = lambda _person, _said: None
    ) -> list[Row]:
        for person in self.cohort(cohort_id).people:
            sitting = self.sittings.open(person, exercise_id, cohort_id)
            if person.id in self.failing:
                error = {"fr": "plc1 : port 502 muet", "en": "plc1: port 502 silent"}
                progress(person.id, {"error": error})
                continue
            self.sittings.start_lab(sitting.id, by, lambda said, who=person.id: progress(who, said))  # type: ignore[misc]
            progress(person.id, {"state": "running"})
        return self.matrix(cohort_id, exercise_id)

    def matrix(self, cohort_id: int, exercise_id: str) -> list[Row]:
        self.reads += 1
        return [self._row(person, cohort_id, exercise_id) for person in self.cohort(cohort_id).people]

    def grades_csv(self, cohort_id: int, exercise_id: str) -> str:
        rows = self.matrix(cohort_id, exercise_id)
        return "email,points\r\n" + "".join(f"{row.person.email},{row.score:g}\r\n" for row in rows)

    def archive(self, cohort_id: int) -> None:
        self.known[cohort_id] = msgspec.structs.replace(self.known[cohort_id], archived=True)

    def restore(self, cohort_id: int) -> None:
        self.known[cohort_id] = msgspec.structs.replace(self.known[cohort_id], archived=False)

    def _row(self, person: Person, cohort_id: int, exercise_id: str) -> Row:
        exercise = self.sittings.exercise(exercise_id)
        found = [s for s in self.sittings.of(person) if s.exercise == exercise_id and s.cohort == cohort_id]
        if not found:
            return Row(
                person, None, "", "none", 0.0, 0, None, [Cell(step.id, None, 0) for step in exercise.steps]
            )
        sitting, standing = found[-1], self.sittings.standing(found[-1].id)
        return Row(
            person, sitting.id, sitting.lab, sitting.lab_state, standing.score, standing.attempts,
            self.sittings.timeline(sitting.id)[-1].unix_s,
            [Cell(step.step, step.outcome, len(step.hints_taken)) for step in standing.steps],
            sitting.id in self.paused, self.expires.get(sitting.id), "docker",
        )  # fmt: skip


ATTACKS = [
    AttackOffer("rogue_scan", words("Balayage par un intrus", "Scan by a rogue device"), "T0846"),
    AttackOffer("flood", words("Inondation Modbus", "Modbus flood"), "T0814", words("Il faut des zones.", "Zones are needed.")),
]  # fmt: skip


class FakeClassroom:
    """Acts on the fake labs; a lab that does not run is refused. `asked` is every action, in order."""

    def __init__(self, sittings: FakeSittings, cohorts: FakeClass) -> None:
        self.sittings, self.cohorts = sittings, cohorts
        self.asked: list[tuple[list[int], Action]] = []

    def attacks(self) -> list[AttackOffer]:
        return ATTACKS

    def act(
        self,
        sittings: list[int],
        action: Action,
        by: Person,
        progress: Callable[[ActionResult], None] = lambda _result: None,
    ) -> list[ActionResult]:
        self.asked.append((sittings, action))
        results = [self._one(number, action, by) for number in sittings]
        for result in results:
            progress(result)
        return results

    def _one(self, number: int, action: Action, by: Person) -> ActionResult:
        try:
            return ActionResult(number, True, self._done(self.sittings.sitting(number), action, by))
        except UsineError as error:
            return ActionResult(number, False, error.text)

    def _done(self, sitting: Sitting, action: Action, by: Person) -> Any:
        if isinstance(action, Start):
            self.sittings.start_lab(sitting.id, by)
            return words("Démarré.", "Started.")
        if sitting.lab not in self.sittings.labs.labs:
            raise InputError("le labo ne tourne pas ; démarrez-le", "the lab does not run; start it")
        lab = self.sittings.labs.labs[sitting.lab]
        match action:
            case Inject():
                lab.faults = {action.asset: {action.mode: action.severity}}
            case Mend():
                lab.faults = {}
            case Pause():
                self.cohorts.paused.add(sitting.id)
            case Resume():
                self.cohorts.paused.discard(sitting.id)
            case Extend():
                before = self.cohorts.expires.get(sitting.id, time.time())
                self.cohorts.expires[sitting.id] = before + 60 * action.minutes
            case Reset():
                self.sittings.reset(sitting.id, by, action.what)
            case Stop():
                self.sittings.stop_lab(sitting.id, by)
        return words("Fait.", "Done.")
