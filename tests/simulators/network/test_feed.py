"""Frames that come from taps: who may tell, what is kept, how it is dated."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import Clock
from simulators.host.tap import HEADER, RECORD, Choice, Pcap
from simulators.network.feed import Feeds, tap_token, tapped
from simulators.network.taps import Taps
from simulators.network.wire import Wire, dial
from tests.fakes import eventually
from tests.simulators.network.stage import BROKER, PLC1, PLC2, SCADA, bottling_like

LINE = bottling_like()
TOKEN = "the gateway's own"


def frame(source: str, target: str, source_port: int = 40000, target_port: int = 502) -> bytes:
    """A TCP SYN over IPv4 over Ethernet."""
    tcp = struct.pack(">HHIIBBHHH", source_port, target_port, 1, 0, 5 << 4, 2, 1024, 0, 0)
    addresses = bytes(int(part) for address in (source, target) for part in address.split("."))
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
    return bytes(12) + b"\x08\x00" + ip + tcp


class Post:
    """A gateway that is fed."""

    def __init__(self, folder: Path) -> None:
        self.where = f"unix:{folder}/feed"
        self.taps = Taps(LINE, fed=True)
        self.clock = Clock(1_800_000_000.0)
        self.taps.use_clock(self.clock)
        self.feeds = Feeds(self.taps, TOKEN)

    async def tap(self, zone: str = "control", host: str = PLC1, token: str = tap_token(TOKEN)) -> Wire:
        wire = await dial(self.where)
        wire.send({"tap": zone, "host": host, "token": token})
        return wire


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    made = Post(tmp_path)
    await made.feeds.open(made.where)
    yield made
    await made.feeds.close()


async def test_frames_of_a_zone_that_is_wanted_are_kept_and_dated(post: Post) -> None:
    post.clock.set_speed(10.0)
    post.taps.start()
    wire = await post.tap()
    await post.taps.settled([PLC1], 5)
    wire.send({"frames": [[time.time() - 2.0, frame("10.20.1.250", PLC1)]]})
    await eventually(lambda: post.taps._capture is not None and post.taps._capture.records)
    taken = post.taps.stop()
    await taken.ready()
    assert taken.frames == 1
    row = taken.events[0]
    assert (row["id.orig_h"], row["id.resp_h"], row["id.resp_p"]) == ("10.20.1.250", PLC1, 502)
    age_s = post.taps.now() - float(str(row["ts"]))
    assert 18 < age_s < 60, "two seconds of the wall are twenty of the lab's"
    await wire.end()


async def test_what_a_relay_records_is_not_told_twice(post: Post) -> None:
    post.taps.start()
    post.taps.conceal("control", (SCADA, 40001))
    wire = await post.tap()
    wire.send(
        {"frames": [[time.time(), frame(SCADA, PLC1, 40001)], [time.time(), frame(SCADA, PLC1, 40002)]]}
    )
    await eventually(lambda: post.taps._capture is not None and post.taps._capture.records)
    assert post.taps.stop().frames == 1
    await wire.end()


async def test_a_zone_that_nobody_looks_at_is_not_kept(post: Post) -> None:
    post.taps.ask(["iiot"])
    wire = await post.tap()
    wire.send({"frames": [[time.time(), frame("10.20.1.250", PLC1)]]})
    broker = await post.tap("iiot", BROKER)
    broker.send({"frames": [[time.time(), frame("10.20.2.21", BROKER, target_port=1883)]]})
    await eventually(lambda: post.taps.events().frames)
    assert post.taps.events().frames == 1
    for told in (wire, broker):
        await told.end()


async def test_who_waits_is_told_which_zones_are_wanted(post: Post) -> None:
    assert await post.taps.wanted([], 0.05) == frozenset()
    waiting = asyncio.create_task(post.taps.wanted([], 10))
    await asyncio.sleep(0.01)
    post.taps.ask(["control"])
    assert await waiting == {"control"}
    post.taps.start()
    assert await post.taps.wanted(["control"], 10) == {zone.id for zone in LINE.zones}


async def test_a_stranger_feeds_nothing(post: Post) -> None:
    post.taps.start()
    for token in ("", TOKEN, tap_token("another's")):
        wire = await post.tap(token=token)
        wire.send({"frames": [[time.time(), frame("10.20.1.250", PLC1)]]})
        with pytest.raises((EOFError, ConnectionError)):
            await wire.receive()
        wire.close()
    assert post.taps.stop().frames == 0


async def test_a_tap_that_goes_is_no_longer_counted_on(post: Post) -> None:
    wire = await post.tap()
    await post.taps.settled([PLC1], 5)
    assert PLC1 in post.taps._feeders
    await wire.end()
    await eventually(lambda: PLC1 not in post.taps._feeders)


def test_who_is_tapped() -> None:
    assert [device.id for device in tapped(LINE, ["control", "supervision"])] == ["plc1", "plc2", "scada"]


PEERS = frozenset({PLC1, PLC2})


@pytest.mark.parametrize(
    ("source", "target", "by"),
    [
        (PLC1, PLC2, {PLC2}),
        (PLC2, PLC1, {PLC1}),
        ("10.20.1.250", PLC1, {PLC1}),
        (PLC1, "10.20.1.250", {PLC1}),
        (SCADA, PLC1, {PLC1}),
    ],
)
def test_each_frame_is_told_by_one_tap(source: str, target: str, by: set[str]) -> None:
    seen = frame(source, target)
    assert {host for host in PEERS & {source, target} if Choice(host, PEERS).holds(seen)} == by


def test_what_is_no_internet_protocol_is_left_out() -> None:
    assert not Choice(PLC1, PEERS).holds(bytes(12) + b"\x08\x06" + bytes(40))
    assert not Choice(PLC1, PEERS).holds(b"short")


@given(st.lists(st.binary(max_size=100), max_size=5), st.integers(1, 60), st.booleans())
def test_a_capture_comes_out_as_it_went_in(frames: list[bytes], step: int, nanoseconds: bool) -> None:
    stream = HEADER.pack(0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, data in enumerate(frames):
        stream += (
            RECORD.pack(100 + number, 500_000_000 if nanoseconds else 500_000, len(data), len(data)) + data
        )
    pcap, found = Pcap(), []
    for at in range(0, len(stream), step):
        found += list(pcap.feed(stream[at : at + step]))
    assert found == [(100.5 + number, data) for number, data in enumerate(frames)]


@given(st.binary(max_size=200))
def test_no_bytes_hurt_a_capture(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(Pcap().feed(data))
