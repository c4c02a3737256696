"""What the wire said is what is shown."""

import asyncio
import struct
from pathlib import Path

import pytest

from simulators.errors import InputError
from tests.fakes import ORIGIN_UNIX_S, a_tag
from tests.simulators.devices.scada.rig import MODBUS, MQTT, OPCUA, KeptRows, a_rig, reading, telemetry
from tests.waiting import eventually


async def test_a_modbus_plc_shows_every_type(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        _, plc = await rig.device("plc1")
        for address, value in {
            "%IW0": -5, "%IX0.3": True, "%ID0": 71.5, "%MD1": 4_000_000_000, "%MW1": 150,
            "%MD2": 1_500_000_000, "%ML0": 1234.0625,
        }.items():  # fmt: skip
            plc.write(address, value)
        await rig.scada.start()
        shown = rig.scada.shown()
        assert {tag: seen.value for tag, seen in shown.items()} == {
            "Tank.Level": -0.5, "Tank.High": True, "Tank.Heater": False, "Tank.Temperature": 71.5,
            "Tank.SetPoint": 0.0, "Tank.Count": 4_000_000_000, "Tank.Mode": 0, "Tank.Speed": 1.5,
            "Tank.Hold": 1_500_000_000, "Tank.Mass": 1234.0625,
        }  # fmt: skip
        assert {seen.quality for seen in shown.values()} == {"good"}
        assert all(ORIGIN_UNIX_S <= seen.unix_s < ORIGIN_UNIX_S + 5 for seen in shown.values())
        assert rig.scada.health().state == "ok"


async def test_an_opcua_plc_shows_every_type(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA, "opcua: {period_s: 0.1}") as rig:
        device, plc = await rig.device("plc2")
        plc.write("%MD0", 330.5)
        plc.write("%IW0", -7)
        plc.write("%MX0.0", True)
        plc.write("%MD1", 3_000_000_000)
        plc.write("%ML0", 2_500_000_000)
        device.publish(1.0)
        await rig.scada.start()
        assert {tag: seen.value for tag, seen in rig.scada.shown().items()} == {
            "Filler.SetPoint": 330.5, "Filler.Rate": -3.5, "Filler.Run": True, "Filler.Count": 3_000_000_000,
            "Filler.Delay": 2_500_000_000,
        }  # fmt: skip
        plc.write("%MD0", 500.0)
        device.publish(2.0)
        await eventually(lambda: rig.value("Filler.SetPoint") == 500.0)


async def test_telemetry_is_shown_and_what_is_none_is_bad(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MQTT) as rig:
        await rig.device("broker")
        await rig.scada.start()
        sensor = await rig.sensor()
        await eventually(lambda: rig.scada.health().state == "ok")
        sensor.publish("small/pump/vibration", telemetry(2.5))
        sensor.publish("small/hall/temperature", telemetry(21))
        await eventually(lambda: rig.value("Hall.Temperature") == 21)
        assert (rig.value("Pump.Vibration"), rig.quality("Pump.Vibration")) == (2.5, "good")
        for forged in (
            b"",
            b"{",
            b"[1]",
            b"\xff",
            telemetry("high"),
            telemetry(None),
            telemetry(3.0, "bad"),
            b'{"value": 1e999}',
        ):
            sensor.publish("small/pump/vibration", telemetry(2.5))
            await eventually(lambda: rig.quality("Pump.Vibration") == "good")
            sensor.publish("small/pump/vibration", forged)
            await eventually(lambda: rig.quality("Pump.Vibration") == "bad")
            assert rig.value("Pump.Vibration") == 2.5, "the last value stays on the display"


async def test_a_lying_plc_is_believed(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: reading(pdu, 321)
        await rig.scada.start()
        assert rig.value("Tank.Level") == pytest.approx(32.1)
        assert rig.quality("Tank.Level") == "good"


async def test_an_exception_makes_its_values_bad_and_no_others(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: b"\x84\x06" if pdu[0] == 4 else reading(pdu, 1)
        await rig.scada.start()
        assert rig.quality("Tank.Level") == "bad"
        assert rig.quality("Tank.Mode") == "good"
        rig.scada.tick()
        assert rig.alarms() == {
            "Tank.Level.quality": "unacknowledged",
            "Tank.Temperature.quality": "unacknowledged",
        }
        assert rig.scada.health().state == "ok"


async def test_a_number_that_is_none_is_bad(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: reading(pdu, 0x7FC0)
        await rig.scada.start()
        assert rig.quality("Tank.Temperature") == "bad"
        assert rig.quality("Tank.Level") == "good"


async def test_a_device_that_refuses_gaps_is_read_without_them(tmp_path: Path) -> None:
    tags = [a_tag("Tank.Near", "plc1", "%MW0", "INT"), a_tag("Tank.Far", "plc1", "%MW9", "INT")]
    async with a_rig(tmp_path, tags, "modbus: {period_s: 0.1}") as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: b"\x83\x02" if struct.unpack(">H", pdu[3:5])[0] > 1 else reading(pdu, 7)
        await rig.scada.start()
        await eventually(lambda: (rig.value("Tank.Near"), rig.value("Tank.Far")) == (7, 7))


async def test_a_device_that_answers_one_at_a_time_can_be_read(tmp_path: Path) -> None:
    text = "modbus: {devices: {plc1: {requests_at_once: 1}}}"
    async with a_rig(tmp_path, MODBUS, text) as rig:
        liar = await rig.liar()
        liar.one_at_a_time = True
        await rig.scada.start()
        assert rig.scada.health().state == "ok"


async def test_what_is_not_heard_of_is_stale_but_not_while_the_line_is_paused(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MQTT, "mqtt: {period_s: 0.1}") as rig:
        await rig.device("broker")
        await rig.scada.start()
        sensor = await rig.sensor()
        await eventually(lambda: rig.scada.health().state == "ok")
        sensor.publish("small/pump/heat", telemetry(40))
        await eventually(lambda: rig.quality("Pump.Heat") == "good")
        rig.clock.pause()
        rig.scada.tick()
        await asyncio.sleep(0.5)
        rig.scada.tick()
        assert rig.quality("Pump.Heat") == "good"
        rig.clock.resume()
        await asyncio.sleep(0.4)
        rig.scada.tick()
        assert rig.quality("Pump.Heat") == "stale"
        assert rig.value("Pump.Heat") == 40


async def test_the_historian_is_fed_and_missed_rows_wait_for_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        await rig.device("plc1")
        await rig.scada.start()
        rig.scada.tick()
        assert rig.scada.health().figures["rows_waiting"] != 0
        historian = rig.live["historian"] = KeptRows()
        await asyncio.sleep(0.01)
        rig.scada.tick()
        assert {tag for tag, _, _, _ in historian.rows} == {tag.id for tag in MODBUS}
        assert len({at for _, at, _, _ in historian.rows}) > 1
        assert rig.scada.health().figures["rows_waiting"] == 0
        fed = len(historian.rows)
        rig.clock.pause()
        rig.scada.tick()
        rig.scada.tick()
        assert len(historian.rows) <= fed + len(MODBUS), "a paused line makes no history"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("modbus: {devices: {plc9: {}}}", "plc9"),
        ("opcua: {devices: {plc1: {}}}", "plc1"),
        ("alarms: {Tank.Level.above: {limit: 3}}", "Tank.Level.above"),
        ("modbus: {devices: {plc1: {tls: {ca: nowhere.pem}}}}", "nowhere.pem"),
        ("modbus: {devices: {plc1: {tls: {ca: ../../../etc/passwd}}}}", "passwd"),
        ("modbus: {devices: {plc1: {tls: {ca: '-----BEGIN CERTIFICATE-----'}}}}", r"plc1\.tls\.ca"),
    ],
)
async def test_a_configuration_that_names_what_is_not_there_is_refused(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(InputError, match=named):
        async with a_rig(tmp_path, MODBUS, text):
            pass
