"""A lock-out that any intruder can turn against the process."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

harden = run_path(str(Path(__file__).with_name("reference.py")))["harden"]


def solve(desk: Desk) -> None:
    harden(desk, {", essential: true": ""})
