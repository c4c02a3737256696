"""Operators' commands: checked, sent over the device's protocol, confirmed or refused plainly."""

from pathlib import Path
from typing import Any

import pytest

from simulators.devices.scada.source import CommandError
from simulators.errors import InputError, NotFoundError
from tests.simulators.devices.scada.rig import MODBUS, MQTT, OPCUA, a_rig, reading
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("tag", "value", "address", "kept"),
    [
        ("Tank.Heater", True, "%QX0.1", True),
        ("Tank.SetPoint", 72.5, "%MD0", 72.5),
        ("Tank.SetPoint", 72, "%MD0", 72.0),
        ("Tank.Mode", 1, "%MW0", 1),
        ("Tank.Speed", 2.75, "%MW1", 275),
    ],
)
async def test_a_modbus_plc_obeys_and_the_display_follows(
    tmp_path: Path, tag: str, value: Any, address: str, kept: Any
) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        _, plc = await rig.device("plc1")
        await rig.scada.start()
        await rig.scada.write(tag, value, by="mona")
        assert plc.read(address) == kept
        await eventually(lambda: rig.value(tag) == value, within_s=0.9)
        entry = rig.scada.journal.entries()[-1]
        assert (entry.event, entry.tag, entry.value, entry.by) == ("command", tag, value, "mona")


async def test_an_opcua_plc_obeys_and_the_display_follows(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        _, plc = await rig.device("plc2")
        await rig.scada.start()
        await rig.scada.write("Filler.SetPoint", 330)
        await rig.scada.write("Filler.Run", True)
        await rig.scada.write("Filler.Delay", 1_500_000_000)
        assert [plc.read(place) for place in ("%MD0", "%MX0.0", "%ML0")] == [330.0, True, 1_500_000_000]
        await eventually(lambda: rig.value("Filler.SetPoint") == 330.0, within_s=0.9)


@pytest.mark.parametrize(
    ("tag", "value", "remedy"),
    [
        ("Tank.Level", 5, "not writable"),
        ("Tank.Heater", 1, "true or false"),
        ("Tank.SetPoint", True, "a number"),
        ("Tank.SetPoint", "72", "a number"),
        ("Tank.SetPoint", float("nan"), "a number"),
        ("Tank.SetPoint", 90.1, "from 20 to 90 °C"),
        ("Tank.Mode", 2, "0 (Off), 1 (On)"),
        ("Tank.Mode", 0.5, "0 (Off), 1 (On)"),
        ("Tank.Speed", 301, "from 0 to 300"),
    ],
)
async def test_what_cannot_be_sent_says_what_can(tmp_path: Path, tag: str, value: Any, remedy: str) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        liar = await rig.liar()
        await rig.scada.start()
        before = len(liar.requests)
        with pytest.raises(InputError) as caught:
            await rig.scada.write(tag, value)
        assert remedy in caught.value.text.en
        assert caught.value.text.fr != caught.value.text.en
        assert len(liar.requests) == before


async def test_unknown_tags_and_forbidden_commands(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS, "write_allowed: false") as rig:
        with pytest.raises(NotFoundError, match=r"Tank\.Nope"):
            await rig.scada.write("Tank.Nope", 1)
        with pytest.raises(InputError, match="write_allowed"):
            await rig.scada.write("Tank.Mode", 1)


async def test_refusals_are_told_and_kept_in_the_journal(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        _, plc = await rig.device("plc1", "allow: [{access: read}]\n")
        await rig.scada.start()
        with pytest.raises(CommandError) as caught:
            await rig.scada.write("Tank.Mode", 1)
        assert "function refused (exception 01)" in caught.value.text.en
        assert plc.read("%MW0") == 0
        assert rig.scada.journal.entries()[-1].event == "command_refused"


async def test_an_opcua_refusal_is_told(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        text = "policies: [None]\nidentities: {anonymous: observer}\n"
        await rig.device("plc2", text)
        await rig.scada.start()
        assert rig.scada.health().state == "ok"
        with pytest.raises(CommandError, match="BadUserAccessDenied"):
            await rig.scada.write("Filler.SetPoint", 330)


async def test_a_command_that_nobody_answers_is_not_confirmed(tmp_path: Path) -> None:
    text = "modbus: {devices: {plc1: {timeout_s: 0.2}}}"
    async with a_rig(tmp_path, MODBUS, text) as rig:
        liar = await rig.liar()
        liar.answer = lambda pdu: reading(pdu, 0) if pdu[0] < 5 else None
        await rig.scada.start()
        with pytest.raises(CommandError) as caught:
            await rig.scada.write("Tank.Mode", 1)
        assert "does not answer" in caught.value.text.en
        await liar.stop()
        await eventually(lambda: rig.scada.health().state == "degraded")
        with pytest.raises(CommandError):
            await rig.scada.write("Tank.Mode", 1)


async def test_a_sensor_takes_no_command(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MQTT) as rig:
        with pytest.raises(InputError):
            await rig.scada.write("Pump.Heat", 1.0)
