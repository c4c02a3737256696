"""A trainee's desk for the solutions of authors (`lab.exercises.solution.Desk`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.exercises.folder import SOLUTIONS, file_text
from lab.exercises.model import Exercise
from lab.labs import Connection
from simulators.errors import InputError
from simulators.model import Line


@dataclass
class LabDesk:
    """`parameters` are those that a trainee sees; `check_rules` refuses what is no rule, as the editor does."""

    exercise: Exercise
    line: Line
    lab: Connection
    parameters: dict[str, Any]
    seed: int
    check_rules: Callable[[str], object]
    rules: str = ""

    def configuration(self, device: str) -> str:
        return str(self.lab.request("config", device=device)["text"])

    def configure(self, device: str, text: str) -> None:
        if device not in self.exercise.editable:
            known = ", ".join(self.exercise.editable) or "–"
            raise InputError(
                f"{device} : sa configuration n'est pas ouverte ici ; celles qui le sont : {known}",
                f"{device}: its configuration is not open here; those that are: {known}",
            )
        self.lab.request("configure", device=device, text=text)

    def save_rules(self, text: str) -> None:
        self.check_rules(text)
        self.rules = text

    def file(self, name: str) -> str:
        return file_text(self.exercise, f"{SOLUTIONS}/{name}", self.parameters)
