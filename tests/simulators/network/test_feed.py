"""Frames that come from taps: who may tell, what is kept, how it is dated."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.clock import Clock
from simulators.network.feed import Feeds, tap_token
from simulators.network.taps import Taps
from simulators.network.wire import Wire, dial
from tests.simulators.network.stage import BROKER, PLC1, SCADA, bottling_like
from tests.waiting import eventually

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

    async def tap(self, zone: str = "control", token: str = tap_token(TOKEN)) -> Wire:
        wire = await dial(self.where)
        wire.send({"tap": zone, "token": token})
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
    await post.taps.settled(["control"], 5)
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
    broker = await post.tap("iiot")
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
    await post.taps.settled(["control"], 5)
    assert "control" in post.taps._feeders
    await wire.end()
    await eventually(lambda: "control" not in post.taps._feeders)


async def test_a_gateway_that_died_leaves_its_socket_to_the_next(post: Post, tmp_path: Path) -> None:
    again = Feeds(post.taps, TOKEN)
    await again.open(post.where)
    post.taps.start()
    wire = await post.tap()
    await post.taps.settled(["control"], 5)
    assert "control" in post.taps._feeders
    await wire.end()
    await again.close()
