"""Every probe, found by its place, keeps the contract that checks rely on."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from lab.jobs import _find
from lab.probes import words
from lab.probes.contract import Probe, probes

ALL = sorted(probes().values(), key=lambda probe: probe.name)


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.name)
def test_a_probe_is_what_it_says(probe: Probe) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z][a-z_]*", probe.name)
    assert _find(probe.name) is probe
    assert len(set(probe.outcomes)) == len(probe.outcomes) >= 1
    assert set(probe.refusals) <= set(probe.outcomes)
    assert "silent" not in probe.refusals, "silence proves nothing"
    assert probe.limit_s > 0
    assert callable(probe.look)
    config = probe.arguments.__struct_config__
    assert config.frozen
    assert config.forbid_unknown_fields
    assert msgspec.json.schema(probe.arguments)


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.name)
def test_a_probe_its_arguments_and_figures_have_names_for_people(probe: Probe) -> None:
    assert probe.name in words.PROBE_NAMES, "name it in lab/probes/words.py"
    fields, figures = list(_fields(probe.arguments)), probe.figures
    unnamed = [
        field for field in fields if not {field, f"{probe.name}:{field}"} & words.ARGUMENT_NAMES.keys()
    ]
    unnamed += [name for name in figures if not {name, f"{probe.name}:{name}"} & words.FIGURE_NAMES.keys()]
    assert unnamed == [], "name them in lab/probes/words.py"


def test_no_name_is_for_nothing() -> None:
    fields = {field for probe in ALL for field in _fields(probe.arguments)} | {"zone"}
    figures = {name for probe in ALL for name in probe.figures}
    assert set(words.PROBE_NAMES) == {probe.name for probe in ALL}
    assert {name.rpartition(":")[2] for name in words.ARGUMENT_NAMES} == fields
    assert {name.rpartition(":")[2] for name in words.FIGURE_NAMES} == figures


def _fields(arguments: type[msgspec.Struct]) -> Iterator[str]:
    """Their names, and those of the rows of a table."""
    for field in msgspec.structs.fields(arguments):
        yield field.encode_name
        for kind in (field.type, *_inner(field.type)):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                yield from _fields(kind)


def _inner(kind: Any) -> Iterator[Any]:
    for each in get_args(kind):
        yield each
        yield from _inner(each)
