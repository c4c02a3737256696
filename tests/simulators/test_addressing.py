import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.addressing import Addressing, settle
from simulators.errors import InputError
from simulators.model import load_line
from tests.simulators.plant.operators import bottling

SUBNETS = {
    "control": "10.192.0.0/24",
    "iiot": "10.192.1.0/24",
    "supervision": "10.192.2.0/24",
    "enterprise": "10.192.3.0/24",
}
FORMER = {zone.id: zone.subnet for zone in bottling().zones}
MOVED = Addressing(FORMER, SUBNETS)
BACK = MOVED.back


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("10.20.1.10", "10.192.0.10"),
        ("allow: [10.20.3.20, 10.20.2.0/24]", "allow: [10.192.2.20, 10.192.1.0/24]"),
        ("opc.tcp://10.20.1.11:4840", "opc.tcp://10.192.0.11:4840"),
        ("192.168.1.1 and 1.10.20.1.10 and 10.20.1.10.5", "192.168.1.1 and 1.10.20.1.10 and 10.20.1.10.5"),
        ("version 10.20.1", "version 10.20.1"),
        ("a sentence that ends with 10.20.4.250.", "a sentence that ends with 10.192.3.250."),
        (
            "startswith: ['10.20.3.2', \"10.20.2.\", 10.20.1.]",
            "startswith: ['10.192.2.2', \"10.192.1.\", 10.192.0.]",
        ),
        ("110.20.1.10 999.20.1.10", "110.20.1.10 999.20.1.10"),
    ],
)
def test_addresses_in_a_text(before: str, after: str) -> None:
    assert MOVED.text(before) == after


@given(st.integers(0, 255), st.sampled_from(sorted(FORMER)))
def test_there_and_back(number: int, zone: str) -> None:
    address = str(ipaddress.IPv4Network(FORMER[zone])[number])
    assert ipaddress.IPv4Address(MOVED.address(address)) in ipaddress.IPv4Network(SUBNETS[zone])
    assert BACK.address(MOVED.address(address)) == address


def test_a_row_keeps_its_numbers() -> None:
    row = {"ts": 1.5, "id.orig_h": "10.20.2.21", "id.orig_p": 502, "note": "from 10.20.2.21"}
    moved = {"ts": 1.5, "id.orig_h": "10.192.1.21", "id.orig_p": 502, "note": "from 10.192.1.21"}
    assert MOVED.row(row) == moved
    assert Addressing(FORMER, FORMER).row(row) == row


def test_a_line_that_was_settled_is_read_back_at_its_new_addresses(tmp_path: Path) -> None:
    line = bottling()
    settled = load_line(settle(line, SUBNETS, tmp_path))
    assert settled.device("plc1").interfaces == {"control": "10.192.0.10"}
    assert settled.device("gateway").interfaces["enterprise"] == "10.192.3.1"
    assert settled.text_of("programs/process.st") == line.text_of("programs/process.st")
    assert "10.20." not in settled.text_of("plc1.yaml").replace("10.20.x", "")
    assert [tag.id for tag in settled.tags] == [tag.id for tag in line.tags]
    assert Addressing.between(line, settled).address("10.20.1.11") == "10.192.0.11"


def test_a_subnet_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="/24"):
        Addressing(FORMER, {**SUBNETS, "iiot": "10.192.1.0/28"})
