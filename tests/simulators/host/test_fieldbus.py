import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from simulators.errors import InputError, StartError
from simulators.host import fieldbus
from simulators.host.fieldbus import FieldServer, RemoteField
from tests.fakes import FakeField, eventually


class Bus:
    """A plant's side on a Unix socket, that can be cut and mended."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "field"
        self.field = FakeField({"tank.level_pct": 40.0, "pump.running": True})
        self.field.window = b"\x01\x00" * 12_800
        self.server = FieldServer(self.field)
        self._listening: asyncio.Server | None = None
        self._tick: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listening = await asyncio.start_unix_server(self.server.serve, str(self.path))
        self._tick = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert self._listening is not None
        assert self._tick is not None
        self._tick.cancel()
        self._listening.close()
        for writer in list(self.server._wanted):
            writer.transport.abort()

    def device(self) -> RemoteField:
        return RemoteField(
            lambda: asyncio.open_unix_connection(str(self.path)), ["tank.level_pct", "pump.running"]
        )

    async def _run(self) -> None:
        while True:
            self.server.publish()
            await asyncio.sleep(0.01)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    made = Bus(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_the_device_reads_the_plant_and_drives_it(bus: Bus) -> None:
    device = bus.device()
    await device.start()
    assert device.read(["pump.running", "tank.level_pct"]) == [True, 40.0]
    device.write(["pump.speed_pct"], [55.0])
    await eventually(lambda: bus.field.values.get("pump.speed_pct") == 55.0)
    bus.field.values["tank.level_pct"] = 41.0
    await eventually(lambda: device.read(["tank.level_pct"]) == [41.0])
    await eventually(lambda: device.vibration("pump") == bus.field.window)
    await device.stop()


async def test_it_reconnects_after_an_outage(bus: Bus) -> None:
    device = bus.device()
    await device.start()
    await bus.stop()
    device.write(["pump.speed_pct"], [1.0])
    bus.field.values["tank.level_pct"] = 77.0
    await bus.start()
    await eventually(lambda: device.read(["tank.level_pct"]) == [77.0])
    await device.stop()


async def test_no_plant_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fieldbus, "FIRST_VALUES_LIMIT_S", 0.2)
    with pytest.raises(StartError, match="plant"):
        await Bus(tmp_path).device().start()


async def test_garbage_ends_its_own_connection_only(bus: Bus) -> None:
    device = bus.device()
    await device.start()
    for garbage in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\xc1\xc1", b"\x00\x00\x00\x01\x01"):
        reader, writer = await asyncio.open_unix_connection(str(bus.path))
        writer.write(garbage)
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
    bus.field.values["tank.level_pct"] = 12.0
    await eventually(lambda: device.read(["tank.level_pct"]) == [12.0])
    await device.stop()


class Deaf(FakeField):
    """A plant that has no vibration to give."""

    def vibration(self, asset: str) -> bytes:
        raise InputError(f"{asset} : pas un moteur", f"{asset}: not a motor")


def reads(device: RemoteField, level_pct: float) -> bool:
    return device.read(["tank.level_pct"]) == [level_pct]


async def test_an_asset_without_vibration_is_silent_and_values_go_on(bus: Bus) -> None:
    bus.server._field = Deaf(bus.field.values)
    device = bus.device()
    await device.start()
    assert device.vibration("tank") == fieldbus.SILENCE
    for level in range(70):
        bus.field.values["tank.level_pct"] = float(level)
        await eventually(partial(reads, device, float(level)))
    assert device.vibration("tank") == fieldbus.SILENCE
    await device.stop()
