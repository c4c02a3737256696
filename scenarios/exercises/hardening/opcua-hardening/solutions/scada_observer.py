"""The least of rights for SCADA too, and too little: its commands are refused, and it does not read the recipe."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

harden = run_path(str(Path(__file__).with_name("reference.py")))["harden"]


def solve(desk: Desk) -> None:
    harden(desk, {"role: operator, essential: true": "role: observer, essential: true"})
