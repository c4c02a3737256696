"""Saves the rules of `address_list.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("address_list.yml"))
