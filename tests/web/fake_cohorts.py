"""Cohorts and an instructor's actions in memory: keep `lab.training.contract`."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from lab.training.contract import Action, ActionResult, AttackOffer, Cohort, Link, Person, RosterLine, Row
from simulators.errors import NotFoundError
from tests.web.fake_training import ALICE, BOB, words


class FakeCohorts:
    """No cohort yet."""

    def __init__(self) -> None:
        self.known: dict[int, Cohort] = {}

    def all(self) -> list[Cohort]:
        return list(self.known.values())

    def cohort(self, cohort_id: int) -> Cohort:
        if cohort_id not in self.known:
            raise NotFoundError(f"groupe {cohort_id} inconnu", f"unknown cohort {cohort_id}")
        return self.known[cohort_id]

    def create(self, name: str, roster: str) -> tuple[Cohort, list[Link]]:
        people = [ALICE, BOB]
        made = Cohort(len(self.known) + 1, name, people, time.time())
        self.known[made.id] = made
        return made, [Link(person, f"token-{person.name}", time.time() + 3600) for person in people]

    def new_links(self, cohort_id: int, people: list[int]) -> list[Link]:
        return [
            Link(p, f"new-{p.name}", time.time() + 3600)
            for p in self.cohort(cohort_id).people
            if p.id in people
        ]

    def launch(
        self,
        cohort_id: int,
        exercise_id: str,
        by: Person,
        progress: Callable[[int, dict[str, Any]], None] = lambda _person, _said: None,
    ) -> list[Row]:
        return self.matrix(cohort_id, exercise_id)

    def matrix(self, cohort_id: int, exercise_id: str) -> list[Row]:
        return [Row(person, None, "", "none", 0.0, 0, None, []) for person in self.cohort(cohort_id).people]

    def grades_csv(self, cohort_id: int, exercise_id: str) -> str:
        return "email,id\n"

    def read_roster(self, roster: str) -> list[RosterLine]:
        return []

    def restore(self, cohort_id: int) -> None:
        self.known[cohort_id] = msgspec.structs.replace(self.cohort(cohort_id), archived=False)

    def archive(self, cohort_id: int) -> None:
        self.known[cohort_id] = msgspec.structs.replace(self.cohort(cohort_id), archived=True)


class FakeClassroom:
    """Does nothing, and says so: `asked` is every action."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], Action]] = []

    def attacks(self) -> list[AttackOffer]:
        return [AttackOffer("identify", words("Identification de l'automate", "PLC identification"), "T0888")]

    def act(
        self,
        sittings: list[int],
        action: Action,
        by: Person,
        progress: Callable[[ActionResult], None] = lambda _result: None,
    ) -> list[ActionResult]:
        self.asked.append((sittings, action))
        return [ActionResult(number, True, words("Fait.", "Done.")) for number in sittings]
