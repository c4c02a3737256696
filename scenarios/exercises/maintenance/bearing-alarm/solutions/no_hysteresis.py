"""A learnt baseline, several windows, and a single level: as the products change, the alarm comes and goes."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("no_hysteresis.yaml"))
