"""Function 8, identity, status registers, the mode, and the device's life."""

import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from simulators.contracts import Fault
from simulators.devices.modbus_plc import status
from simulators.errors import StartError
from simulators.text import Text
from tests.fakes import FakeNetwork, FakePlc
from tests.simulators.devices.modbus_plc.rig import ADDRESS, PORT, Raw, Rig, frame, raw, read, running


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(tmp_path) as rig:
        yield rig


async def diagnose(wire: Raw, sub: int, data: int = 0) -> int:
    answer = await wire.ask(struct.pack(">BHH", 8, sub, data))
    assert answer[:3] == struct.pack(">BH", 8, sub)
    return int.from_bytes(answer[3:], "big")


async def test_counters(rig: Rig) -> None:
    async with raw(rig) as wire, raw(rig) as other:
        assert await wire.ask(bytes.fromhex("080000a537beef")) == bytes.fromhex("080000a537beef")
        await diagnose(wire, 10)
        await other.ask(read(4, 0, 1))
        await other.ask(read(4, 900, 1))
        await other.ask(read(4, 0, 1), unit=77)
        assert await diagnose(wire, 11) == 4
        assert await diagnose(wire, 12) == 0
        assert await diagnose(wire, 13) == 2
        assert await diagnose(wire, 14) == 6  # not the one for unit 77
        assert [await diagnose(wire, sub) for sub in (2, 15, 16, 17, 18)] == [0] * 5
        await diagnose(wire, 1, 0xFF00)
        assert await diagnose(wire, 11) == 1


async def test_listen_only_silences_every_connection_until_a_restart(rig: Rig) -> None:
    async with raw(rig) as attacker, raw(rig) as scada:
        await scada.ask(read(4, 0, 1))
        attacker.send(frame(1, bytes.fromhex("0800040000")))
        assert await attacker.silent()
        scada.send(frame(2, read(4, 0, 1)), frame(3, bytes.fromhex("2b0e0100")), frame(4, b"\x63", 9))
        assert await scada.silent()
        state = rig.device.health()
        assert state.state == "degraded"
        assert state.detail is not None
        assert "listen only" in state.detail.en
        async with raw(rig) as late:
            late.send(frame(5, bytes.fromhex("0800010000")))
            assert await late.silent()
            assert len(await late.ask(read(4, 0, 1))) == 4
        assert rig.device.health().state == "ok"


async def identity(client: AsyncModbusTcpClient, read_code: int, object_id: int = 0) -> dict[int, bytes]:
    answer = await client.read_device_information(read_code=read_code, object_id=object_id)
    assert isinstance(answer, ReadDeviceInformationResponse)
    return answer.information


async def test_identity_is_each_devices_own(tmp_path: Path) -> None:
    own = "identity: {vendor_name: Acme, product_code: X-1, application: ''}"
    async with (
        running(tmp_path / "a") as one,
        running(tmp_path / "b", own) as two,
        one.client() as first,
        two.client() as second,
    ):
        plain, other = await identity(first, 2), await identity(second, 2)
        assert (plain[0], plain[6]) == (b"Usine-Ecole", b"small/plc1")
        assert (other[0], other[4]) == (b"Acme", b"plc1")
        assert 6 not in other
        assert sorted(await identity(second, 1)) == [0, 1, 2]
        assert await identity(second, 4, 1) == {1: b"X-1"}


async def test_a_long_identity_says_where_to_go_on(tmp_path: Path) -> None:
    words = ", ".join(
        f"{key}: {'x' * 64}"
        for key in ("vendor_name", "product_code", "revision", "vendor_url", "model_name")
    )
    async with running(tmp_path, f"identity: {{{words}}}") as rig, raw(rig) as wire:
        found: list[int] = []
        following, more = 0, 0xFF
        while more:
            answer = await wire.ask(bytes((0x2B, 14, 2, following)))
            assert len(answer) <= 253
            more, following, count = answer[4:7]
            at = 7
            for _ in range(count):
                found.append(answer[at])
                at += 2 + answer[at + 1]
        assert found == [0, 1, 2, 3, 4, 5, 6]


async def test_server_id_shows_whether_it_runs(rig: Rig) -> None:
    async with rig.client() as client:
        assert (await client.report_device_id()).status is True
        rig.plc.mode = "STOP"
        answer = await client.report_device_id()
        assert answer.status is False


async def test_status_registers(rig: Rig) -> None:
    async with rig.client() as client:
        rig.plc.scan_count = 70_001
        rig.plc.cause = Fault("division", 17, Text(fr="p.st:17 : division", en="p.st:17: division"))
        words = (await client.read_input_registers(status.ORIGIN, count=status.COUNT)).registers
        assert words[:3] == [1, 2, 17]
        numbers = [
            AsyncModbusTcpClient.convert_from_registers(words[n : n + 2], client.DATATYPE.UINT32)
            for n in range(4, 14, 2)
        ]
        assert numbers == [150, 900, 70_001, 2, 70_000]
        assert words[16:] == [0xABAB] * 8
        assert (await client.read_input_registers(status.ORIGIN + 8, count=2)).registers == [1, 4465]
        assert (await client.read_input_registers(status.ORIGIN + 20, count=5)).exception_code == 2
        figures = rig.device.health().figures
        assert (figures["mode"], figures["overruns"], figures["uptime_s"]) == ("RUN", 2, 70_000)
        assert rig.device.health().state == "degraded"


async def test_the_mode_register(rig: Rig) -> None:
    async with rig.client() as client:
        assert (await client.read_holding_registers(status.ORIGIN)).registers == [1]
        for code, mode in ((0, "STOP"), (2, "PROGRAM"), (1, "RUN")):
            assert not (await client.write_register(status.ORIGIN, code)).isError()
            assert rig.plc.mode == mode
        assert (await client.write_register(status.ORIGIN, 3)).exception_code == 3
        assert (await client.write_registers(status.ORIGIN, [0, 0])).exception_code == 2


async def test_the_mode_register_can_be_read_only(tmp_path: Path) -> None:
    async with running(tmp_path, "mode_register: read_only") as rig, rig.client() as client:
        assert (await client.write_register(status.ORIGIN, 0)).exception_code == 2
        assert (await client.read_holding_registers(status.ORIGIN)).registers == [1]
        assert rig.plc.mode == "RUN"


@pytest.mark.parametrize(
    ("cause", "code", "line"),
    [
        (None, 0, 0),
        (Fault("range", 12, Text(fr="division de la boucle", en="division of the loop")), 3, 12),
        (Fault("watchdog", 4, Text(fr="", en="")), 4, 4),
        (Fault("division", 70_000, Text(fr="", en="")), 2, 65_535),
        (Fault("other", 0, Text(fr="indice", en="index")), 1, 0),
    ],
)
def test_a_fault_has_a_code_and_a_line_whatever_its_words(cause: Fault | None, code: int, line: int) -> None:
    plc = FakePlc()
    plc.cause = cause
    held = status.Status(plc, mode_writable=True).read_inputs(status.ORIGIN + 1, 2)
    assert held == code.to_bytes(2, "big") + line.to_bytes(2, "big")


async def test_a_stop_ends_connections_and_a_start_serves_again(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        async with raw(rig) as wire:
            await wire.ask(read(4, 0, 1))
            await rig.device.stop()
            assert await wire.ended()
        with pytest.raises(ConnectionRefusedError):
            async with raw(rig):
                pass
        await rig.device.start()
        async with raw(rig) as wire:
            assert len(await wire.ask(read(4, 0, 1))) == 4


async def test_a_port_taken_is_named_with_the_remedy(tmp_path: Path) -> None:
    network = FakeNetwork()
    network.listen("control", ADDRESS, PORT)
    rig = Rig(tmp_path, network=network)
    with pytest.raises(StartError) as caught:
        await rig.device.start()
    assert "Modbus port 502 of 10.20.1.10" in caught.value.text.en
    assert "stop what holds it" in caught.value.text.en
    assert rig.device.health().state == "stopped"
    network.close()
