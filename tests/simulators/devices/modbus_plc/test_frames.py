"""Frames however they are cut, joined or broken: no crash, no hang, no other client harmed."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.devices.modbus_plc import pdu
from simulators.devices.modbus_plc.pdu import Refusal, Request
from tests.simulators.devices.modbus_plc.rig import Raw, Rig, frame, raw, read, running
from tests.waiting import HANG_S


async def test_pipelined_requests_are_all_answered_in_order(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, raw(rig) as wire:
        rig.plc.write("%IW0", 42)
        wire.send(*(frame(number, read(4, 0, 1)) for number in range(500)))
        for number in range(500):
            assert await wire.receive() == (number, 1, bytes.fromhex("0402002a"))


async def test_a_frame_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with running(tmp_path) as rig, raw(rig) as wire:
        for byte in frame(3, read(4, 0, 1)) + frame(4, read(4, 1, 1))[:5]:
            wire.send(bytes([byte]))
            await asyncio.sleep(0.001)
        assert (await wire.receive())[0] == 3
        wire.send(frame(4, read(4, 1, 1))[5:])
        assert (await wire.receive())[0] == 4


async def test_a_client_that_closed_its_sending_side_gets_its_answers(tmp_path: Path) -> None:
    async with running(tmp_path, "communication_load_pct: 5") as rig, raw(rig) as wire:
        wire.send(*(frame(number, read(4, 0, 1)) for number in range(600)))
        wire.writer.write_eof()
        for number in range(600):
            assert (await wire.receive())[0] == number
        assert await wire.ended()


@pytest.mark.parametrize(
    "head", ["0001000100060104", "0001000000010104", "00010000ffff0104", "474554202f20485454502f312e310d0a"]
)
async def test_what_is_not_modbus_is_answered_up_to_there_then_closed(tmp_path: Path, head: str) -> None:
    async with running(tmp_path) as rig, raw(rig) as wire:
        wire.send(*(frame(number, read(4, 0, 1)) for number in range(8)), bytes.fromhex(head))
        for number in range(8):
            assert (await wire.receive())[0] == number
        assert await wire.ended()
        assert rig.log.events("bad_frame")
        assert rig.device.health().figures["bad_frames"] == 1


async def test_a_client_that_never_reads_is_taken_no_more_requests_from(tmp_path: Path) -> None:
    echo = frame(1, b"\x08" + bytes(242))
    burst = echo * 40
    sent = [0]

    def served() -> int:
        return int(rig.device.health().figures["requests"])

    async def more() -> bool:
        """Whether the PLC still takes requests of a client whose own queue is kept full."""
        before = served()
        for _ in range(10):
            with contextlib.suppress(BlockingIOError):
                sent[0] += deaf.send(burst)
            await asyncio.sleep(0.01)
        return served() > before

    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        async with running(tmp_path, "communication_load_pct: 100") as rig, raw(rig) as good:
            rig.device._listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            await asyncio.get_running_loop().sock_connect(deaf, rig.place())
            async with asyncio.timeout(HANG_S):
                while await more():
                    pass
            assert 0 < served() < sent[0] // len(echo)
            assert len(await good.ask(read(4, 0, 1))) == 4


async def test_requests_that_wait_are_left_with_their_sender(tmp_path: Path) -> None:
    burst = frame(1, read(4, 0, 1)) * 500
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        client.setblocking(False)
        async with running(tmp_path, "communication_load_pct: 1") as rig:
            rig.device._listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            await asyncio.get_running_loop().sock_connect(client, rig.place())
            sent = 0
            for _ in range(100):
                with contextlib.suppress(BlockingIOError):
                    sent += client.send(burst)
                await asyncio.sleep(0.002)
            assert 0 < sent < 100_000


FRAMES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(frame, st.integers(0, 65535), st.binary(min_size=1, max_size=253), st.integers(0, 255)),
        st.builds(
            lambda function, rest: frame(1, bytes([function]) + rest),
            st.sampled_from(sorted(pdu.FUNCTIONS)),
            st.binary(max_size=20),
        ),
    ),
    max_size=8,
)


async def still_well(rig: Rig) -> bool:
    rig.plc.set_mode("RUN")
    async with raw(rig) as good:
        good.send(frame(1, bytes.fromhex("0800010000")))  # out of listen only, which a frame may have forced
        good.send(frame(2, bytes.fromhex("0800010000")), frame(3, read(4, 0, 1)))
        answers = [await good.receive()]
        while answers[-1][0] != 3:
            answers.append(await good.receive())
        return len(answers[-1][2]) == 4


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=FRAMES)
def test_random_frames_neither_crash_nor_hang_it(tmp_path: Path, frames: list[bytes]) -> None:
    async def run() -> None:
        async with running(tmp_path) as rig:
            async with raw(rig) as bad:
                bad.send(*frames)
                bad.writer.write_eof()
                assert await bad.ended()
            assert await still_well(rig)
            assert rig.device.health().state == "ok"
            assert not rig.log.events("request_broke")

    asyncio.run(run())


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=253))
def test_any_pdu_is_a_request_or_a_refusal(data: bytes) -> None:
    request, code = understood(data)
    if request is None:
        assert code in {1, 2, 3}
    else:
        assert request.function == data[0]
        assert all(0 < touch.size <= 2000 for touch in request.touches)


def understood(data: bytes) -> tuple[Request | None, int]:
    try:
        return pdu.parse(data), 0
    except Refusal as refusal:
        return None, refusal.code


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 65535), st.integers(1, 123))
def test_a_well_formed_write_is_understood(start: int, count: int) -> None:
    values = struct.pack(f">{count}H", *range(count))
    data = struct.pack(">BHHB", 16, start, count, 2 * count) + values
    if start + count > 65536:
        with pytest.raises(Refusal):
            pdu.parse(data)
    else:
        assert pdu.parse(data).data == values


async def test_the_raw_client_itself_can_fail(tmp_path: Path) -> None:
    """The positive control of `ended`: a healthy connection does not end."""
    async with running(tmp_path) as rig, raw(rig) as wire:
        assert isinstance(wire, Raw)
        assert await wire.silent(0.05)
        assert len(await wire.ask(read(4, 0, 1))) == 4
