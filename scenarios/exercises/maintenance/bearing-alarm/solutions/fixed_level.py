"""One level for every machine, three windows out of three: what is loud by nature is taken for damage, what is faint is missed."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("fixed_level.yaml"))
