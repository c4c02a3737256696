"""Runs a scene in a network of its own: namespaces or wires in a forked child, or flat loopback in place."""

import asyncio
import ctypes
import os
import traceback
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from simulators.model import Conduit, Line
from simulators.network.flat import FlatNetwork
from simulators.network.zones import NamespaceNetwork
from tests.fakes import ZONES, a_device, a_line
from tests.simulators.network.apart import Apart
from tests.waiting import HANG_S

PLC1, PLC2, BROKER, SCADA = "10.20.1.10", "10.20.1.11", "10.20.2.10", "10.20.3.20"
NOBODY = 65534
Net = NamespaceNetwork | FlatNetwork | Apart
Scene = Callable[[Net], Awaitable[None]]
FLAT = pytest.param(lambda line, scene: in_flat(line, scene), id="flat")
NAMESPACES = pytest.param(
    lambda line, scene: in_namespaces(line, scene), id="namespaces", marks=pytest.mark.needs("namespaces")
)
ROUTED = pytest.param(
    lambda line, scene: in_namespaces(line, scene, network=Apart),
    id="routed",
    marks=pytest.mark.needs("namespaces", "ip"),
)
both_networks = pytest.mark.parametrize("play", [FLAT, NAMESPACES])
# What a gateway does, it does on a machine of its own too.
every_network = pytest.mark.parametrize("play", [FLAT, NAMESPACES, ROUTED])
Play = Callable[[Line, Scene], None]


def bottling_like() -> Line:
    """Two PLCs, a broker, a sensor, SCADA and a gateway in the bottling line's four zones."""
    gateway = a_device("gateway", "gateway")
    gateway = type(gateway)(
        id="gateway",
        kind="gateway",
        name=gateway.name,
        interfaces={zone.id: zone.subnet.replace("0/24", "1") for zone in ZONES},
    )
    conduits = [
        Conduit(id="scada_modbus", source="supervision", target="control", protocol="modbus"),
        Conduit(id="scada_opcua", source="supervision", target="control", protocol="opcua"),
        Conduit(id="scada_mqtt", source="supervision", target="iiot", protocol="mqtt"),
    ]
    devices = [
        a_device("plc1", "modbus_plc", address=PLC1, port=502, program="a.st"),
        a_device("plc2", "opcua_plc", address=PLC2, port=4840, program="b.st"),
        a_device("broker", "mqtt_broker", "iiot", BROKER, port=1883),
        a_device("sensor1", "mqtt_sensor", "iiot", "10.20.2.21"),
        a_device("scada", "scada", "supervision", SCADA),
        gateway,
    ]
    return a_line(devices, conduits=conduits)


def in_flat(line: Line, scene: Scene) -> None:
    """Play the scene on loopback."""
    network = FlatNetwork(line)
    try:
        asyncio.run(_bounded(scene, network))
    finally:
        network.close()


def in_namespaces(
    line: Line,
    scene: Scene,
    user: int | None = None,
    network: type[NamespaceNetwork] | type[Apart] = NamespaceNetwork,
) -> None:
    """Play the scene in a forked child that entered the line's zones, as another user if told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        report = _in_child(line, scene, user, network)
        os.write(writer, report[-60_000:].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        report = pipe.read()
    os.waitpid(child, 0)
    if report != "done":
        pytest.fail(f"in the namespaces:\n{report or 'the child died'}", pytrace=False)


def _in_child(line: Line, scene: Scene, user: int | None, kind: type[NamespaceNetwork] | type[Apart]) -> str:
    try:
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            # A change of user hides /proc/self from it; a program started by that user would see it.
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
        network = kind(line)
        network.enter()
        asyncio.run(_bounded(scene, network))
    except BaseException:
        return traceback.format_exc()
    return "done"


async def _bounded(scene: Scene, network: Net) -> None:
    async with asyncio.timeout(HANG_S):
        await scene(network)


class Echo(asyncio.Protocol):
    """Sends back what it gets; asked with `?`, the address of who asks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=65536)

    def data_received(self, data: bytes) -> None:
        peer: str = self._transport.get_extra_info("peername")[0]
        self._transport.write(peer.encode() if data == b"?" else data)

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


async def echo(network: Net, zone: str, address: str, port: int) -> asyncio.Server:
    """An echo server; close it."""
    return await asyncio.get_running_loop().create_server(Echo, sock=network.listen(zone, address, port))


async def connect(
    network: Net, zone: str, source: str, address: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream from a host of the zone."""
    sock = await network.connect(zone, source, address, port)
    return await asyncio.open_connection(sock=sock)


async def ask(network: Net, zone: str, source: str, address: str, port: int, data: bytes = b"hello") -> bytes:
    """What comes back for `data`; empty when the other side closes."""
    reader, writer = await connect(network, zone, source, address, port)
    try:
        writer.write(data)
        async with asyncio.timeout(HANG_S):
            return await reader.read(65536)
    finally:
        writer.transport.abort()


async def refused(
    network: Net, zone: str, source: str, address: str, port: int, data: bytes = b"hello"
) -> bool:
    """Whether the flow is refused or reset at once."""
    try:
        return await ask(network, zone, source, address, port, data) == b""
    except ConnectionError:
        return True
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        return True
