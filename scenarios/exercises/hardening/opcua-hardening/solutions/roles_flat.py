"""Everybody has an account, and everybody is an engineer."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

harden = run_path(str(Path(__file__).with_name("reference.py")))["harden"]


def solve(desk: Desk) -> None:
    harden(desk, {"role: observer": "role: engineer", "role: operator": "role: engineer"})
