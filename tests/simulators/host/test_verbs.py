"""The table of verbs in `simulators.control` and the code agree."""

import inspect
import re

import pytest

from simulators import control
from simulators.errors import InputError
from simulators.host.verbs import VERBS, find

# Answered by the channel itself.
OF_THE_CHANNEL = {"subscribe", "stop"}


def documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| ([a-z_, ]+) \| ([^|]*) \|", control.__doc__ or "", re.MULTILINE)
    table = {}
    for verbs, arguments in rows:
        for verb in verbs.split(","):
            words = set(re.findall(r"[a-z_]+", re.sub(r"\([^)]*\)", "", arguments)))
            table[verb.strip()] = words
    table.pop("verb", None)
    return table


def test_every_verb_is_documented_and_the_other_way_round() -> None:
    assert documented().keys() == VERBS.keys() | OF_THE_CHANNEL


@pytest.mark.parametrize("name", sorted(VERBS))
def test_its_arguments_too(name: str) -> None:
    parameters = set(inspect.signature(VERBS[name]).parameters) - {"host", "bay"}
    assert documented()[name] == parameters


def test_an_unknown_verb_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="snapshot"):
        find("explode")
