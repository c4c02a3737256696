"""What a solution of an exercise's author may do: what a trainee can, through the same doors.

A solution is a file `solutions/<name>.py` with `def solve(desk: Desk) -> None`.
"""

from typing import Any, Protocol

from lab.labs import Connection
from simulators.model import Line


class Desk(Protocol):
    """A trainee's desk, without a browser."""

    line: Line
    lab: Connection
    parameters: dict[str, Any]
    seed: int

    def configuration(self, device: str) -> str:
        """The text in force."""
        ...

    def configure(self, device: str, text: str) -> None:
        """Apply a configuration. Raises: UsineError."""
        ...

    def save_rules(self, text: str) -> None:
        """Keep detection rules, as the rule editor does. Raises: InputError: they are none."""
        ...

    def file(self, name: str) -> str:
        """A file of the `solutions` folder, with `${parameter}` filled in."""
        ...
