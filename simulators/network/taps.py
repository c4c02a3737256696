"""The line's taps: what its wires carried, as a capture (pcap) and as events.

Two sources. The gateway and the forwards record the flows that they relay, as the client's side saw them.
Where zones are namespaces, a capture listens in each zone as well and sees what stays inside it; where they are
networks of containers, a tap on each zone feeds in what it sees. Both leave out the relayed flows, which are
recorded already. On flat loopback only relayed flows are seen.

Dates are the lab's own (`Clock.unix_s`): simulated time, to the microsecond, so that a capture lines up with the
historian at any speed.
"""

import asyncio
import contextlib
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Protocol, runtime_checkable

from simulators.clock import Clock
from simulators.model import Line
from simulators.network.capture import Capture
from simulators.network.dissect.dissector import Dissector
from simulators.network.dissect.row import Row
from simulators.network.events import EventRecord, Wanted
from simulators.network.frames import End
from simulators.network.record import Conversation, Kind, Record, Ring
from simulators.network.sniffer import Sniffer, concealed

KEPT_BYTES = 512 << 10  # of the permanent record
FOLLOWED_BYTES = 4 << 20  # of it, where zones' inner traffic is asked for
CAPTURE_BYTES = 16 << 20
WATCH_BYTES = 2 << 20
REVEAL_S = 1.0  # the last segments of a flow are read after it closed


class Watch:
    """Rows as they come: for a detector that runs with the line. Close it."""

    def __init__(self, line: Line, ring: Ring, close: Callable[[], None]) -> None:
        self._dissector, self._ring = Dissector(line), ring
        self.close = close

    @property
    def dropped(self) -> int:
        """Records that came faster than they were read."""
        return self._ring.dropped

    def read(self) -> Iterator[Row]:
        """The rows since the last call."""
        for record in self._ring.take():
            yield from self._dissector.rows(record)


class Taps:
    """Where relays and zones put what they see; cheap while nobody looks."""

    def __init__(
        self, line: Line, frames: Callable[[str], socket.socket] | None = None, fed: bool = False
    ) -> None:
        """`frames` opens a socket that sees a zone's frames, where that is possible; `fed`: `feed` is told them."""
        self._line, self._open, self.fed = line, frames, fed
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._feeders: set[str] = set()
        self._kept: EventRecord | None = None
        self._capture: Ring | None = None
        self._watches: list[Ring] = []
        self._sinks: list[Ring | EventRecord] = []
        self._told = False  # by the gateway's configuration
        self._told_zones: set[str] = set()
        self._asked_zones: set[str] = set()  # by whoever runs the line
        self._sniffers: dict[str, Sniffer] = {}
        self._concealed: dict[str, dict[bytes, int]] = defaultdict(dict)
        self._uid = self._lost_before = 0
        self.now: Callable[[], float] = time.time
        self._speed: Callable[[], float] = lambda: 1.0

    def use_clock(self, clock: Clock) -> None:
        """Date what is seen with the lab's clock."""
        self.now = lambda: clock.unix_s(clock.now_s())
        self._speed = lambda: clock.speed

    def keep(self, record: bool, zones: Collection[str] = ()) -> None:
        """Keep the latest records for `events`, with the inner traffic of these zones, or no longer."""
        self._told, self._told_zones = record, set(zones) if record else set()
        self._rearrange()

    def ask(self, zones: Collection[str]) -> None:
        """Keep the inner traffic of these zones as well, whatever the gateway is told; none: no longer."""
        self._asked_zones = set(zones)
        self._rearrange()

    @property
    def kept_zones(self) -> set[str]:
        """The zones whose inner traffic is in the permanent record."""
        return self._told_zones | self._asked_zones

    def _rearrange(self) -> None:
        if not self._told and not self._asked_zones:
            self._kept = None
        elif self._kept is None:
            self._kept = EventRecord(self._line, KEPT_BYTES)
        if self._kept is not None and self.kept_zones:
            self._kept.ring.widen(FOLLOWED_BYTES)
            self._kept.follow()
        self._arrange()

    def start(self, limit_bytes: int = CAPTURE_BYTES) -> None:
        """Begin a capture, in place of one that runs. Beyond its limit what comes is counted and not kept.

        Raises:
            StartError: a zone cannot be listened to.
        """
        self._capture = Ring(limit_bytes, keep_first=True)
        self._arrange()
        self._lost_before = self._lost()

    def stop(self) -> Capture:
        """End the capture; an empty one if none runs."""
        ring = self._capture
        if ring is None:
            return Capture(self._line, ())
        for sniffer in self._sniffers.values():
            sniffer.drain()
        lost = self._lost() - self._lost_before
        self._capture = None
        self._arrange()
        return Capture(self._line, ring.take(), ring.dropped + lost)

    def events(self) -> Capture:
        """The latest of the permanent record, as a capture; empty where none is kept."""
        if self._kept is None:
            return Capture(self._line, ())
        return Capture(self._line, list(self._kept.ring.records), self._kept.ring.dropped)

    async def rows(self, wanted: Wanted) -> tuple[list[Row], int, int]:
        """Rows of the permanent record by their `seq`, the number of the last one there is, and how many are lost."""
        kept = self._kept
        if kept is None:
            return [], 0, 0
        for sniffer in self._sniffers.values():
            sniffer.drain()
        found = await kept.select(wanted)
        return found, kept.table.count, kept.dropped

    def watch(self) -> Watch:
        """Rows from now on."""
        ring = Ring(WATCH_BYTES)
        self._watches.append(ring)
        self._arrange()

        def close() -> None:
            if ring in self._watches:
                self._watches.remove(ring)
                self._arrange()

        return Watch(self._line, ring, close)

    def next_uid(self) -> str:
        """A name for one more flow of this line."""
        self._uid += 1
        return f"C{self._uid:08d}"

    def conceal(self, zone: str, end: End) -> None:
        """What a zone's own tap sees at this address and port is recorded by a relay."""
        ends, key = self._concealed[zone], _key(end)
        ends[key] = ends.get(key, 0) + 1

    def reveal(self, zone: str, end: End) -> None:
        """The relay is gone."""
        asyncio.get_running_loop().call_later(REVEAL_S, self._reveal, zone, _key(end))

    def _reveal(self, zone: str, key: bytes) -> None:
        ends = self._concealed[zone]
        ends[key] -= 1
        if not ends[key]:
            del ends[key]

    def record(self, flow: Conversation, kind: Kind, data: bytes = b"") -> None:
        """One thing that a relay saw."""
        if self._sinks:
            record = Record(self.now(), flow, kind, data)
            for sink in self._sinks:
                sink.append(record)

    async def wanted(self, known: Collection[str], limit_s: float) -> frozenset[str]:
        """The zones whose frames are to be fed, as soon as they are others than `known`, at the latest in `limit_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._wanted == frozenset(known):
                    self._changed.clear()
                    await self._changed.wait()
        return self._wanted

    def feeder(self, zone: str, there: bool) -> None:
        """A tap on this zone begins to feed, or has gone."""
        if there:
            self._feeders.add(zone)
        else:
            self._feeders.discard(zone)
        self._changed.set()

    async def settled(self, zones: Collection[str], limit_s: float) -> None:
        """Return once a tap feeds from each of these zones, which are wanted, at the latest in `limit_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.fed and not set(zones) <= self._feeders:
                    self._changed.clear()
                    await self._changed.wait()

    def feed(self, zone: str, frame: bytes, age_s: float) -> None:
        """A frame of the zone, seen `age_s` ago (wall)."""
        if zone in self._wanted and not concealed(frame, self._concealed[zone]):
            self._frame(zone, frame, age_s)

    def _frame(self, zone: str, frame: bytes, age_s: float = 0.0) -> None:
        record = Record(self.now() - age_s * self._speed(), zone, Kind.FRAME, frame)
        for sink in self._sinks:
            if sink is not self._kept or zone in self.kept_zones:
                sink.append(record)

    def _arrange(self) -> None:
        """Listen to the zones that somebody looks at, and to no other."""
        rings: list[Ring | EventRecord | None] = [self._kept, self._capture, *self._watches]
        everywhere = self._capture is not None or bool(self._watches)
        zones = {zone.id for zone in self._line.zones} if everywhere else self.kept_zones
        for zone in set(self._sniffers) - zones:
            self._sniffers.pop(zone).close()
        self._sinks = [ring for ring in rings if ring is not None]
        if self._wanted != zones:
            self._wanted = frozenset(zones)
            self._changed.set()
        if self._open is not None:
            for zone in sorted(zones - set(self._sniffers)):
                self._sniffers[zone] = self._sniffer(zone)

    def _lost(self) -> int:
        return sum(sniffer.dropped for sniffer in self._sniffers.values())

    def _sniffer(self, zone: str) -> Sniffer:
        assert self._open is not None
        return Sniffer(self._open(zone), self._concealed[zone], lambda frame: self._frame(zone, frame))


@runtime_checkable
class Tapped(Protocol):
    """A network whose wires can be tapped."""

    taps: Taps


def taps_of(network: object, line: Line) -> Taps:
    """The network's taps, or some that see only what relays tell them."""
    return network.taps if isinstance(network, Tapped) else Taps(line)


def _key(end: End) -> bytes:
    return socket.inet_aton(end[0]) + end[1].to_bytes(2, "big")
