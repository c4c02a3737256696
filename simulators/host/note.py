"""What a part leaves for the health check of its container (`simulators.host.check`)."""

from pathlib import Path

import msgspec

from simulators.snapshot import DeviceStatus


class Note(msgspec.Struct, frozen=True):
    """`address` and `port` are the device's own; no port: nothing to ask."""

    status: DeviceStatus
    address: str
    port: int | None
    unix_s: float


def leave(note: Note, path: Path) -> None:
    """A disk that is full makes the check fail, and nothing else."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(note))
        fresh.replace(path)
    except OSError:
        return
