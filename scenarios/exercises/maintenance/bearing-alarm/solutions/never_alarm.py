"""A monitor that watches and never says anything."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("never_alarm.yaml"))
