"""The `needs` marker: what this machine lacks is skipped with the reason, and is a failure in CI."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from simulators.text import set_language

# The first is the same engine without windows: it starts in half the time.
NAMES = {"chromium": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")}


# What tests expect of words is in French, unless they say otherwise; whoever runs them.
os.environ["LAB_LANG"] = "fr"


@cache
def _namespaces() -> bool:
    """Whether a child may make a network namespace, as root or through a user namespace."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        return False
    flags = "-n" if os.geteuid() == 0 else "-Urn"
    try:
        return subprocess.run([unshare, flags, "true"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's server programs: Debian keeps them out of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[4])
    found = shutil.which("initdb") or (debian[-1] if debian else None)
    return Path(found).parent if found else None


@cache
def _docker() -> str | None:
    """Why labs cannot run in containers here: no engine, or images that are not of this version."""
    from lab.runtimes.docker.engine import Engine
    from lab.runtimes.docker.images import STAGES, check
    from lab.runtimes.docker.settings import settings
    from simulators.errors import UsineError

    try:
        with Engine() as engine:
            engine.version()
            for stage in STAGES:
                check(engine, settings(Path("unused")), stage)
    except UsineError as error:
        return error.text.en
    return None


def missing(tool: str) -> str | None:
    """Why `tool` cannot be used here, None if it can."""
    if tool == "namespaces":
        return None if _namespaces() else "network namespaces cannot be made here"
    if tool == "docker":
        return _docker()
    if tool == "postgresql":
        return None if postgresql_programs() else "postgresql is not installed"
    if any(shutil.which(name) for name in NAMES.get(tool, (tool,))):
        return None
    return f"{tool} is not installed"


@pytest.fixture(autouse=True)
def _no_language_left() -> Iterator[None]:
    """What one test chose is not the language of the next."""
    set_language(None)
    yield
    set_language(None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if reason := missing(tool):
                if os.environ.get("CI") == "true":
                    pytest.fail(f"{reason}, and CI must have it", pytrace=False)
                pytest.skip(reason)


# Their tests share what takes seconds of processor to work out: machines' lives, a line that was run for long.
SHARING = (
    "test_lives.py", "test_mutants.py", "test_gates.py", "test_inside.py", "test_operation.py", "probes/test_maintenance.py",
    "test_bottling.py", "test_twin.py",
)  # fmt: skip
OWN_SITES = ("test_compose.py", "test_swarm.py", "test_terminal.py", "test_bad_input.py", "test_images.py")


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Tests that share what is costly to start run in one worker: by their place, not by marks, since pytest 9.2 no
    longer tells a test's `xdist_group` to pytest-xdist 3.8, whose `--dist loadgroup` then groups nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, name = nodeid.partition("::")
        if path.startswith("tests/live/"):
            # Those in a browser are long: each may run in a worker, and so on a supervisor, that the others do not use.
            return nodeid if path.endswith("_in_browser.py") else "live"
        if path.endswith("test_runtimes.py"):
            # A lab for each runtime.
            of = name.partition("[")[2]
            return "runtimes " + next(
                (each for each in ("docker-compact", "docker") if of.startswith(each)), "local"
            )
        if path.startswith("tests/docker/"):
            # Most share two labs; the others have sites of their own.
            return path if path.endswith(OWN_SITES) else "docker"
        if path.endswith(("test_browser.py", *SHARING)):
            return path
        return "postgresql" if "postgresql" in name.partition("[")[2] else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long, or many tests that share something, comes first: a worker that begins it last would end alone."""
    items.sort(key=lambda item: _turn(item.nodeid.partition("::")[0]))


def _turn(path: str) -> int:
    if path.endswith(("_in_browser.py", "test_swarm.py", "test_compose.py")):
        return 0
    if path.startswith(("tests/live/", "tests/docker/")) or path.endswith("test_runtimes.py"):
        return 1
    return 2 if path.endswith(("test_browser.py", *SHARING)) else 3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """The scheduler of `-n`. It would begin with the groups of most tests."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
