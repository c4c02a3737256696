"""A line's files on their way to another machine."""

from pathlib import Path

import pytest

from lab.catalog import line_path
from lab.runtimes.swarm.bundle import BYTES_MAX, packed, unpacked
from simulators.errors import InputError
from simulators.model import load_line


def test_a_line_arrives_as_it_left(tmp_path: Path) -> None:
    here = line_path("bottling")
    there = unpacked(packed(here), tmp_path)
    assert there == tmp_path / "bottling" / "line.yaml"
    former, line = load_line(here), load_line(there)
    assert line.devices == former.devices
    for device in line.devices:
        for name in (device.program, device.config):
            if name:
                assert line.text_of(name) == former.text_of(name)


@pytest.mark.parametrize("name", ["../elsewhere.yaml", "/etc/elsewhere", "a/../../b"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"elsewhere|\.\./b"):
        unpacked({"": "bottling", name: "text"}, tmp_path / "model")
    assert not list(tmp_path.glob("*.yaml"))


def test_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        unpacked({"": "bottling", "line.yaml": "x" * (BYTES_MAX + 1)}, tmp_path)
