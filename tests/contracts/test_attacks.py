"""What every attack keeps, by being in `scenarios/attacks`; what it does on the wire is in `tests/live`."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.attacks.contract import Attack
from lab.attacks.engine import attacks
from lab.probes.contract import Where
from lab.probes.place import Zoned
from simulators.errors import InputError
from simulators.model import load_line
from simulators.text import Text

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
ATTACKS = sorted(attacks())
FOREIGN = ("192.0.2.9", "127.0.0.1", "10.21.1.10", "0.0.0.0", "::1", "example.org", "10.20.1.10;ls")
TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class FakeField:
    """A field in which time stands still; what began is remembered."""

    def __init__(self, zone: str) -> None:
        self.where: Where = Zoned(LINE, zone)
        self.begun: list[tuple[str, str]] = []

    def now(self) -> float:
        return 1_800_000_000.0

    async def wait(self, seconds: float) -> None:
        raise AssertionError(f"it went on, for {seconds} s")

    def say(self, text: Text) -> None:
        assert text.fr
        assert text.en

    def began(self, target: str, source: str) -> None:
        self.begun.append((target, source))


def fields(attack: Attack) -> dict[str, Any]:
    return {field.name: field for field in msgspec.structs.fields(attack.arguments)}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_says_what_it_is(name: str) -> None:
    attack = attacks()[name]
    assert attack.id == name
    assert TECHNIQUE.fullmatch(attack.technique)
    assert attack.name.fr
    assert attack.name.en
    assert attack.zone in {zone.id for zone in LINE.zones}
    assert 0 < attack.consequence_s <= 3600


@pytest.mark.parametrize("name", ATTACKS)
def test_its_arguments_all_have_defaults_and_refuse_others(name: str) -> None:
    attack = attacks()[name]
    msgspec.convert({}, attack.arguments)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"surprise": 1}, attack.arguments)
    assert msgspec.json.schema(attack.arguments)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_bounded(name: str) -> None:
    attack = attacks()[name]
    assert {"source", "rate_per_s", "count"} <= fields(attack).keys()
    assert attack.limit_s <= 3600
    for too_much in ({"count": 100_000}, {"rate_per_s": 10_000.0}, {"count": 0}, {"rate_per_s": 0.0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(too_much, attack.arguments)
    default = msgspec.convert({}, attack.arguments)
    assert default.count / default.rate_per_s < attack.limit_s  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", FOREIGN)
@pytest.mark.parametrize("name", ATTACKS)
async def test_it_comes_from_no_foreign_address(name: str, source: str) -> None:
    attack = attacks()[name]
    field = FakeField(attack.zone)
    with pytest.raises(InputError):
        await attack.run(field, msgspec.convert({"source": source}, attack.arguments))
    assert field.begun == []


@pytest.mark.parametrize("name", ATTACKS)
async def test_it_goes_to_a_device_of_the_line_only(name: str) -> None:
    attack = attacks()[name]
    aim = "target" if "target" in fields(attack) else "tag"
    field = FakeField(attack.zone)
    with pytest.raises(Exception, match=r"192\.0\.2\.9") as refused:
        await attack.run(field, msgspec.convert({aim: "192.0.2.9"}, attack.arguments))
    assert type(refused.value).__name__ in {"InputError", "NotFoundError"}
    assert field.begun == []
