"""What an instructor does with a class (`lab.training.contract.Cohorts`)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lab.store.tables import CohortRow, FrozenRow, Member, SittingRow
from lab.training import grades, matrix, roster
from lab.training.context import Context
from lab.training.contract import Cohort, Link, Person, RosterLine, Row
from lab.training.matrix import Graded
from lab.training.opening import open_sitting
from lab.training.people import TrainingPeople, person_of
from lab.training.running import start_lab, stop_lab
from lab.training.warming import warm_in_background
from simulators.errors import InputError, NotFoundError, UsineError

# Links are handed out on paper, before the course.
LINK_MINUTES = 7 * 24 * 60.0
SIDE_BY_SIDE = 32
TRIES = 3
Tell = Callable[[int, dict[str, Any]], None]


def nobody(_person: int, _message: dict[str, Any]) -> None:
    """Tells nobody."""


class TrainingCohorts:
    """Thread-safe; keeps nothing in memory but its context."""

    def __init__(self, context: Context, people: TrainingPeople) -> None:
        self._context = context
        self._people = people

    def all(self) -> list[Cohort]:
        """The newest first."""
        with self._context.database.read() as session:
            rows = session.scalars(select(CohortRow).order_by(CohortRow.id.desc())).all()
            return [_cohort(session, row) for row in rows]

    def cohort(self, cohort_id: int) -> Cohort:
        """Raises: NotFoundError."""
        with self._context.database.read() as session:
            return _cohort(session, _row(session, cohort_id))

    def named(self, name: str) -> Cohort:
        """Raises: NotFoundError."""
        with self._context.database.read() as session:
            row = session.scalar(select(CohortRow).where(CohortRow.name == name))
            if row is None:
                raise NotFoundError(
                    f"cohorte {name} inconnue ; voyez « lab cohort list »",
                    f"unknown cohort {name}; see 'lab cohort list'",
                )
            return _cohort(session, row)

    def read_roster(self, roster: str) -> list[RosterLine]:
        return self._read(roster)

    def create(self, name: str, roster: str) -> tuple[Cohort, list[Link]]:
        made = self._enrol(name, roster)
        return made, self._people.links(made.people, LINK_MINUTES)

    def new_links(self, cohort_id: int, people: list[int]) -> list[Link]:
        """For members of the cohort only."""
        cohort = self.cohort(cohort_id)
        return self._people.links([p for p in cohort.people if p.id in people and p.active], LINK_MINUTES)

    def launch(self, cohort_id: int, exercise_id: str, by: Person, progress: Tell = nobody) -> list[Row]:
        cohort = self._open(cohort_id)
        self._context.engine.exercise(exercise_id)
        members = [person for person in cohort.people if person.active]
        cold: list[int] = []
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(lambda p: self._launch_one(cohort.id, exercise_id, p, by, progress, cold), members))
        # Not before all are there: the first ones, running ahead of time, would hold up the others.
        for sitting in cold:
            warm_in_background(self._context, sitting)
        return self.matrix(cohort_id, exercise_id)

    def matrix(self, cohort_id: int, exercise_id: str) -> list[Row]:
        return [graded.row for graded in self._graded(cohort_id, exercise_id)]

    def grades_csv(self, cohort_id: int, exercise_id: str) -> str:
        exercise = self._context.engine.exercise(exercise_id)
        return grades.grades_csv(self._graded(cohort_id, exercise_id), exercise.title)

    def unmatched(self, cohort_id: int) -> list[Person]:
        """Those whom the grades leave out: no email and no id number."""
        return [person for person in self.cohort(cohort_id).people if grades.unmatched(person)]

    def exercises(self, cohort_id: int) -> list[str]:
        """The ids of the exercises that were launched for it, first one first."""
        with self._context.database.read() as session:
            return _exercises(session, cohort_id)

    def archive(self, cohort_id: int) -> None:
        """Freeze its matrix and grades, close its sittings, stop its labs."""
        self._open(cohort_id)
        frozen = {name: self._graded(cohort_id, name) for name in self.exercises(cohort_id)}
        now = self._context.clock()
        with self._context.database.write() as session:
            _row(session, cohort_id).archived = True
            mine = SittingRow.cohort_id == cohort_id
            session.execute(update(SittingRow).where(mine).values(closed=True))
            session.add_all(
                FrozenRow(
                    cohort_id=cohort_id,
                    exercise=name,
                    person_id=graded.row.person.id,
                    data=matrix.freeze(graded),
                    frozen_unix_s=now,
                )
                for name, rows in frozen.items()
                for graded in rows
            )
        self._stop_all(cohort_id)

    def restore(self, cohort_id: int) -> None:
        """Its latest sittings are open again, its rows live."""
        with self._context.database.write() as session:
            _row(session, cohort_id).archived = False
            session.execute(delete(FrozenRow).where(FrozenRow.cohort_id == cohort_id))
            latest = (
                select(func.max(SittingRow.id))
                .where(SittingRow.cohort_id == cohort_id)
                .group_by(SittingRow.person_id, SittingRow.exercise)
            )
            session.execute(update(SittingRow).where(SittingRow.id.in_(latest)).values(closed=False))

    def _read(self, text: str) -> list[RosterLine]:
        lines = roster.read(text)
        with self._context.database.read() as session:
            return roster.examine(session, lines)

    def _enrol(self, name: str, text: str) -> Cohort:
        lines = self.read_roster(text)
        roster.check(lines)
        clean = " ".join(name.replace("\0", " ").split())
        if not 0 < len(clean) <= 120:
            raise InputError("nom de cohorte : 1 à 120 signes", "cohort's name: 1 to 120 characters")
        for _ in range(TRIES):
            try:
                return self._keep(clean, lines)
            except IntegrityError:  # the name is taken, or another class took an account's name meanwhile
                if any(cohort.name == clean for cohort in self.all()):
                    break
        raise InputError(
            f"la cohorte {clean} existe déjà ; choisissez un autre nom",
            f"cohort {clean} exists already; choose another name",
        )

    def _keep(self, name: str, lines: list[RosterLine]) -> Cohort:
        """Raises: IntegrityError: a name is taken."""
        now = self._context.clock()
        with self._context.database.write() as session:
            row = CohortRow(name=name, archived=False, created_unix_s=now)
            session.add(row)
            session.flush()
            people = roster.enrol(session, lines, now)
            session.add_all(
                Member(cohort_id=row.id, person_id=person.id, position=position)
                for position, person in enumerate(people)
            )
            return Cohort(row.id, row.name, [person_of(p) for p in people], now, archived=False)

    def _launch_one(
        self, cohort_id: int, exercise_id: str, person: Person, by: Person, progress: Tell, cold: list[int]
    ) -> None:
        """Adds the sitting to `cold` if its line is to be warmed up."""
        try:
            sitting = open_sitting(self._context, person, exercise_id, cohort_id, by)
            start_lab(
                self._context,
                sitting,
                by,
                lambda message: progress(person.id, message),
                warm=lambda _context, started: cold.append(started),
            )
        except UsineError as error:
            progress(person.id, {"error": {"fr": error.text.fr, "en": error.text.en}})
        else:
            progress(person.id, {"state": "running"})

    def _graded(self, cohort_id: int, exercise_id: str) -> list[Graded]:
        with self._context.database.read() as session:
            if _row(session, cohort_id).archived:
                return matrix.frozen(session, cohort_id, exercise_id)
            exercise = self._context.engine.exercise(exercise_id)
            return matrix.live(self._context, session, cohort_id, exercise)

    def _open(self, cohort_id: int) -> Cohort:
        cohort = self.cohort(cohort_id)
        if cohort.archived:
            raise InputError(f"la cohorte {cohort.name} est archivée", f"cohort {cohort.name} is archived")
        return cohort

    def _stop_all(self, cohort_id: int) -> None:
        with self._context.database.read() as session:
            wanted = select(SittingRow.id, SittingRow.person_id).where(
                SittingRow.cohort_id == cohort_id, SittingRow.lab_wanted
            )
            running = session.execute(wanted).all()
        for sitting, person in running:
            try:
                stop_lab(self._context, sitting, self._people.person(person), "archived")
            except UsineError:
                continue  # busy: the sweep ends it


def _row(session: Session, cohort_id: int) -> CohortRow:
    row = session.get(CohortRow, cohort_id)
    if row is None:
        raise NotFoundError(f"cohorte {cohort_id} inconnue", f"unknown cohort {cohort_id}")
    return row


def _cohort(session: Session, row: CohortRow) -> Cohort:
    return Cohort(
        id=row.id,
        name=row.name,
        people=matrix.members(session, row.id),
        created_unix_s=row.created_unix_s,
        archived=row.archived,
        exercises=_exercises(session, row.id),
    )


def _exercises(session: Session, cohort_id: int) -> list[str]:
    wanted = (
        select(SittingRow.exercise)
        .where(SittingRow.cohort_id == cohort_id)
        .group_by(SittingRow.exercise)
        .order_by(func.min(SittingRow.id))
    )
    return list(session.scalars(wanted))
