"""A sensor, its broker and someone who listens to all."""

import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators.contracts import Context
from simulators.contracts import Device as RunningDevice
from simulators.devices import mqtt_broker, mqtt_sensor
from simulators.model import Tag
from simulators.plant.vibration import heard
from tests.fakes import FakeField, FakeNetwork, Log, a_context, a_device, a_line, a_tag
from tests.simulators.devices.mqtt_broker.clients import Client, client

TAGS = [
    a_tag("Pump.Vibration", "pump_sensor", "plant/pump/vibration", signal="pump_motor.vibration_mm_s",
          unit="mm/s", range=(0, 12)),
    a_tag("Pump.Temperature", "pump_sensor", "plant/pump/temperature", signal="pump_motor.temperature_c",
          unit="°C", range=(0, 150), gain=2.0, offset=1.0),
]  # fmt: skip


@dataclass(repr=False)
class Bench:
    """`broker` is in force at once; `sensor` is started. `field` is what it measures."""

    sensor: RunningDevice
    broker: RunningDevice
    context: Context
    field: FakeField
    log: Log
    ear: Client

    def run(self, until_s: float, from_s: float = 0.0) -> None:
        """Steps of 0.1 s, published a second at a time, as the host does at ×10."""
        for step in range(round(from_s * 10) + 1, round(until_s * 10) + 1):
            self.sensor.step(step / 10)
            if step % 10 == 0:
                self.sensor.publish(step / 10)

    def messages(self, topic: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(data) for heard, data in self.ear.heard if heard == topic]


Build = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    network = FakeNetwork()
    yield network
    network.close()


@pytest.fixture
def bench(tmp_path: Path, network: FakeNetwork) -> Build:
    @contextlib.asynccontextmanager
    async def build(
        config: str = "", broker: str = "", tags: list[Tag] = TAGS, engine: str = "embedded", **more: Any
    ) -> AsyncIterator[Bench]:
        line = a_line(
            [
                a_device("broker", "mqtt_broker", "iiot", port=1883, settings={"engine": engine}),
                a_device("pump_sensor", "mqtt_sensor", "iiot", "10.20.2.21"),
            ],
            tags,
        )
        field, log = FakeField(), Log()
        field.heard = heard(struct.pack("<12800h", *([1000, -1000] * 6400)))
        server_context = a_context(line, "broker", tmp_path, network)
        server = mqtt_broker.create(server_context, mqtt_broker.parse(broker, "broker.conf"))
        context = a_context(line, "pump_sensor", tmp_path, network, field=field, log=log)
        sensor = mqtt_sensor.create(context, mqtt_sensor.parse(config, "sensor.yaml"))
        await server.start()
        try:
            async with client(server_context, "ear", "#", **more) as ear:
                await sensor.start()
                yield Bench(sensor, server, context, field, log, ear)
        finally:
            await sensor.stop()
            await server.stop()

    return build
