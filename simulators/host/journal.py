"""What happened in a lab: the last events in memory, all of them in a bounded file."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

MEMORY = 2000
FILE_BYTES = 4 << 20

# Who speaks beside the devices; `of` names the device that an event of theirs is about.
HOSTS = ("host", "forward")

Event = dict[str, Any]


class Journal:
    """Events as flat JSON objects `{"unix_s", "device", "event", …}`, newest last.

    The file is begun anew, with one predecessor kept, when it passes `FILE_BYTES`; a disk that refuses a
    line costs that line only.
    """

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._recent: deque[Event] = deque(maxlen=MEMORY)
        self._file = path.open("ab", buffering=0)

    def bind(self, device: str) -> Callable[..., None]:
        """The `log(event, **fields)` of one device."""

        def log(event: str, **fields: Any) -> None:
            self._keep({"unix_s": round(self._wall(), 3), "device": device, "event": event, **fields})

        return log

    def about(self, device: str, count: int) -> list[Event]:
        """The newest `count` events of one device, or of its host about it, oldest first."""
        return [e for e in self._recent if e["device"] == device or _host_of(e) == device][-count:]

    def general(self, count: int) -> list[Event]:
        """The newest `count` events that are about no device, oldest first."""
        return [e for e in self._recent if e["device"] in HOSTS and _host_of(e) is None][-count:]

    def close(self) -> None:
        self._file.close()

    def _keep(self, entry: Event) -> None:
        self._recent.append(entry)
        try:
            self._file.write(msgspec.json.encode(entry, enc_hook=str) + b"\n")
            if self._file.tell() > FILE_BYTES:
                self._begin_anew()
        except (OSError, ValueError):
            pass

    def _begin_anew(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_suffix(".old"))
        self._file = self._path.open("ab", buffering=0)


def _host_of(entry: Event) -> Any:
    return entry.get("of") if entry["device"] in HOSTS else None
