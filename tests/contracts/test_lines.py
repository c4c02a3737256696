"""The suite that every line passes by being there: `scenarios/lines/<id>/line.yaml`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators.model import PLC_KINDS, Line, Tag, load_line
from simulators.plant.engine import Plant
from simulators.plc.address import parse_address
from simulators.text import Text
from simulators.twin import Twin

LINES = sorted((Path(__file__).parents[2] / "scenarios" / "lines").glob("*/line.yaml"))
_WIDTHS = {"X": {"BOOL"}, "W": {"INT", "UINT", "WORD"}, "D": {"REAL", "DINT", "UDINT", "DWORD", "TIME"}}


@pytest.fixture(params=LINES, ids=[path.parent.name for path in LINES], scope="module")
def line(request: pytest.FixtureRequest) -> Line:
    return load_line(request.param)


@pytest.fixture(scope="module")
def after_start(line: Line) -> Twin:
    twin = Twin(line, 1)
    for _ in range(round(600.0 / line.step_s)):
        twin.step()
    return twin


def plc_tags(line: Line) -> Iterator[tuple[Tag, Any]]:
    plcs = {device.id for device in line.devices_of(*PLC_KINDS)}
    for tag in line.tags:
        if tag.device in plcs:
            yield tag, parse_address(tag.address)


def texts(item: Any) -> Iterator[Text]:
    if isinstance(item, Text):
        yield item
    elif isinstance(item, msgspec.Struct):
        for name in item.__struct_fields__:
            yield from texts(getattr(item, name))
    elif isinstance(item, dict):
        for value in item.values():
            yield from texts(value)
    elif isinstance(item, list):
        for value in item:
            yield from texts(value)


def test_there_are_lines() -> None:
    assert LINES


def test_the_line_is_named_like_its_folder(line: Line) -> None:
    assert line.id == Path(line.folder).name


def test_every_word_is_there_twice(line: Line) -> None:
    for text in texts(line):
        assert text.fr.strip()
        assert text.en.strip()
        assert not re.search(r"[^\s\u00a0\u202f][:;?!](\s|$)", text.fr), text.fr


def test_every_tag_can_be_served(line: Line) -> None:
    for tag, address in plc_tags(line):
        assert tag.type in _WIDTHS[address.width], tag.id
        assert (tag.signal is None) == (address.area == "M"), tag.id
        assert not tag.writable or address.area == "M", tag.id


def test_inputs_measure_and_outputs_drive(line: Line) -> None:
    plant = Plant(line, 1)
    for tag, address in plc_tags(line):
        if address.area == "Q":
            assert plant.role(tag.signal or "") == "actuator", tag.id


def test_an_output_has_one_master(line: Line) -> None:
    driven = [tag.signal for tag, address in plc_tags(line) if address.area == "Q"]
    assert len(driven) == len(set(driven))


def test_numbers_have_a_range_and_alarms_fit_it(line: Line) -> None:
    for tag in line.tags:
        assert tag.type == "BOOL" or tag.range is not None, tag.id
        for alarm in tag.alarms:
            if alarm.when in ("true", "false"):
                assert tag.type == "BOOL", tag.id
            else:
                assert alarm.limit is not None, tag.id
                assert tag.range is not None, tag.id
                assert tag.range[0] < alarm.limit < tag.range[1], tag.id


def test_a_word_holds_the_whole_range(line: Line) -> None:
    for tag, address in plc_tags(line):
        if address.width == "W" and tag.range is not None:
            for end in tag.range:
                assert -32768 <= (end - tag.offset) / tag.gain <= 65535, tag.id


def test_every_program_compiles_and_runs(line: Line, after_start: Twin) -> None:
    for plc in after_start.plcs.values():
        diagnostics = plc.diagnostics()
        assert (diagnostics.mode, diagnostics.fault) == ("RUN", "")


def test_it_starts_by_itself_and_produces(after_start: Twin) -> None:
    if not any(asset.kind == "filler" for asset in after_start.plant.line.assets):
        pytest.skip("fills no bottles")
    kpis = after_start.plant.kpis()
    assert kpis["bottles_good"] > 50
    assert kpis["quality"] > 0.9


def test_measurements_stay_in_their_range(line: Line, after_start: Twin) -> None:
    for tag, value in zip(line.tags, after_start.row().truths, strict=True):
        if tag.range is not None and value is not None:
            assert tag.range[0] <= float(value) <= tag.range[1], tag.id


def test_its_balances_close(after_start: Twin) -> None:
    balance = after_start.plant.balance()
    assert abs(balance.mass_error_kg) < 1e-6 * (1.0 + balance.supplied_kg + balance.bottled_kg)
    assert abs(balance.energy_error_j) < 1e-6 * (1e6 + balance.electric_j)


def test_it_comes_back_from_a_checkpoint(line: Line, after_start: Twin) -> None:
    other = Plant(line, 1)
    other.restore(after_start.plant.checkpoint())
    assert other.state_hash() == after_start.plant.state_hash()
