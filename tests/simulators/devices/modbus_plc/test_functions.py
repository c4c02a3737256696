"""Every function code, through a client that is not ours."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from simulators.devices.modbus_plc.encoding import decode, encode
from simulators.plc.address import parse_address
from tests.simulators.devices.modbus_plc.rig import raw, read, running
from tests.waiting import eventually

MD, ML = 2048, 4096


async def test_reads_come_straight_from_the_image(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        for address, value in {
            "%IX0.1": True,
            "%QX0.0": True,
            "%IW0": 5000,
            "%IW1": -3,
            "%MW1": 65535,
        }.items():
            rig.plc.write(address, value)
        assert (await client.read_discrete_inputs(0, count=2)).bits[:2] == [False, True]
        assert (await client.read_coils(0, count=2)).bits[:2] == [True, False]
        assert (await client.read_input_registers(0, count=2)).registers == [5000, 65533]
        assert (await client.read_holding_registers(1024, count=2)).registers == [0, 65535]
        rig.plc.write("%IW0", 5001)
        assert (await client.read_input_registers(0)).registers == [5001]


async def test_writes_go_straight_to_the_image(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        assert not (await client.write_coil(0, True)).isError()
        assert not (await client.write_register(0, 1234)).isError()
        assert not (await client.write_coils(0, [False, True])).isError()
        assert not (await client.write_registers(1024, [65535, 65535])).isError()
        assert rig.plc.read("%QX0.0") is False
        assert rig.plc.read("%QX0.1") is True
        assert rig.plc.read("%QW0") == 1234
        assert (rig.plc.read("%MW0"), rig.plc.read("%MW1")) == (-1, 65535)
        rig.plc.write("%MW4", 0x1234)
        assert not (await client.mask_write_register(address=1028, and_mask=0x00F2, or_mask=0x0025)).isError()
        assert rig.plc.read("%MW4") == 0x1234 & 0x00F2 | 0x0025 & ~0x00F2
        both = await client.readwrite_registers(
            read_address=1024, read_count=2, write_address=1024, values=[7]
        )
        assert both.registers == [7, 65535]


async def test_values_of_32_and_64_bits_stand_high_word_first(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        rig.plc.write("%MD0", 72.5)
        rig.plc.write("%MD1", -2)
        rig.plc.write("%MD2", 1_500_000_000)
        rig.plc.write("%ML0", 1234.5678)
        words = (await client.read_holding_registers(MD, count=6)).registers
        real = client.DATATYPE
        assert client.convert_from_registers(words[:2], real.FLOAT32) == 72.5
        assert client.convert_from_registers(words[2:4], real.INT32) == -2
        assert client.convert_from_registers(words[4:], real.INT32) == 1500
        mass = (await client.read_holding_registers(ML, count=4)).registers
        assert client.convert_from_registers(mass, real.FLOAT64) == 1234.5678
        fresh = client.convert_to_registers(68.25, real.FLOAT32) + client.convert_to_registers(99, real.INT32)
        assert not (await client.write_registers(MD, fresh)).isError()
        assert not (
            await client.write_registers(ML, client.convert_to_registers(-0.5, real.FLOAT64))
        ).isError()
        assert (rig.plc.read("%MD0"), rig.plc.read("%MD1"), rig.plc.read("%ML0")) == (68.25, 99, -0.5)


async def test_half_a_value_keeps_the_other_half(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        rig.plc.write("%MD1", 0x00050006)
        await client.write_register(MD + 2, 0xFFFF)
        assert rig.plc.read("%MD1") == -65530
        await client.write_register(MD + 3, 0xFFFE)
        assert rig.plc.read("%MD1") == -2
        assert (await client.read_holding_registers(MD + 3)).registers == [0xFFFE]
        high, low = client.convert_to_registers(71.3, client.DATATYPE.FLOAT32)
        await client.write_register(MD, high)
        await client.write_register(MD + 1, low)
        assert rig.plc.read("%MD0") == pytest.approx(71.3, abs=1e-5)


async def test_a_number_that_is_none_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        rig.plc.write("%MD0", 72.5)
        answer = await client.write_registers(MD, [0x7FC0, 0, 0, 5])
        assert answer.exception_code == 3
        assert (rig.plc.read("%MD0"), rig.plc.read("%MD1")) == (72.5, 0)


async def test_small_gaps_read_as_zero_and_nothing_beyond(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        rig.plc.write("%MW4", 9)
        assert (await client.read_holding_registers(1024, count=5)).registers == [0, 0, 0, 0, 9]
        assert (await client.write_registers(1024, [1, 2, 3])).exception_code == 2
        assert rig.plc.read("%MW0") == 0
        for start, count in ((1024, 6), (1029, 1), (500, 1), (65535, 2)):
            assert (await client.read_holding_registers(start, count=count)).exception_code == 2
        assert len((await client.read_coils(0, count=8)).bits) == 8
        assert (await client.read_coils(0, count=9)).exception_code == 2
        assert (await client.write_coil(5, True)).exception_code == 2
        assert (await client.write_register(3000, 1)).exception_code == 2


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        (read(1, 0, 0), "8103"),
        (read(1, 0, 2001), "8103"),
        (read(3, 0, 0), "8303"),
        (read(3, 0, 126), "8303"),
        (read(4, 65535, 2), "8402"),
        (bytes.fromhex("0300"), "8303"),
        (bytes.fromhex("0300000001ff"), "8303"),
        (bytes.fromhex("050000ff01"), "8503"),
        (bytes.fromhex("06000012"), "8603"),
        (bytes.fromhex("0f0000000202ffff"), "8f03"),
        (bytes.fromhex("0f00000000"), "8f03"),
        (bytes.fromhex("10040000020300010002"), "9003"),
        (bytes.fromhex("1004000001020001ff"), "9003"),
        (bytes.fromhex("16040000ff"), "9603"),
        (bytes.fromhex("17040000000400000102"), "9703"),
        (bytes.fromhex("00"), "8001"),
        (bytes.fromhex("07"), "8701"),
        (bytes.fromhex("63aabb"), "e301"),
        (bytes.fromhex("83"), "8301"),
        (bytes.fromhex("2b0d"), "ab01"),
        (bytes.fromhex("2b"), "ab03"),
        (bytes.fromhex("2b0e0500"), "ab03"),
        (bytes.fromhex("2b0e0490"), "ab02"),
        (bytes.fromhex("0800630000"), "8801"),
        (bytes.fromhex("0800"), "8803"),
        (bytes.fromhex("0800011234"), "8803"),
    ],
)  # fmt: skip
async def test_what_is_wrong_gets_the_exception_of_the_specification(
    tmp_path: Path, pdu: bytes, answer: str
) -> None:
    async with running(tmp_path) as rig, raw(rig) as wire:
        assert (await wire.ask(pdu)).hex() == answer


async def test_units(tmp_path: Path) -> None:
    text = "units: {1: {}, 7: {tags: [Pump.Flow, Tank.Level]}}"
    async with running(tmp_path, text) as rig, rig.client() as client:
        rig.plc.write("%ID0", 21.5)
        rig.plc.write("%IW0", 4000)
        for function in (client.read_input_registers, client.read_holding_registers):
            words = (await function(0, count=3, device_id=7)).registers
            assert client.convert_from_registers(words[:2], client.DATATYPE.FLOAT32) == 21.5
            assert words[2] == 4000
        assert (await client.write_register(0, 1, device_id=7)).exception_code == 2
        assert (await client.read_coils(0, device_id=7)).exception_code == 2
        assert (await client.read_input_registers(0, device_id=255)).registers == [4000]
        assert (await client.read_input_registers(0, device_id=9)).exception_code == 11


async def test_an_unknown_unit_may_be_left_without_an_answer(tmp_path: Path) -> None:
    async with running(tmp_path, "unknown_unit: ignore") as rig, raw(rig) as wire:
        wire.send(b"\x00\x01\x00\x00\x00\x06\x09" + read(3, 1024, 1))
        assert await wire.silent()
        assert len(await wire.ask(read(3, 1024, 1))) == 4


async def test_a_new_program_brings_new_places(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, rig.client() as client:
        assert (await client.read_holding_registers(1200)).exception_code == 2
        rig.plc.image.declare(parse_address("%MW176"), "INT")
        rig.device.publish(1.0)
        assert (await client.write_register(1200, 5)).isError() is False
        assert rig.plc.read("%MW176") == 5


@pytest.mark.needs("mbpoll")
async def test_mbpoll_reads_and_writes(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        host, port = rig.place()
        rig.plc.write("%MD0", 72.5)

        def mbpoll(*options: str) -> str:
            command = ["mbpoll", "-m", "tcp", "-0", "-1", "-q", "-p", str(port), *options]
            return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout

        shown = await asyncio.to_thread(mbpoll, "-t", "4:float", "-B", "-r", "2048", host)
        assert "72.5" in shown
        await asyncio.to_thread(mbpoll, "-t", "4:float", "-B", "-r", "2048", host, "68.25")
        await asyncio.to_thread(mbpoll, "-t", "0", "-r", "0", host, "1")
        await eventually(lambda: rig.plc.read("%QX0.0") is True and rig.plc.read("%MD0") == 68.25)


@pytest.mark.parametrize(
    ("iec_type", "count", "value", "words"),
    [
        ("INT", 1, -1, "ffff"),
        ("INT", 1, 70000, "1170"),
        ("UDINT", 2, 0x80000001, "80000001"),
        ("TIME", 2, 1_000_000, "00000001"),
        ("REAL", 2, 1e300, "7f800000"),
        ("REAL", 1, float("nan"), "0000"),
        ("BYTE", 1, 255, "00ff"),
    ],
)
def test_what_does_not_fit_keeps_its_low_bits(iec_type: str, count: int, value: float, words: str) -> None:
    assert encode(iec_type, count, value).hex() == words


@pytest.mark.parametrize(
    ("iec_type", "words", "value"),
    [
        ("SINT", "01ff", -1),
        ("USINT", "01ff", 255),
        ("BYTE", "0100", 0),
        ("UINT", "ffff", 65535),
        ("LINT", "ffffffffffffffff", -1),
        ("ULINT", "ffffffffffffffff", 2**64 - 1),
        ("TIME", "fffffc18", -1_000_000_000),
        ("BOOL", "0100", True),
        ("LREAL", "7ff0000000000000", None),
    ],
)
def test_a_written_value_stays_in_its_type(iec_type: str, words: str, value: object) -> None:
    assert decode(iec_type, bytes.fromhex(words)) == value
    assert type(decode(iec_type, bytes.fromhex(words))) is type(value)
