"""Saves the rules of `always_on.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("always_on.yml"))
