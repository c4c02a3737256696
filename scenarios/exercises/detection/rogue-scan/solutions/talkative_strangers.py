"""Saves the rules of `talkative_strangers.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("talkative_strangers.yml"))
