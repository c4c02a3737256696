"""A trainee's work (`lab.training.contract.Sittings`), over the database, the labs and the exercises' engine."""

from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import select

from lab.exercises.model import Exercise, Hint
from lab.exercises.report import CheckReport, Progress
from lab.store.tables import EventRow, SittingRow
from lab.training import checking, editing, hints, opening, resets, running
from lab.training.context import Context, row_of
from lab.training.contract import Event, HintOffer, Person, Sitting, Standing
from lab.training.events import events_of, report_of
from lab.training.standing import standing
from simulators.errors import NotFoundError
from simulators.text import Text


def silent(_message: Any) -> None:
    """Tells nobody."""


class TrainingSittings:
    """Thread-safe; keeps nothing in memory but its context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def exercises(self) -> list[Exercise]:
        return self._context.engine.exercises()

    def exercise(self, exercise_id: str) -> Exercise:
        return self._context.engine.exercise(exercise_id)

    def unavailable(self, exercise: Exercise) -> Text | None:
        return self._context.engine.unavailable(exercise)

    def open(self, person: Person, exercise_id: str, cohort: int | None = None) -> Sitting:
        return self.sitting(opening.open_sitting(self._context, person, exercise_id, cohort))

    def of(self, person: Person) -> list[Sitting]:
        return opening.sittings_of(self._context, person)

    def sitting(self, sitting_id: int) -> Sitting:
        return opening.sitting(self._context, sitting_id)

    def held_labs(self) -> set[str]:
        with self._context.database.read() as session:
            return set(session.scalars(select(SittingRow.lab)))

    def standing(self, sitting_id: int) -> Standing:
        with self._context.database.read() as session:
            row = row_of(session, sitting_id)
            events = events_of(session, sitting_id)
            ends = [event.id for event in events if event.kind == "checked"]
            last = report_of(session, ends[-1]) if ends else None
        exercise = self._context.engine.exercise(row.exercise)
        return standing(exercise, events, self._context.clock(), last)

    def report(self, event_id: int) -> CheckReport:
        """The whole report of an earlier check, by its event in the timeline. Raises: NotFoundError."""
        with self._context.database.read() as session:
            kept = report_of(session, event_id)
        if kept is None:
            raise NotFoundError("cette vérification n'existe pas", "there is no such check")
        return kept

    def event_sitting(self, event_id: int) -> int:
        """Whose event it is: the sitting's id. Raises: NotFoundError."""
        with self._context.database.read() as session:
            found = session.scalar(select(EventRow.sitting_id).where(EventRow.id == event_id))
        if found is None:
            raise NotFoundError(f"événement {event_id} inconnu", f"unknown event {event_id}")
        return found

    def timeline(self, sitting_id: int) -> list[Event]:
        with self._context.database.read() as session:
            row_of(session, sitting_id)
            return events_of(session, sitting_id)

    def start_lab(
        self, sitting_id: int, by: Person, progress: Callable[[dict[str, Any]], None] = silent
    ) -> Sitting:
        running.start_lab(self._context, sitting_id, by, progress)
        return self.sitting(sitting_id)

    def stop_lab(self, sitting_id: int, by: Person) -> Sitting:
        running.stop_lab(self._context, sitting_id, by)
        return self.sitting(sitting_id)

    def extend(self, sitting_id: int, by: Person, minutes: float) -> Sitting:
        running.extend(self._context, sitting_id, by, minutes)
        return self.sitting(sitting_id)

    def reset(
        self,
        sitting_id: int,
        by: Person,
        what: Literal["device", "checkpoint", "lab"],
        device: str | None = None,
    ) -> Sitting:
        resets.reset(self._context, sitting_id, by, what, device, silent)
        return self.sitting(sitting_id)

    def checkpoint(self, sitting_id: int, by: Person) -> Sitting:
        resets.checkpoint(self._context, sitting_id, by)
        return self.sitting(sitting_id)

    def configuration(self, sitting_id: int, by: Person, device: str) -> dict[str, Any]:
        return editing.configuration(self._context, sitting_id, by, device)

    def examine(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        editing.examine(self._context, sitting_id, by, device, text)

    def configure(self, sitting_id: int, by: Person, device: str, text: str) -> None:
        editing.configure(self._context, sitting_id, by, device, text)

    def rules(self, sitting_id: int) -> str:
        return editing.rules(self._context, sitting_id)

    def save_rules(self, sitting_id: int, by: Person, text: str) -> None:
        editing.save_rules(self._context, sitting_id, by, text)

    def hint_offers(self, sitting_id: int) -> list[HintOffer]:
        return hints.offers(self._context, sitting_id)

    def take_hint(self, sitting_id: int, by: Person, step: str) -> Hint:
        return hints.take(self._context, sitting_id, by, step)

    def check(
        self, sitting_id: int, by: Person, progress: Callable[[Progress], None] = silent
    ) -> CheckReport:
        return checking.check(self._context, sitting_id, by, progress)
