"""Saves the rules of `strangers_only.yml`."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.save_rules(desk.file("strangers_only.yml"))
