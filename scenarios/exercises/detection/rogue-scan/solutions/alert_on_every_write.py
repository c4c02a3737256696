"""Saves the rules of `alert_on_every_write.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("alert_on_every_write.yml"))
