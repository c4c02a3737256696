"""What carries the labs that are asked for without a runtime, as pages ask for them."""

import pytest

from lab.runtimes.contract import Runtime
from lab.supervisor.__main__ import RUNTIME_VARIABLE, usual_runtime
from simulators.errors import InputError
from tests.lab.fake_runtime import FakeRuntime

RUNTIMES: dict[str, Runtime] = {"local": FakeRuntime(), "docker": FakeRuntime()}


def test_it_is_local_unless_the_environment_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RUNTIME_VARIABLE, raising=False)
    assert usual_runtime(RUNTIMES) == "local"
    monkeypatch.setenv(RUNTIME_VARIABLE, "docker")
    assert usual_runtime(RUNTIMES) == "docker"


def test_one_that_there_is_not_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNTIME_VARIABLE, "podman")
    with pytest.raises(InputError, match=r"podman.*local, docker"):
        usual_runtime(RUNTIMES)
