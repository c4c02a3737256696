"""A fake engine, and a lab's objects on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.settings import Settings
from tests.lab.runtimes.fake_engine import FakeEngine, serving


@pytest.fixture
def fake() -> FakeEngine:
    """With the images of labs."""
    made = FakeEngine()
    made.has("usine-ecole", "device", "workstation", "platform")
    return made


@pytest.fixture
def url(fake: FakeEngine, tmp_path: Path) -> Iterator[str]:
    with serving(fake, tmp_path / "e.sock") as where:
        yield where


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with Engine(url) as made:
        yield made


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate(2)
    yield made
    made.close()


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", "1000:1000", "10.201.0.0/16", workers=2)
