"""Saves the rules of `random.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("random.yml"))
