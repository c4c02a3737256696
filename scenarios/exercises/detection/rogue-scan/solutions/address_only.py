"""Saves the rules of `address_only.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("address_only.yml"))
