"""The allow-list, the limits, and what the audit log says of them."""

import asyncio
from pathlib import Path

import pytest

from simulators.devices.modbus_plc import parse
from simulators.errors import InputError
from tests.simulators.devices.modbus_plc.rig import Rig, frame, raw, read, running
from tests.waiting import eventually

SCADA, ENGINEER, OTHER = "127.0.0.20", "127.0.0.50", "127.0.0.66"
ALLOW = f"""
allow:
  - {{peer: {SCADA}, units: [1], access: read}}
  - peer: {SCADA}
    units: [1]
    functions: [6, 16]
    ranges:
      - {{table: holding_register, first: 1024, last: 1024}}
      - {{table: holding_register, first: 2048, last: 2049}}
  - {{peer: 127.0.0.48/28, functions: [1, 2, 3, 4, 5, 6, 15, 16, 22, 23]}}
units: {{1: {{}}, 2: {{tags: [Tank.Level]}}}}
"""
WRITE = {
    "command": bytes.fromhex("0604000001"),
    "state": bytes.fromhex("0604010001"),
    "set point": bytes.fromhex("10080000020442910000"),
    "set point and more": bytes.fromhex("1008000004084291000000000001"),
    "coil": bytes.fromhex("050000ff00"),
    "mask": bytes.fromhex("160400fffe0001"),
    "read and write": bytes.fromhex("1704000001040000010200ff"),
}


@pytest.mark.parametrize(
    ("peer", "unit", "pdu", "code"),
    [
        (SCADA, 1, read(3, 1024, 5), 0),
        (SCADA, 1, read(1, 0, 2), 0),
        (SCADA, 255, read(4, 0, 1), 0),
        (SCADA, 2, read(4, 0, 1), 11),
        (SCADA, 1, WRITE["command"], 0),
        (SCADA, 1, WRITE["state"], 2),
        (SCADA, 1, WRITE["set point"], 0),
        (SCADA, 1, WRITE["set point and more"], 2),
        (SCADA, 1, WRITE["coil"], 1),
        (SCADA, 1, WRITE["mask"], 1),
        (SCADA, 1, WRITE["read and write"], 1),
        (SCADA, 1, bytes.fromhex("2b0e0100"), 0),
        (SCADA, 1, bytes.fromhex("0800000000"), 0),
        (SCADA, 1, bytes.fromhex("0800040000"), 1),
        (SCADA, 1, bytes.fromhex("0675300000"), 2),
        (ENGINEER, 1, WRITE["state"], 0),
        (ENGINEER, 1, WRITE["read and write"], 0),
        (ENGINEER, 1, WRITE["coil"], 0),
        (ENGINEER, 2, read(3, 0, 1), 0),
        (ENGINEER, 1, bytes.fromhex("2b0e0100"), 1),
        (ENGINEER, 1, bytes.fromhex("0800040000"), 1),
    ],
)
async def test_the_allow_list(tmp_path: Path, peer: str, unit: int, pdu: bytes, code: int) -> None:
    async with running(tmp_path, ALLOW) as rig, raw(rig, peer) as wire:
        cells = list(rig.plc.image.cells)
        answer = await wire.ask(pdu, unit)
        if code == 0:
            assert answer[0] == pdu[0]
            return
        assert answer == bytes((pdu[0] | 0x80, code))
        assert rig.plc.image.cells == cells
        denied = rig.log.events("request_denied")[-1]
        assert (denied["peer"], denied["function"], denied["code"]) == (peer, pdu[0], code)
        assert rig.device.health().state == "ok"


async def test_a_peer_that_no_rule_names_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, ALLOW) as rig:
        async with raw(rig, OTHER) as wire:
            wire.send(frame(1, read(3, 1024, 1)))
            assert await wire.ended()
        assert rig.log.events("connection_refused")[0]["reason"] == "peer_not_allowed"
        assert rig.device.health().figures["requests"] == 0
        async with raw(rig, SCADA) as wire:
            assert len(await wire.ask(read(3, 1024, 1))) == 4


async def test_or_answered_with_exception_01(tmp_path: Path) -> None:
    async with running(tmp_path, ALLOW + "unlisted_peer: exception") as rig, raw(rig, OTHER) as wire:
        assert await wire.ask(read(3, 1024, 1)) == b"\x83\x01"


async def test_everything_is_open_by_default(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, raw(rig, OTHER) as wire:
        for name, request in WRITE.items():
            assert (await wire.ask(request))[0] == request[0], name
        writes = rig.log.events("write")
        assert len(writes) == len(WRITE)
        assert writes[0] == {
            "peer": OTHER, "peer_port": writes[0]["peer_port"], "unit": 1, "function": 6,
            "table": "holding_register", "address": 1024, "count": 1, "data": "0001",
        }  # fmt: skip


async def test_the_rate_is_limited_by_peer_and_recovers(tmp_path: Path) -> None:
    async with (
        running(tmp_path, "rate_limit_per_s: 20") as rig,
        raw(rig, SCADA) as first,
        raw(rig, SCADA) as second,
        raw(rig, ENGINEER) as other,
    ):
        answers = [await (first if number % 2 else second).ask(read(4, 0, 1)) for number in range(60)]
        assert answers[0][0] == 4
        assert answers.count(b"\x84\x06") >= 20
        assert len(await other.ask(read(4, 0, 1))) == 4
        async with asyncio.timeout(2):
            while await first.ask(read(4, 0, 1)) == b"\x84\x06":
                await asyncio.sleep(0.02)


async def test_connections_are_limited_and_given_back(tmp_path: Path) -> None:
    async with running(tmp_path, "max_connections: 2") as rig:
        async with raw(rig) as one, raw(rig) as two:
            assert len(await one.ask(read(4, 0, 1))) == len(await two.ask(read(4, 0, 1))) == 4
            async with raw(rig) as three:
                assert await three.ended()
            assert rig.log.events("connection_refused")[0]["reason"] == "too_many_connections"
        await eventually(lambda: rig.device.health().figures["connections"] == 0)
        async with raw(rig) as again:
            assert len(await again.ask(read(4, 0, 1))) == 4


async def test_an_idle_connection_is_closed_and_a_busy_one_kept(tmp_path: Path) -> None:
    async with running(tmp_path, "idle_timeout_s: 0.4") as rig, raw(rig) as idle, raw(rig) as busy:
        idle.send(frame(1, read(4, 0, 1))[:9])  # half a request is none
        for _ in range(16):
            assert len(await busy.ask(read(4, 0, 1))) == 4
            await asyncio.sleep(0.05)
        assert await idle.ended()
        assert len(rig.log.events("connection_idle")) == 1


async def test_a_flood_of_denials_is_counted_not_written_line_by_line(tmp_path: Path) -> None:
    async with running(tmp_path, ALLOW) as rig, raw(rig, SCADA) as wire:
        for _ in range(4):
            wire.send(*(frame(1, WRITE["coil"]) for _ in range(100)))
            for _ in range(100):
                await wire.receive()
        assert rig.device.health().figures["denied"] == 400
        assert len(rig.log.events("request_denied")) < 150


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("allow:\n  - peer: 10.20.3.999", "x.yaml:2"),
        ("allow:\n  - ranges: [{table: coil, first: 5, last: 3}]", "x.yaml:2"),
        ("allow:\n  - functions: [200]", "x.yaml:2"),
        ("\nrate_limit_per_s: 0", "x.yaml:2"),
        ("\n\nsecurity: {key: ../../server.key}", "x.yaml:3"),
        ("\nmode_register: always", "x.yaml:2"),
    ],
)
def test_a_wrong_value_names_its_line(text: str, where: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "x.yaml")
    assert caught.value.text.en.startswith(where)


def test_a_view_of_an_unknown_tag_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"units\[2\]\.tags\[0\].*Tank\.Colour"):
        Rig(tmp_path, "units: {2: {tags: [Tank.Colour]}}")
