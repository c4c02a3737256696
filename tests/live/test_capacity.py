"""The preflight beside a lab that runs: its own figures are taken."""

from pathlib import Path

from lab.capacity.footprint import FOOTPRINTS, measured
from lab.connection import SupervisorClient
from tests.live.conftest import Command


def test_a_lab_that_runs_is_measured(labs: SupervisorClient, lab: Command, home: Path) -> None:
    said = lab.json("capacity", "--students", "1", "--runtime", "local")
    (memory,) = [need for need in said["needs"] if need["subject"] == "memory"]
    assert memory["source"]["en"].startswith("measured here on ")
    usual = FOOTPRINTS["local"]
    assert usual.fixed_mib + 5 < memory["needed"] < usual.fixed_mib + 4 * usual.memory_mib
    assert measured("docker", labs.list(), home) is None
