"""The runtime that pages start labs on: chosen in the environment, refused where there is none of the name."""

import pytest

from lab.runtimes.names import RUNTIMES, WITH_WORKSTATION, chosen_runtime
from simulators.errors import InputError


def test_local_unless_the_environment_says_otherwise() -> None:
    assert chosen_runtime({}) == "local"
    assert chosen_runtime({"USINE_RUNTIME": ""}) == "local"
    for name in RUNTIMES:
        assert chosen_runtime({"USINE_RUNTIME": name}) == name


def test_one_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as refused:
        chosen_runtime({"USINE_RUNTIME": "podman"})
    for words in (refused.value.text.fr, refused.value.text.en):
        assert words.startswith("USINE_RUNTIME=podman")
        assert all(name in words for name in RUNTIMES)


def test_those_with_a_workstation_are_some_of_them() -> None:
    assert set(RUNTIMES) >= WITH_WORKSTATION
