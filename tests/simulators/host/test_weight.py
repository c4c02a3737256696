"""A device's own process has what its kind needs, and nothing that weighs beside it."""

import subprocess
import sys

import pytest

PART = "import simulators.host.__main__, simulators.host.part, simulators.network.plain"
PLANT = "import simulators.host.__main__, simulators.host.process, simulators.host.links"
HEAVY = {"numpy", "lark", "cryptography", "asyncua", "paho", "tempfile", "difflib"}
DISSECTS = "simulators.network.dissect"


def imported(statements: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"{statements}\nimport sys\nprint(*sys.modules)"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return set(said.stdout.split())


@pytest.mark.parametrize(
    ("kind", "needs"),
    [
        ("mqtt_sensor", {"paho", "tempfile"}),
        ("historian", set()),
        ("mqtt_broker", {"difflib"}),
        ("modbus_plc", {"cryptography"}),
    ],
)
def test_a_device_brings_its_own_libraries_only(kind: str, needs: set[str]) -> None:
    found = imported(f"{PART}\nfrom simulators.devices import kind\nkind({kind!r})")
    assert found & HEAVY == needs
    assert DISSECTS not in found


def test_a_plant_whose_plcs_run_elsewhere_has_no_compiler() -> None:
    assert not imported(PLANT) & {"lark", "asyncua", "cryptography", "paho"}


def test_a_health_check_brings_neither_a_loop_nor_a_line() -> None:
    check = "import simulators.host.__main__, simulators.host.check, simulators.host.privileges"
    assert not imported(check) & {*HEAVY, "asyncio", "yaml", "simulators.model", "simulators.snapshot"}
