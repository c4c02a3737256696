"""One level above whatever a sound machine says: those that are hardly heard fail before they reach it."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("fixed_level_high.yaml"))
