"""Hardened, and SCADA asks plc2 once a minute: what the operators look at is a minute old."""

from pathlib import Path
from runpy import run_path

from lab.exercises.solution import Desk

reference = run_path(str(Path(__file__).with_name("reference.py")))


def solve(desk: Desk) -> None:
    reference["harden"](desk, {})
    reference["change"](desk, "scada", {"opcua:\n  period_s: 1.0": "opcua:\n  period_s: 60"})
