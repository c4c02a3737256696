"""The gateway between real zones and on flat loopback: what passes, what does not, and how it is refused."""

import asyncio
import struct
from pathlib import Path

import pytest

from simulators.clock import Clock
from simulators.contracts import Context
from simulators.devices import gateway
from simulators.network.relay import WRITE_BUFFER_BYTES
from tests.fakes import ORIGIN_UNIX_S, FakeField, Log
from tests.simulators.network.stage import (
    BROKER,
    PLC1,
    PLC2,
    SCADA,
    Net,
    Play,
    ask,
    bottling_like,
    connect,
    echo,
    every_network,
    in_namespaces,
    refused,
)
from tests.simulators.network.wire import request
from tests.waiting import eventually

LINE = bottling_like()
STATION = "10.20.4.250"
HARDENED = """
default: deny
rules:
  - {from: scada, to: control, protocol: modbus, action: allow, modbus: {functions: [1, 2, 3, 4]}}
  - {from: scada, to: control, protocol: modbus, action: allow, modbus: {write: [10-19]}}
  - {from: supervision, to: plc2, protocol: opcua, action: allow}
  - {from: scada, to: broker, protocol: mqtt, action: allow}
"""


def a_gateway(network: Net, text: str = "") -> tuple[gateway.Gateway, Log]:
    log = Log()
    context = Context(
        line=LINE,
        spec=LINE.device("gateway"),
        network=network,
        field=FakeField(),
        clock=Clock(ORIGIN_UNIX_S),
        folder=Path(),
        seed=1,
        log=log,
    )
    return gateway.create(context, gateway.parse(text, "gateway.yaml")), log


async def plant(network: Net) -> list[asyncio.Server]:
    return [
        await echo(network, "control", PLC1, 502),
        await echo(network, "control", PLC2, 4840),
        await echo(network, "iiot", BROKER, 1883),
    ]


def close(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()


@every_network
def test_weak_default_every_zone_reaches_every_device(play: Play) -> None:
    async def scene(network: Net) -> None:
        servers = await plant(network)
        device, _ = a_gateway(network)
        assert device.health().state == "stopped"
        await device.start()
        for zone in ("iiot", "supervision", "enterprise"):
            source = LINE.zone(zone).subnet.replace("0/24", "77")
            assert await ask(network, zone, source, PLC1, 502) == b"hello"
            assert await ask(network, zone, source, PLC2, 4840) == b"hello"
        assert await ask(network, "enterprise", STATION, BROKER, 1883) == b"hello"
        figures = device.health().figures
        assert device.health().state == "ok"
        assert figures["allowed"] == 7
        assert figures["denied"] == 0
        assert figures["bytes"] == 70
        await device.stop()
        close(servers)

    play(LINE, scene)


@every_network
def test_the_device_sees_the_true_source(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network)
        await device.start()
        seen = await ask(network, "supervision", SCADA, PLC1, 502, b"?")
        assert seen == (SCADA.encode() if network.enforces_zones else b"127.0.0.1")
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
def test_hardened_only_the_conduits_pass(play: Play) -> None:
    async def scene(network: Net) -> None:
        servers = await plant(network)
        device, log = a_gateway(network, HARDENED)
        await device.start()
        read = request("0300000001")
        assert await ask(network, "supervision", SCADA, PLC1, 502, read) == read
        assert await ask(network, "supervision", "10.20.3.99", PLC2, 4840, b"HELF") == b"HELF"
        assert await ask(network, "supervision", SCADA, BROKER, 1883, b"\x10\0") == b"\x10\0"
        assert await refused(network, "supervision", "10.20.3.99", PLC1, 502, read)
        for zone in ("iiot", "enterprise"):
            source = LINE.zone(zone).subnet.replace("0/24", "77")
            assert await refused(network, zone, source, PLC1, 502, read)
            assert await refused(network, zone, source, PLC2, 4840)
        assert await refused(network, "enterprise", STATION, BROKER, 1883)
        denied = log.events("gateway_flow_denied")
        assert denied[0]["source"] == "10.20.3.99"
        assert denied[0]["reason"] == "default"
        assert device.health().figures["denied"] == 1
        await device.stop()
        close(servers)

    play(LINE, scene)


@every_network
def test_a_refused_modbus_request_gets_its_own_exception(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, log = a_gateway(network, HARDENED)
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        good, bad = request("0600120007", 7), request("0600630007", 0xBEEF, 9)
        # Pipelined and fragmented: the frames must be found, and each answer must be whole.
        stream = bad + good + bad + good
        for at in range(0, len(stream), 5):
            writer.write(stream[at : at + 5])
            await asyncio.sleep(0)
        answers = await asyncio.wait_for(reader.readexactly(2 * 9 + 2 * 12), 5)
        refusal = bytes.fromhex("beef 0000 0003 09 86 01")
        assert answers.count(refusal) == 2
        assert answers.count(good) == 2
        assert log.events("gateway_request_denied") == [
            {
                "zone": "supervision",
                "source": SCADA,
                "target": "plc1",
                "unit": 9,
                "function": 6,
                "reason": "default",
            }
        ]
        assert device.health().figures["requests_denied"] == 2
        writer.close()
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
@pytest.mark.parametrize(
    ("address", "port", "data"),
    [
        (PLC1, 502, b"GET / HTTP/1.1\r\n\r\n"),
        (PLC1, 502, b"\0\1\0\0\0\0\1\3"),
        (PLC2, 4840, b"GET /"),
        (BROKER, 1883, b"\x30\0"),
    ],
)
def test_what_is_not_the_protocol_of_the_rule_is_cut(
    play: Play, address: str, port: int, data: bytes
) -> None:
    async def scene(network: Net) -> None:
        servers = await plant(network)
        device, log = a_gateway(network, HARDENED)
        await device.start()
        assert await refused(network, "supervision", SCADA, address, port, data)
        assert log.events("gateway_not_the_protocol")
        await eventually(lambda: device.health().figures["flows"] == 0)
        await device.stop()
        close(servers)

    play(LINE, scene)


@every_network
def test_it_fails_closed_and_comes_back(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network)
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await device.stop()
        await device.stop()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert await refused(network, "supervision", SCADA, PLC1, 502)
        again, _ = a_gateway(network)
        await again.start()
        assert await ask(network, "supervision", SCADA, PLC1, 502) == b"hello"
        await again.stop()
        server.close()

    play(LINE, scene)


@every_network
def test_a_device_that_is_down_is_a_reset(play: Play) -> None:
    async def scene(network: Net) -> None:
        device, log = a_gateway(network)
        await device.start()
        assert await refused(network, "supervision", SCADA, PLC1, 502)
        assert log.events("gateway_target_unreachable")
        await device.stop()

    play(LINE, scene)


@every_network
def test_half_close_passes_and_both_ends_close(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network)
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        writer.write(b"a" * 300_000)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b"a" * 300_000
        await eventually(lambda: device.health().figures["flows"] == 0)
        writer.close()
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
def test_a_reset_of_one_side_reaches_the_other(play: Play) -> None:
    async def scene(network: Net) -> None:
        listener = network.listen("control", PLC1, 502)
        device, _ = a_gateway(network)
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        inner, _peer = await asyncio.get_running_loop().sock_accept(listener)
        inner.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER of zero: close with a reset
        inner.close()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await device.stop()
        listener.close()

    play(LINE, scene)


@every_network
def test_a_client_that_floods_and_reads_nothing_is_held_back(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network)
        await device.start()
        flood = await network.connect("supervision", SCADA, PLC1, 502)
        sent, idle = 0, 0
        while idle < 20:
            try:
                sent += flood.send(b"z" * 65536)
                idle = 0
                await asyncio.sleep(0)
            except BlockingIOError:
                idle += 1
                await asyncio.sleep(0.01)
        carried = device.health().figures["bytes"]
        # The kernel's own buffers take a few MiB; the gateway must have stopped there.
        await asyncio.sleep(0.05)
        assert device.health().figures["bytes"] == carried
        assert sent < 64 << 20
        assert WRITE_BUFFER_BYTES <= 65536
        assert await ask(network, "supervision", "10.20.3.9", PLC1, 502) == b"hello"
        flood.close()
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
@pytest.mark.parametrize(
    ("limit", "allowed"),
    [("connections: 2", 2), ("connections_per_source: 3", 3), ("connections_per_s: 1", 1)],
)
def test_limits_reset_what_is_beyond(play: Play, limit: str, allowed: int) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, log = a_gateway(network, f"limits: {{{limit}}}")
        await device.start()
        passed = 0
        streams: list[asyncio.StreamWriter] = []
        for _ in range(5):
            try:
                reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
                streams.append(writer)
                writer.write(b"hello")
                passed += await asyncio.wait_for(reader.read(5), 5) == b"hello"
            except ConnectionError:
                pass
        assert passed == allowed
        assert device.health().figures["dropped"] == 5 - allowed
        assert log.events("gateway_flow_denied")[0]["reason"] == "limit_" + limit.partition(":")[0]
        for writer in streams:
            writer.transport.abort()
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
def test_requests_beyond_the_rate_wait_and_none_is_lost(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network, "limits: {requests_per_s: 40}")
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        stream = b"".join(request("0300000001", n) for n in range(60))
        writer.write(stream)
        assert await asyncio.wait_for(reader.readexactly(len(stream)), 10) == stream
        assert loop.time() - began_s > 0.35
        writer.close()
        await device.stop()
        server.close()

    play(LINE, scene)


@every_network
def test_silent_flows_are_closed(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network, "limits: {idle_s: 0.1}")
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        for _ in range(8):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            await asyncio.sleep(0.03)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await device.stop()
        server.close()

    play(LINE, scene)


@pytest.mark.needs("namespaces")
def test_drop_leaves_a_filtered_port() -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, _ = a_gateway(network, "default: drop")
        await device.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(network.connect("enterprise", STATION, PLC1, 502), 0.3)
        await device.stop()
        server.close()

    in_namespaces(LINE, scene)


@pytest.mark.needs("namespaces")
def test_an_address_of_another_zone_is_no_pass() -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        device, log = a_gateway(network)
        await device.start()
        assert await refused(network, "enterprise", SCADA, PLC1, 502)
        assert log.events("gateway_flow_denied")[0]["reason"] == "source_not_of_the_zone"
        await device.stop()
        server.close()

    in_namespaces(LINE, scene)
