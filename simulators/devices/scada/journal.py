"""Who did what, and which alarm did what, when: the last entries, for displays and for CSV."""

import csv
import io
from collections import deque
from datetime import UTC, datetime
from typing import Literal

import msgspec

from simulators.plc.image import Value
from simulators.text import Text

ENTRIES = 1000
Event = Literal[
    "raised", "returned", "acknowledged", "shelved", "unshelved", "command", "command_refused"
]  # fmt: skip


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`by` is empty for what nobody did."""

    unix_s: float
    event: Event
    id: str
    tag: str
    priority: int | None
    value: Value | None
    by: str
    text: Text


class Journal:
    """The newest `ENTRIES` entries, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def csv(self) -> str:
        """RFC 4180, dates in UTC (ISO 8601), words in both languages."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["time", "event", "alarm", "tag", "priority", "value", "by", "text_fr", "text_en"])
        for e in self._entries:
            date = datetime.fromtimestamp(e.unix_s, UTC).isoformat(timespec="milliseconds")
            writer.writerow([date, e.event, e.id, e.tag, e.priority, e.value, e.by, e.text.fr, e.text.en])
        return out.getvalue()
