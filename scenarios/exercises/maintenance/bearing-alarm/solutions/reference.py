"""The reference: envelope, cumulative sum, two levels."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("reference.yaml"))
