"""One connection at most, which SCADA holds: for everybody else there is no server."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    text = desk.configuration("plc2")
    desk.configure("plc2", text.replace("connections_per_address: 50", "connections: 1"))
