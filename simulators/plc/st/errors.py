"""What is wrong with a program: diagnostics of the compiler, and the fault that stops a PLC."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulators.contracts import FaultKind
from simulators.errors import UsineError
from simulators.text import Text

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error of a source, at a 1-based line and column."""

    line: int
    column: int
    text: Text


class StError(UsineError):
    """A program that does not compile: `diagnostics` holds every error found, in the order of the file."""

    def __init__(self, file: str, diagnostics: Sequence[Diagnostic]) -> None:
        self.file = file
        self.diagnostics = sorted(diagnostics, key=lambda d: (d.line, d.column))
        shown = self.diagnostics[:SHOWN]
        more = len(self.diagnostics) - len(shown)
        fr = [f"{file}:{d.line}:{d.column} : {d.text.fr}" for d in shown]
        en = [f"{file}:{d.line}:{d.column}: {d.text.en}" for d in shown]
        if more:
            fr.append(f"… et {more} autre(s) erreur(s)")
            en.append(f"… and {more} more error(s)")
        first = self.diagnostics[0].line if self.diagnostics else None
        super().__init__("\n".join(fr), "\n".join(en), first)


class StFaultError(UsineError):
    """What stops a PLC that runs: its cause; the line is added by whoever knows the program."""

    def __init__(self, fr: str, en: str, kind: FaultKind = "other") -> None:
        super().__init__(fr, en)
        self.kind = kind


class Report:
    """Collects the diagnostics of one compilation; one per place, the first said. `said` counts all of them."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.said = 0
        self._places: set[tuple[int, int]] = set()

    def add(self, place: tuple[int, int], fr: str, en: str) -> None:
        """Say what is wrong at `place` (line, column)."""
        self.said += 1
        if place not in self._places and len(self.diagnostics) < 200:
            self._places.add(place)
            self.diagnostics.append(Diagnostic(place[0], place[1], Text(fr=fr, en=en)))
