"""Saves the rules of `silent.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("silent.yml"))
