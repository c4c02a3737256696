"""The channel is enciphered; who comes in, and what they do there, is as before."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    scada, policy = desk.configuration("scada"), "Basic256Sha256_SignAndEncrypt"
    desk.configure("scada", scada.replace("plc2: {policy: None}", f"plc2: {{policy: {policy}}}"))
    desk.configure("plc2", desk.configuration("plc2").replace("[None]", f"[{policy}]"))
