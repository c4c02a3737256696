"""What a lint finds, and what it looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lab.exercises.model import Check, Exercise
from simulators.document import Document
from simulators.model import Line
from simulators.text import Text


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (`place` is a path such as `$.steps[0].points`), and what to do about it."""

    file: str
    line: int
    place: str
    what: Text
    remedy: Text

    @property
    def text(self) -> Text:
        """`file:line: place: what; remedy`."""
        return Text(
            fr=f"{self.file}:{self.line} : {self.place} : {self.what.fr} ; {self.remedy.fr}",
            en=f"{self.file}:{self.line}: {self.place}: {self.what.en}; {self.remedy.en}",
        )


Problems = Iterator[Problem]


@dataclass(frozen=True)
class Subject:
    """An exercise whose shape is right, with its document, its line and some student's values."""

    document: Document
    exercise: Exercise
    line: Line
    values: dict[str, Any]

    @property
    def folder(self) -> Path:
        return Path(self.exercise.folder).absolute()

    def wrong(self, place: str, what: tuple[str, str], remedy: tuple[str, str]) -> Problem:
        """A problem at a place of `exercise.yaml`; `what` and `remedy` are (French, English)."""
        return problem(self.document, place, what, remedy)

    def checks(self) -> Iterator[tuple[str, Check]]:
        """Every check and every control, with its place."""
        for number, check in enumerate(self.exercise.baseline):
            yield from _with_control(f"$.baseline[{number}]", check)
        for number, step in enumerate(self.exercise.steps):
            for nth, check in enumerate(step.checks):
                yield from _with_control(f"$.steps[{number}].checks[{nth}]", check)


def problem(document: Document, place: str, what: tuple[str, str], remedy: tuple[str, str]) -> Problem:
    """A problem at a place of a document."""
    return Problem(document.name, document.line(place), place, Text(*what), Text(*remedy))


def _with_control(place: str, check: Check) -> Iterator[tuple[str, Check]]:
    yield place, check
    if check.control is not None:
        yield from _with_control(f"{place}.control", check.control)
