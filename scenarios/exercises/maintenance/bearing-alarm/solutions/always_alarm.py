"""An alarm that is always on: it can miss nothing, and says nothing."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("always_alarm.yaml"))
