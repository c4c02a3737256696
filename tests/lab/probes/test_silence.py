"""A device that never says a word is silent to every probe, one that says anything is one of its outcomes."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from lab.probes import modbus, mqtt, tls
from lab.probes.contract import Finding, Probe, Where
from tests.fakes import FakeNetwork, a_device, a_line, a_tag
from tests.lab.probes.stage import Place, answering

LINE = a_line(
    [a_device("mute", "modbus_plc", port=502, program="x.st")],
    [a_tag("Pump.Flow", "mute", "%MD0", writable=True)],
)
MORE: dict[str, dict[str, Any]] = {
    "modbus.read": {"tag": "Pump.Flow"},
    "modbus.write": {"tag": "Pump.Flow", "value": 1.0},
    "modbus.flood": {"seconds": 0.5, "connections": 1},
    "mqtt.publish": {"topic": "t"},
    "mqtt.canary": {"topic": "t"},
    "mqtt.retained": {"topic": "t"},
}
ZONED = [*modbus.PROBES, *mqtt.PROBES, *tls.PROBES]


@contextlib.asynccontextmanager
async def mute(says: Callable[[bytes], bytes] = lambda _request: b"") -> AsyncIterator[Place]:
    """A device that listens, and to each request says that."""
    network = FakeNetwork()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(4096):
            writer.write(says(request))

    spec = LINE.device("mute")
    with contextlib.closing(network):
        async with answering(listen, network.listen(spec.zone, spec.address, 502)):
            yield Place(LINE, spec.zone, network)


@pytest.mark.parametrize("probe", ZONED, ids=lambda probe: probe.name)
async def test_silence(probe: Probe) -> None:
    look = cast("Callable[[Where, Any], Awaitable[Finding]]", probe.look)
    async with mute() as place:
        begun_s = time.monotonic()
        seen = await look(place, probe.arguments(device="mute", wait_s=0.2, **MORE.get(probe.name, {})))
        assert time.monotonic() - begun_s < probe.limit_s
    assert seen.observed in {"silent", "no_subscriber"}
    assert seen.observed not in probe.refusals
    assert seen.exchanges
    assert seen.said.fr != seen.said.en


@pytest.mark.parametrize("probe", ZONED, ids=lambda probe: probe.name)
async def test_whatever_is_said(probe: Probe) -> None:
    look = cast("Callable[[Where, Any], Awaitable[Finding]]", probe.look)
    drawn = random.Random(probe.name)
    answer = _modbus if probe.name.startswith("modbus") else _mqtt
    async with mute(lambda request: answer(drawn, request)) as place:
        for _ in range(TIMES):
            seen = await look(place, probe.arguments(device="mute", wait_s=0.03, **MORE.get(probe.name, {})))
            assert seen.observed in {*probe.outcomes, "silent"}


def _modbus(drawn: random.Random, request: bytes) -> bytes:
    """Often the start of the right answer, of any length."""
    size = drawn.choice((0, 1, 2, 4))
    function = drawn.choice((request[7:8], request[7:8], b"\x83", b"\x90"))
    body = function + drawn.choice((bytes((size,)), b"")) + drawn.randbytes(size)
    return drawn.choice((request[:2], b"zz")) + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + b"\x01" + body


def _mqtt(drawn: random.Random, request: bytes) -> bytes:
    """Mostly what is waited for, with a body of any length."""
    kind = drawn.choice((ANSWERS.get(request[0] >> 4, 0x30),) * 3 + (0x30, 0x32, 0xF0))
    body = b"\0\0" if kind == 0x20 else drawn.randbytes(drawn.choice((0, 0, 1, 2, 3, 9)))
    return bytes((kind, len(body))) + body


ANSWERS = {1: 0x20, 3: 0x40, 8: 0x90}
TIMES = 16
