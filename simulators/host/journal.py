"""What happened in a lab: the last events in memory, all of them in a bounded file, which outlives the lab."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from simulators.errors import NotFoundError

MEMORY = 2000
FILE_BYTES = 4 << 20

FILE = "journal.jsonl"
# Who speaks beside the devices; `of` names the device that an event of theirs is about.
HOSTS = ("host", "forward", "supervisor")

Event = dict[str, Any]


class Journal:
    """Events as flat JSON objects `{"unix_s", "device", "event", …}`, newest last.

    The file is begun anew, with one predecessor kept, when it passes `FILE_BYTES`; a disk that refuses a
    line costs that line only. With `recall`, the last events that the file has are in memory from the start.
    """

    def __init__(self, path: Path, wall: Callable[[], float] = time.time, recall: bool = False) -> None:
        self._path = path
        self._wall = wall
        self._recent: deque[Event] = deque(_of_file(path) if recall else (), maxlen=MEMORY)
        self._file = path.open("ab", buffering=0)

    def bind(self, device: str) -> Callable[..., None]:
        """The `log(event, **fields)` of one device."""

        def log(event: str, **fields: Any) -> None:
            self._keep({"unix_s": round(self._wall(), 3), "device": device, "event": event, **fields})

        return log

    def about(self, device: str, count: int) -> list[Event]:
        """The newest `count` events of one device, or of its host about it, oldest first."""
        return [e for e in self._recent if _is_about(e, device)][-count:]

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


def kept(folder: Path, device: str | None, count: int) -> list[Event]:
    """The newest `count` events in a lab's folder, of one device if it is named, oldest first; whether or not it runs.

    Raises:
        NotFoundError: the lab has left no journal, or none of its events is about the device.
    """
    files = [folder / FILE, *folder.glob(f"*/{FILE}")]
    found = [event for path in files for event in _of_file(path)]
    if not found:
        raise NotFoundError(
            f"{folder} : aucun journal ; voyez « lab ps »", f"{folder}: no journal; see 'lab ps'"
        )
    found.sort(key=lambda event: float(event["unix_s"]))
    about = [event for event in found if device is None or _is_about(event, device)]
    if not about:
        known = ", ".join(sorted({event["device"] for event in found if event["device"] not in HOSTS})) or "–"
        raise NotFoundError(
            f"rien sur {device} dans ce journal ; choisissez parmi : {known}",
            f"nothing about {device} in this journal; choose one of: {known}",
        )
    return about[-count:]


def add(folder: Path, event: str, **fields: Any) -> None:
    """A line of the supervisor's in the journal of a lab whose process has ended. Raises: OSError."""
    entry = {"unix_s": round(time.time(), 3), "device": "supervisor", "event": event, **fields}
    with (folder / FILE).open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(entry) + b"\n")


def _of_file(path: Path) -> Iterator[Event]:
    """The events of a file and of its predecessor, oldest first; what is no whole line is left out."""
    for each in (path.with_suffix(".old"), path):
        try:
            lines = each.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if {"unix_s", "device", "event"} <= entry.keys():
                yield entry


def _is_about(entry: Event, device: str) -> bool:
    return bool(entry["device"] == device or _host_of(entry) == device)


def _host_of(entry: Event) -> Any:
    return entry.get("of") if entry["device"] in HOSTS else None
