"""Two labs of each shape, once for all the tests of this folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.paths import Paths
from tests.docker.yard import Yard
from tests.live.conftest import green
from tests.waiting import within


def _opened(runtime: str) -> Iterator[Yard]:
    # Short, for a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ue") as folder:
        made = Yard(runtime, Paths(Path(folder)))
        try:
            made.open()
            within(30, lambda: green(made.labs, "one") and green(made.labs, "two"))
            yield made
        finally:
            made.close()


@pytest.fixture(scope="session")
def yard() -> Iterator[Yard]:
    """A container a device."""
    yield from _opened("docker")


@pytest.fixture(scope="session")
def compact() -> Iterator[Yard]:
    """A container a line."""
    yield from _opened("docker-compact")
