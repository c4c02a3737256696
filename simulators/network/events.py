"""The permanent record as a table of events: dissected as it comes, compressed, asked for by a few words."""

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Iterator

import msgspec

from simulators.model import Line
from simulators.network.dissect.dissector import Dissector
from simulators.network.dissect.row import Row
from simulators.network.record import Record, Ring

ROWS_BYTES = 4 << 20  # of the table, compressed: an hour of the bottling line with all its zones
PENDING_BYTES = 4 << 20  # of records that wait to be dissected
PENDING_MAX = 400  # records, then they are dissected without being asked for
CHUNK_ROWS = 256
SLICE_S = 0.002  # of the loop's time at once
OVERHEAD_BYTES = 120


class Wanted(msgspec.Struct, frozen=True):
    """Which rows. `after` is a cursor: those that follow it, the oldest first; without one, the latest."""

    since_ts: float | None = None
    log: str | None = None
    addresses: frozenset[str] | None = None
    contains: str | None = None
    after: int | None = None
    limit: int = 500

    def holds(self, row: Row) -> bool:
        """Whether the row is one of them; `since_ts` is about when it was known."""
        if self.since_ts is not None and known_s(row) <= self.since_ts:
            return False
        if self.log is not None and row["log"] != self.log:
            return False
        if self.addresses is not None and not {row["id.orig_h"], row["id.resp_h"]} & self.addresses:
            return False
        words = self.contains
        return not words or any(words.lower() in str(value).lower() for value in row.values())


class Chunk(msgspec.Struct, frozen=True):
    """Rows that are whole, numbered from `first`."""

    first: int
    count: int
    latest_s: float
    packed: bytes

    def rows(self) -> list[Row]:
        unpacked: list[Row] = msgspec.msgpack.decode(zlib.decompress(self.packed))
        return unpacked


def known_s(row: Row) -> float:
    """When a row was known: a connection's, which is dated by its beginning, when it ended."""
    began_s, lasted_s = row["ts"], row.get("duration")
    assert isinstance(began_s, float)
    return began_s + (lasted_s if isinstance(lasted_s, int | float) else 0.0)


class Rows:
    """Rows by their number, the oldest forgotten beyond `limit_bytes`. Costs some 30 bytes a row."""

    def __init__(self, limit_bytes: int = ROWS_BYTES) -> None:
        self.dropped = 0
        self.count = 0
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._chunks: deque[Chunk] = deque()
        self._open: list[Row] = []

    def add(self, row: Row) -> None:
        self._open.append(row)
        self.count += 1
        if len(self._open) >= CHUNK_ROWS:
            self._close()

    def select(self, wanted: Wanted) -> Iterator[list[Row] | None]:
        """Yields None now and then, to be left, and last the rows with their numbers as `seq`."""
        found: list[Row] = []
        forth, after = wanted.after is not None, wanted.after or 0
        chunks = self._everything()
        for chunk in chunks if forth else reversed(chunks):
            if chunk.first + chunk.count > after and (wanted.since_ts or 0.0) < chunk.latest_s:
                rows = chunk.rows() if chunk.packed else self._open
                numbered = [
                    (number, row) for number, row in enumerate(rows, chunk.first + 1) if number > after
                ]
                for number, row in numbered if forth else reversed(numbered):
                    if wanted.holds(row):
                        found.append({"seq": number, **row})
            if len(found) >= wanted.limit:
                break
            yield None
        found = found[: wanted.limit]
        yield found if forth else found[::-1]

    def _everything(self) -> list[Chunk]:
        latest_s = max(map(known_s, self._open), default=0.0)
        return [*self._chunks, Chunk(self.count - len(self._open), len(self._open), latest_s, b"")]

    def _close(self) -> None:
        latest_s = max(map(known_s, self._open))
        packed = zlib.compress(msgspec.msgpack.encode(self._open), 1)
        first = self.count - len(self._open)
        self._chunks.append(Chunk(first, len(self._open), latest_s, packed))
        self._bytes += len(packed) + OVERHEAD_BYTES
        self._open = []
        while self._bytes > self._limit_bytes:
            gone = self._chunks.popleft()
            self._bytes -= len(gone.packed) + OVERHEAD_BYTES
            self.dropped += gone.count


class EventRecord:
    """What is kept of all that was seen: the latest records for a pcap, and the table of their events.

    Nothing is dissected before somebody asks (`follow`): a line that nobody watches pays for the bytes only.
    """

    def __init__(self, line: Line, raw_bytes: int) -> None:
        self.ring = Ring(raw_bytes)
        self.table = Rows()
        self._dissector = Dissector(line)
        self._pending: Ring | None = None
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """Rows that were forgotten, and records that came too fast to be read."""
        return self.table.dropped + (self._pending.dropped if self._pending else self.ring.dropped)

    def append(self, record: Record) -> None:
        self.ring.append(record)
        if self._pending is not None:
            self._pending.append(record)
            if len(self._pending.records) >= PENDING_MAX and (self._task is None or self._task.done()):
                self._task = asyncio.get_running_loop().create_task(self.read(), name="events")

    def follow(self) -> None:
        """Dissect from now on, beginning with what is kept."""
        if self._pending is None:
            self._pending = Ring(PENDING_BYTES)
            self._pending.dropped = self.ring.dropped
            for record in self.ring.records:
                self._pending.append(record)

    async def read(self) -> None:
        """Bring the table up to date, in short slices of the loop's time."""
        async with self._turn:
            if self._pending is None:
                return
            until_s = time.perf_counter() + SLICE_S
            for record in self._pending.take():
                for row in self._dissector.rows(record):
                    self.table.add(row)
                if time.perf_counter() > until_s:
                    await asyncio.sleep(0)
                    until_s = time.perf_counter() + SLICE_S

    async def select(self, wanted: Wanted) -> list[Row]:
        """The rows wanted, by their numbers."""
        self.follow()
        await self.read()
        until_s = time.perf_counter() + SLICE_S
        for rows in self.table.select(wanted):
            if rows is not None:
                return rows
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + SLICE_S
        return []
