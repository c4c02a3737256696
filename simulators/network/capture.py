"""A finished capture: its pcap and its events, worked out when asked for."""

import asyncio
import csv
import io
import time
from collections.abc import Iterator, Sequence
from functools import cached_property

from simulators.model import Line
from simulators.network.dissect.dissector import Dissector
from simulators.network.dissect.row import COLUMNS, Row
from simulators.network.frames import mended, pcap_frame, pcap_header
from simulators.network.record import Kind, Record
from simulators.network.synthesis import Synthesis

EVENTS_MAX = 100_000
SLICE_S = 0.002  # of the loop's time at once


class EventTable:
    """Rows, within a bound: beyond, new ones are counted in `dropped` and not kept."""

    def __init__(self, limit: int = EVENTS_MAX) -> None:
        self.rows: list[Row] = []
        self.dropped = 0
        self._limit = limit

    def extend(self, rows: Iterator[Row]) -> None:
        for row in rows:
            if len(self.rows) < self._limit:
                self.rows.append(row)
            else:
                self.dropped += 1

    def csv(self) -> str:
        """The rows with every column, in the order of the table."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


class Capture:
    """What was seen between a start and a stop. `dropped`: frames beyond its limit, or too fast to be taken.

    `pcap` and `events` decode all at once, in some 50 µs a record; `await ready()` first, to do it without
    holding the loop.
    """

    def __init__(self, line: Line, records: Sequence[Record], dropped: int = 0) -> None:
        self._records = records
        self.dropped = dropped
        self.table = EventTable()
        self._dissector, self._synthesis = Dissector(line), Synthesis()
        self._pcap = bytearray(pcap_header())
        self._frames = 0
        self._work = self._decode()

    async def ready(self) -> None:
        """Decode in short slices of the loop's time."""
        until_s = time.perf_counter() + SLICE_S
        for _ in self._work:
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + SLICE_S

    @cached_property
    def pcap(self) -> bytes:
        """A pcap file: relayed flows as frames that stand for them, and the real frames of the zones."""
        self._finish()
        return bytes(self._pcap)

    @property
    def frames(self) -> int:
        """How many frames the pcap has."""
        self._finish()
        return self._frames

    @property
    def events(self) -> list[Row]:
        """The event table's rows, by date."""
        self._finish()
        return self.table.rows

    @property
    def events_dropped(self) -> int:
        """Rows beyond the bound."""
        self._finish()
        return self.table.dropped

    def _finish(self) -> None:
        for _ in self._work:
            pass

    def _decode(self) -> Iterator[None]:
        for record in self._records:
            self.table.extend(self._dissector.rows(record))
            frames = (mended(record.data),) if record.kind is Kind.FRAME else self._synthesis.frames(record)
            for frame in frames:
                self._pcap += pcap_frame(record.unix_s, frame)
                self._frames += 1
            yield
        self.table.extend(self._dissector.finish())
        self.table.rows.sort(key=_date)
        self._records = ()


def _date(row: Row) -> float:
    date = row["ts"]
    assert isinstance(date, float)
    return date
