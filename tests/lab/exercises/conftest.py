"""The stage's fixtures for every test of this folder."""

import pytest

from tests.lab.exercises.stage import exercise, probes

__all__ = ["exercise", "probes"]


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_LANG", "en")
