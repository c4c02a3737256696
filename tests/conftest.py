"""The `needs` marker: what this machine lacks is skipped with the reason, and is a failure in CI."""

import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome")}


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


def missing(tool: str) -> str | None:
    """Why `tool` cannot be used here, None if it can."""
    if tool == "namespaces":
        return None if _namespaces() else "network namespaces cannot be made here"
    if any(shutil.which(name) for name in NAMES.get(tool, (tool,))):
        return None
    return f"{tool} is not installed"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if reason := missing(tool):
                if os.environ.get("CI") == "true":
                    pytest.fail(f"{reason}, and CI must have it", pytrace=False)
                pytest.skip(reason)
