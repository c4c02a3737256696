"""Reachability on loopback: what listens, what does not, and what never answers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from lab.probes import reach
from lab.probes.place import Flat, Zoned
from lab.probes.reach import Matrix, Sweep, Target, Tcp
from simulators.errors import InputError
from tests.fakes import FakeNetwork, a_device, a_line
from tests.lab.probes.stage import Place

LINE = a_line(
    [
        a_device("plc1", "modbus_plc", port=502, program="x.st"),
        a_device("plc2", "opcua_plc", address="10.20.1.11", port=4840, program="x.st"),
        a_device("sensor", "mqtt_sensor", "iiot"),
    ]
)


@contextlib.asynccontextmanager
async def listening(*devices: str) -> AsyncIterator[Place]:
    network = FakeNetwork()
    listeners = [network.listen(d.zone, d.address, d.port or 0) for d in LINE.devices if d.id in devices]
    try:
        yield Place(LINE, "control", network)
    finally:
        for listener in listeners:
            listener.close()
        network.close()
        await asyncio.sleep(0)


async def test_open_and_refused() -> None:
    async with listening("plc1") as place:
        assert (await reach.tcp(place, Tcp("plc1"))).observed == "open"
        assert (await reach.tcp(place, Tcp("plc2"))).observed == "refused"


async def test_what_never_answers_is_dropped() -> None:
    """A listener whose queue is full leaves the next client without an answer, as a silent filter does."""
    network = FakeNetwork()
    spec = LINE.device("plc1")
    full = network.listen(spec.zone, spec.address, 502)
    full.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(full.getsockname())
    try:
        seen = await reach.tcp(Place(LINE, "control", network), Tcp("plc1", wait_s=0.2))
        assert seen.observed == "dropped"
    finally:
        for client in (*waiting, full):
            client.close()
        network.close()


async def test_a_matrix_counts() -> None:
    targets = [Target("plc1"), Target("plc2")]
    async with listening("plc1") as place:
        seen = await reach.matrix(place, Matrix(targets))
        assert (seen.observed, seen.figures) == ("some_open", {"open": 1, "refused": 1, "dropped": 0})
    async with listening("plc1", "plc2") as place:
        assert (await reach.matrix(place, Matrix(targets))).observed == "all_open"
    async with listening() as place:
        assert (await reach.matrix(place, Matrix(targets))).observed == "none_open"


async def test_a_sweep_tells_what_should_not_be_open() -> None:
    listeners = [socket.create_server(("127.0.0.9", 0)) for _ in range(2)]
    first, second = sorted(listener.getsockname()[1] for listener in listeners)
    network = FakeNetwork()
    place = Place(LINE, "control", network)
    try:
        asked = Sweep(host="127.0.0.9", ports=f"{first},{second}", allowed=[first])
        seen = await reach.sweep(place, asked)
        assert (seen.observed, seen.figures["extra"]) == ("extra_open", 1)
        assert str(second) in seen.said.en
        both = Sweep(host="127.0.0.9", ports=f"{first},{second}", allowed=[first, second])
        assert (await reach.sweep(place, both)).observed == "only_allowed"
    finally:
        for listener in listeners:
            listener.close()
        network.close()


@pytest.mark.parametrize("text", ["", "a", "5-1", "0", "70000", "1-65535", "1-2-3"])
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="1024"):
        reach.ports(text)


def test_ports() -> None:
    assert reach.ports("5,1-3,2") == [1, 2, 3, 5]


def test_a_place_in_a_zone() -> None:
    place = Zoned(LINE, "control")
    assert place.address("plc1") == ("10.20.1.10", 502)
    assert place.address("plc1", 4840) == ("10.20.1.10", 4840)
    assert place.check("10.20.4.7") == "10.20.4.7"
    for foreign in ("10.21.1.1", "127.0.0.1", "::1", "example.org", "8.8.8.8"):
        with pytest.raises(InputError, match=r"not an address of the lab|n'est pas une adresse"):
            place.check(foreign)
    with pytest.raises(InputError):
        place.address("sensor")


def test_a_place_without_zones_is_the_forwards() -> None:
    place = Flat(
        LINE, "control", [{"device": "plc1", "protocol": "modbus", "host": "127.0.0.1", "port": 40502}]
    )
    assert place.address("plc1") == place.address("plc1", 502) == ("127.0.0.1", 40502)
    for device, port in (("plc1", 8883), ("plc2", None), ("sensor", None)):
        with pytest.raises(InputError):
            place.address(device, port)
    assert place.check("127.0.0.1")
    with pytest.raises(InputError):
        place.check("10.20.1.10")
