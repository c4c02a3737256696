"""One session at most, which SCADA has: everybody else is refused, the legitimate too."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    text = desk.configuration("plc2")
    desk.configure("plc2", text.replace("per_user: 50", "total: 1, per_user: 50"))
