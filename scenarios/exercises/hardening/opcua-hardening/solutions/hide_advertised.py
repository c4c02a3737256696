"""A secure endpoint is advertised to people; the old channel answers whoever asks it."""

from lab.exercises.solution import Desk


def solve(desk: Desk) -> None:
    text = desk.configuration("plc2").replace("[None]", "[Basic256Sha256_SignAndEncrypt, None]")
    desk.configure("plc2", text.replace("clear_passwords: true", "clear_passwords: false"))
