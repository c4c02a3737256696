"""What the taps keep: one small record for each thing seen, decoded only when somebody asks."""

from collections import deque
from enum import Enum, auto
from typing import NamedTuple

OVERHEAD_BYTES = 200  # what a record costs beside its bytes


class Kind(Enum):
    """What was seen. `flow` of the record is a zone's name for FRAME."""

    OPENED = auto()
    FROM_CLIENT = auto()
    FROM_SERVER = auto()
    CLOSED = auto()  # `data` is how: closed, client_reset, server_reset, idle, cut
    REFUSED = auto()  # the whole flow; `data` is the reason
    DENIED = auto()  # one request of it; `data` is the reason
    FRAME = auto()  # a real frame of a zone's loopback


class Conversation(NamedTuple):
    """A relayed flow: the client's side as the client sees it. `uid` names it in every event."""

    uid: str
    zone: str
    conduit: str
    client: tuple[str, int]
    server: tuple[str, int]
    service: str


class Record(NamedTuple):
    """`unix_s` is the lab's own date."""

    unix_s: float
    flow: Conversation | str
    kind: Kind
    data: bytes = b""


class Ring:
    """Records within `limit_bytes`; beyond, the oldest go, or the new ones with `keep_first`."""

    def __init__(self, limit_bytes: int, keep_first: bool = False) -> None:
        self.records: deque[Record] = deque()
        self.dropped = 0
        self._limit_bytes = limit_bytes
        self._keep_first = keep_first
        self._bytes = 0

    def append(self, record: Record) -> None:
        size = OVERHEAD_BYTES + len(record.data)
        if self._keep_first and self._bytes + size > self._limit_bytes:
            self.dropped += 1
            return
        self.records.append(record)
        self._bytes += size
        while self._bytes > self._limit_bytes and self.records:
            gone = self.records.popleft()
            self._bytes -= OVERHEAD_BYTES + len(gone.data)
            self.dropped += 1

    def widen(self, limit_bytes: int) -> None:
        """Keep at least so much from now on."""
        self._limit_bytes = max(self._limit_bytes, limit_bytes)

    def take(self) -> list[Record]:
        """All of them, which then are no longer kept."""
        taken = list(self.records)
        self.records.clear()
        self._bytes = 0
        return taken
