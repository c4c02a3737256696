"""Every probe, found by its place, keeps the contract that checks rely on."""

import re

import msgspec
import pytest

from lab.jobs import _find
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
