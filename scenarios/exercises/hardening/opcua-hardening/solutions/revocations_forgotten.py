"""The authority is trusted, and so is the laptop that was stolen."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

harden = run_path(str(Path(__file__).with_name("reference.py")))["harden"]


def solve(desk: Desk) -> None:
    text = desk.file("plc2.yaml")
    harden(desk, {text[text.index("  revoked:") : text.index("lockout:")]: ""})
