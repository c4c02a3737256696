"""The reference on a baseline of one shift: every other product is then an exception."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("monitor", desk.file("one_product.yaml"))
