"""The right figure with one bare threshold: it flickers, and believes a single window."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("bare_threshold.yaml"))
