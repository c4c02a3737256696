"""A broker of each engine, started with the configuration that a test writes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from simulators.contracts import Context
from simulators.contracts import Device as RunningDevice
from simulators.devices import mqtt_broker
from tests.fakes import FakeNetwork, Log, a_context, a_device, a_line

Start = Callable[[str], Awaitable[Context]]


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    network = FakeNetwork()
    yield network
    network.close()


@pytest.fixture(params=[pytest.param("mosquitto", marks=pytest.mark.needs("mosquitto")), "embedded"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def a_broker(
    text: str, engine: str, folder: Path, network: FakeNetwork
) -> tuple[RunningDevice, Context, Log]:
    """A broker that is not started yet."""
    spec = a_device("broker", "mqtt_broker", "iiot", port=1883, settings={"engine": engine})
    log = Log()
    context = a_context(a_line([spec]), "broker", folder, network, log=log)
    return mqtt_broker.create(context, mqtt_broker.parse(text, "broker.conf")), context, log


@pytest.fixture
async def start(engine: str, tmp_path: Path, network: FakeNetwork) -> AsyncIterator[Start]:
    """Start a broker of the engine with a configuration; gives the context by which clients find it."""
    started: list[RunningDevice] = []

    async def begin(text: str) -> Context:
        device, context, _ = a_broker(text, engine, tmp_path, network)
        started.append(device)
        await device.start()
        return context

    yield begin
    for device in started:
        await device.stop()
