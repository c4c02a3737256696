"""A limit in the middle of the noise: it alarms every day, hence also in time."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("flickering.yaml"))
