"""A real supervisor and a real bottling line, once for all the tests of this folder."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.cli.background import ensure_supervisor
from lab.cli.main import run
from lab.connection import SupervisorClient
from lab.paths import Paths
from tests.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.live.school import School

NAME = "bottling"
SUPERVISORS: list[subprocess.Popen[bytes]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/live/" in item.nodeid:
            item.add_marker(pytest.mark.needs("mosquitto"))


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    # Short, for a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ue") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def labs(home: Path) -> Iterator[SupervisorClient]:
    """A supervisor with one lab, `bottling`, of seed 1."""
    paths = Paths(home)
    supervise(paths)
    client = SupervisorClient(paths)
    client.start("bottling", NAME, seed=1)
    yield client
    if client.running():
        client.shutdown(labs=True)
    for process in SUPERVISORS:
        process.wait(10)


def supervise(paths: Paths) -> None:
    """Start a supervisor, which the `labs` fixture ends."""
    process = ensure_supervisor(paths)
    assert process is not None
    SUPERVISORS.append(process)


@pytest.fixture
def lab(labs: SupervisorClient, home: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """The command line, on that supervisor."""
    monkeypatch.setenv("USINE_HOME", str(home))
    monkeypatch.setenv("LAB_LANG", "en")
    assert labs.running()
    return Command()


@pytest.fixture(scope="session")
def school(labs: SupervisorClient, home: Path) -> "Iterator[School]":
    """The pages over these labs."""
    from tests.live.school import open_school

    with open_school(labs, home) as place:
        yield place


# Of a module: its event loop would be in the way of later tests that have their own.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[BrowserContext]":
    """One Chromium for all the tests of this folder."""
    with chromium(tmp_path_factory.mktemp("profile"), 20_000) as context:
        yield context


class Command:
    """Runs `lab …` in this process."""

    def __init__(self) -> None:
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        import contextlib
        import io

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments))
        self.out, self.err = out.getvalue(), err.getvalue()
        assert code == status, f"lab {' '.join(arguments)}: {code}\n{self.out}\n{self.err}"
        return self.out

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status))

    def port(self, protocol: str) -> int:
        ends = self.json("endpoints", NAME)
        return next(int(end["port"]) for end in ends if end["protocol"] == protocol)


def green(client: SupervisorClient, name: str = NAME) -> bool:
    """Every device of the lab is well and every tag is good."""
    from simulators.errors import UsineError

    try:
        with client.attach(name) as lab:
            seen = lab.request("snapshot")
    except UsineError:
        return False
    devices = all(device["health"]["state"] == "ok" for device in seen["devices"])
    return devices and all(tag["quality"] == "good" for tag in seen["tags"].values())


def kill(pid: int) -> None:
    """End a process that these tests started."""
    os.kill(pid, signal.SIGKILL)
