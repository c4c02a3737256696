"""The usual first idea, six standard deviations of RMS: late, and fooled by a change of speed."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("rms_6_sigma.yaml"))
