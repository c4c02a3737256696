"""What every kind of device keeps, by being in `simulators/devices`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators import devices
from simulators.contracts import Health
from simulators.errors import InputError
from simulators.model import Device, Line, load_line
from tests.fakes import FakeNetwork, a_context, a_device, a_line, a_tag

BOTTLING = Path("scenarios/lines/bottling/line.yaml")
KINDS = sorted(devices.kinds())
PORTS = {"modbus_plc": 502, "opcua_plc": 4840, "mqtt_broker": 1883}
TAGS = {
    "modbus_plc": [a_tag("Tank.Level", "one", "%IW0", "INT")],
    "opcua_plc": [a_tag("Tank.Level", "one", "%IW0", "INT")],
    "mqtt_sensor": [a_tag("Tank.Level", "one", "plant/tank/level", signal="tank.level_pct")],
}


def the_line(kind: str) -> tuple[Line, Device]:
    """The bottling line and its first device of `kind`, or a small line that has one."""
    if BOTTLING.exists():
        line = load_line(BOTTLING)
        if found := line.devices_of(kind):
            return line, found[0]
    plc = kind.endswith("_plc")
    one = a_device("one", kind, port=PORTS.get(kind), program="main.st" if plc else None)
    return a_line([one], TAGS.get(kind, [])), one


def default_of(line: Line, device: Device) -> tuple[str, str]:
    """The device's default configuration and its name."""
    return (line.text_of(device.config), device.config) if device.config else ("", device.id)


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    network = FakeNetwork()
    yield network
    network.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_module_says_its_kind_and_what_it_is(kind: str) -> None:
    module = devices.kinds()[kind]
    assert str(module.KIND) == kind
    assert module.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_configuration_is_accepted(kind: str) -> None:
    devices.kinds()[kind].parse(*default_of(*the_line(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_configuration_is_the_weak_default(kind: str) -> None:
    devices.kinds()[kind].parse("", "empty")
    devices.kinds()[kind].parse("# nothing but this comment\n", "empty")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["\n\n  no_such_word_at_all: [1, 2\n", "\n\n\x00\x01", "\n\nno_such_word_at_all: 1\n"]
)
def test_a_bad_configuration_names_the_file_and_the_line(kind: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        devices.kinds()[kind].parse(text, "mine.yaml")
    assert caught.value.line in (1, 2, 3, 4)
    assert f"mine.yaml:{caught.value.line}" in caught.value.text.en
    assert caught.value.text.fr != caught.value.text.en


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_describes_every_key_for_editors(kind: str) -> None:
    schema = devices.kinds()[kind].SCHEMA
    if schema is None:
        return
    assert schema["$schema"].startswith("https://json-schema.org/")
    for node in objects(schema):
        for name, value in node.get("properties", {}).items():
            words = value.get("x-description", {})
            fr, en = words.get("fr", "").strip(), words.get("en", "").strip()
            assert fr, f"{kind}: {name} is not described in French"
            assert en, f"{kind}: {name} is not described in English"
            assert fr != en, f"{kind}: {name} is described twice in one language: {en}"
            assert value["description"] == f"{fr} / {en}", f"{kind}: {name}"


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from objects(value)
    if isinstance(node, list):
        for value in node:
            yield from objects(value)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("kind", KINDS)
async def test_making_it_opens_and_writes_nothing(kind: str, tmp_path: Path, network: FakeNetwork) -> None:
    line, spec = the_line(kind)
    context = a_context(line, spec.id, tmp_path, network)
    before, opened = set(asyncio.all_tasks()), descriptors()
    devices.kinds()[kind].create(context, devices.kinds()[kind].parse(*default_of(line, spec)))
    assert set(asyncio.all_tasks()) == before
    assert descriptors() <= opened
    assert not list(context.folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
async def test_it_starts_steps_stops_and_starts_again(
    kind: str, tmp_path: Path, network: FakeNetwork
) -> None:
    line, spec = the_line(kind)
    config = devices.kinds()[kind].parse(*default_of(line, spec))
    device = devices.kinds()[kind].create(a_context(line, spec.id, tmp_path, network), config)
    before = set(asyncio.all_tasks())
    await device.stop()
    for _ in range(2):
        await asyncio.wait_for(device.start(), 10)
        device.step(0.1)
        device.publish(0.1)
        assert isinstance(device.health(), Health)
        assert device.health().state in {"ok", "degraded"}
        await device.stop()
        await device.stop()
        assert device.health().state == "stopped"
    await asyncio.sleep(0)
    assert set(asyncio.all_tasks()) <= before, "a task outlives stop()"
