"""A user without any privilege: the same lab, through a user namespace, or flat and said so."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CODE = "import sys; from lab.cli.main import main; main()"
NOBODY = 65534
AS_NOBODY = [
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search", "--bounding-set=-all,+dac_read_search",
]  # fmt: skip


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="uo") as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def lab(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lab …` as an ordinary user: this one, or nobody where the tests run as root.

    Nobody may read every file, for the interpreter may stand in a folder that is root's; it has no other right.
    """
    environment = {
        **os.environ,
        "USINE_HOME": str(home),
        "HOME": str(home),
        "LAB_LANG": "en",
        "SHELL": "/bin/bash",
    }
    command = [*(AS_NOBODY if os.geteuid() == 0 else []), sys.executable, "-c", CODE, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=40, env=environment, cwd=Path(__file__).parents[2]
    )


@pytest.mark.needs("namespaces", "setpriv")
@pytest.mark.parametrize("flat", [False, True])
def test_a_lab_of_an_ordinary_user(home: Path, flat: bool) -> None:
    try:
        started = lab(home, "start", "bottling", *(["--flat"] if flat else []))
        assert started.returncode == 0, started.stdout + started.stderr
        seen = json.loads(lab(home, "status", "bottling", "--json").stdout)
        assert {device["health"]["state"] for device in seen["devices"]} == {"ok"}
        assert seen["enforces_zones"] is not flat
        probe = lab(home, "probe", "bottling", "modbus.session", "--arg", "device=plc1", "--json")
        assert json.loads(probe.stdout)["observed"] == "accepted", probe.stderr
        if not flat:
            reach = "exec 3<>/dev/tcp/10.20.1.10/502 && echo reached"
            assert "reached" in lab(home, "shell", "bottling", "--zone", "control", "-c", reach).stdout
        else:
            assert lab(home, "shell", "bottling").returncode == 4
            assert "zones not enforced" in lab(home, "status", "bottling").stdout
    finally:
        lab(home, "stop", "--all")
