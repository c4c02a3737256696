"""Whatever goes away is seen, said, and found again by itself; nothing is left behind."""

import asyncio
import contextlib
import gc
import random
import time
from pathlib import Path
from typing import Any

import pytest

from simulators.devices.scada import communication, source
from tests.simulators.devices.scada.rig import MODBUS, MQTT, OPCUA, Rig, a_rig, reading, telemetry
from tests.waiting import eventually, last_served

ALL = {"plc1": MODBUS, "plc2": OPCUA, "broker": MQTT}
SOON_S = 2.5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(source, "BACKOFF_MIN_S", 0.001)
    monkeypatch.setattr(source, "BACKOFF_MAX_S", 0.002)


@pytest.mark.parametrize("name", ALL)
async def test_an_outage_is_seen_and_ends_by_itself(tmp_path: Path, name: str) -> None:
    tags = ALL[name]
    async with a_rig(tmp_path, tags, "modbus: {period_s: 0.5}") as rig:
        device, _ = await rig.device(name)
        await rig.scada.start()
        await eventually(lambda: rig.scada.health().state == "ok")
        alarm = f"{name}.communication"
        assert alarm not in rig.alarms()
        await device.stop()
        await eventually(lambda: rig.scada.health().state == "degraded", SOON_S)
        detail = rig.scada.health().detail
        assert detail is not None
        assert detail.en.startswith(f"{name}: not connected")
        await eventually(lambda: rig.alarms().get(alarm) == "unacknowledged", SOON_S)
        await asyncio.sleep(0.3)
        await device.start()
        await eventually(lambda: rig.scada.health().state == "ok", SOON_S)
        await eventually(lambda: rig.alarms()[alarm] == "returned_unacknowledged", SOON_S)
        if name != "broker":
            assert {rig.quality(tag.id) for tag in tags} == {"good"}
        rig.scada.acknowledge("all")
        assert alarm not in rig.alarms()


async def test_values_of_a_lost_device_grow_stale_under_one_alarm(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS, "modbus: {period_s: 0.1}") as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: reading(pdu, 7)
        await rig.scada.start()
        await liar.stop()
        await eventually(lambda: rig.scada.health().state == "degraded", SOON_S)
        await asyncio.sleep(0.35)
        rig.scada.tick()
        assert rig.quality("Tank.Mode") == "stale"
        assert rig.value("Tank.Mode") == 7
        assert list(rig.alarms()) == ["plc1.communication"]


async def test_a_silent_sensor_is_one_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(communication, "GRACE_S", 0.0)
    async with a_rig(tmp_path, MQTT, "mqtt: {period_s: 0.1}") as rig:
        await rig.device("broker")
        await rig.scada.start()
        sensor = await rig.sensor()
        await eventually(lambda: rig.scada.health().state == "ok")

        def told() -> dict[str, str]:
            sensor.publish("small/pump/heat", telemetry(40))
            rig.scada.tick()
            return rig.alarms()

        await eventually(lambda: told().get("sensor2.communication") == "unacknowledged")
        await eventually(lambda: told().get("sensor1.communication") != "unacknowledged")
        assert told().get("sensor2.communication") == "unacknowledged"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00" * 9,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        bytes.fromhex("0001000000ff01") + b"\x83" * 255,
        random.Random(1).randbytes(60),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_a_peer_that_does_not_speak_modbus_is_left(tmp_path: Path, raw: bytes) -> None:
    async with a_rig(tmp_path, MODBUS, "modbus: {devices: {plc1: {timeout_s: 0.1}}}") as rig:
        liar = await rig.liar()
        liar.raw = raw
        await rig.scada.start()
        await eventually(lambda: liar.connections > 3)
        assert rig.scada.health().state == "degraded"
        liar.raw = b""
        await eventually(lambda: rig.scada.health().state == "ok")


@pytest.mark.usefixtures("impatient")
async def test_hundreds_of_modbus_outages_leave_nothing_behind(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS, "modbus: {period_s: 0.1}") as rig:
        liar = await rig.liar()
        liar.hang_up = True
        await rig.scada.start()
        await eventually(lambda: liar.connections > 100, 10)
        before = footprint(rig)
        await eventually(lambda: liar.connections > 500, 20)
        after = footprint(rig)
        assert after["tasks"] <= before["tasks"] + 3
        assert after["files"] <= before["files"] + 3
        assert after["objects"] <= before["objects"] + 300


@pytest.mark.usefixtures("impatient")
async def test_hundreds_of_opcua_outages_leave_nothing_behind(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        cut = Cut(rig)
        await cut.start()
        await rig.scada.start()
        await eventually(lambda: cut.connections > 50, 10)
        before = footprint(rig)
        await eventually(lambda: cut.connections > 300, 20)
        after = footprint(rig)
        assert after["tasks"] <= before["tasks"] + 3
        assert after["files"] <= before["files"] + 3
        assert after["objects"] <= before["objects"] + 300
        await cut.stop()
        await rig.device("plc2")
        await eventually(lambda: rig.scada.health().state == "ok")


class Cut:
    """An OPC UA server that takes the hello, acknowledges it, and goes away."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.connections = 0

    async def start(self) -> None:
        listener = self._rig.network.listen("control", "10.20.1.11", 4840)
        self._server = await asyncio.start_server(self._serve, sock=listener)

    async def stop(self) -> None:
        await last_served(self._server)
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError):
            await reader.read(100)
            if self.connections % 3:
                writer.write(bytes.fromhex("41434b461c00000000000000ffff0000ffff00000000000000000000"))
                await reader.read(1000)
            if self.connections % 2:
                writer.write(b"ERRF junk that is no OPC UA")
        writer.transport.abort()


async def test_kill_is_a_failure_that_a_new_device_mends(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        await rig.device("plc1")
        await rig.scada.start()
        rig.scada.kill()
        assert rig.scada.health().state == "failed"
        await rig.scada.stop()
        assert rig.scada.health().state == "stopped"


async def test_start_does_not_wait_long_for_a_device_that_hangs(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        liar = await rig.liar()
        liar.answer = lambda _pdu: None
        begun_s = time.monotonic()
        await rig.scada.start()
        assert time.monotonic() - begun_s < 2.0
        assert rig.scada.health().state == "degraded"


def footprint(rig: Rig) -> dict[str, Any]:
    rig.log.rows.clear()
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "files": open_files(),
        "objects": len(gc.get_objects()),
    }


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


async def test_a_session_ends_with_scada(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        device, _ = await rig.device("plc2")
        before = open_files()
        await rig.scada.start()
        await eventually(lambda: device.health().figures["sessions"] == 1)
        await rig.scada.stop()
        await eventually(lambda: device.health().figures["sessions"] == 0)
        await eventually(lambda: open_files() <= before)


@pytest.mark.usefixtures("impatient")
async def test_refused_sessions_leave_nothing_behind(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        text = "policies: [None]\nidentities: {anonymous: denied}\nlockout: null\n"
        device, _ = await rig.device("plc2", text)
        await rig.scada.start()
        await eventually(lambda: int(device.health().figures["refused"]) > 10)
        before = footprint(rig)
        await eventually(lambda: int(device.health().figures["refused"]) > 30)
        after = footprint(rig)
        assert after["files"] <= before["files"] + 3
        assert after["tasks"] <= before["tasks"] + 3
        assert rig.scada.health().state == "degraded"
