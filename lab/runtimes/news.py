"""What a start or a job under way says: JSON lines from a descriptor, until it closes (`contract.Launch`, `contract.Errand`)."""

import os
from typing import Any

import msgspec

# No start and no job has more to say.
OUTPUT_LIMIT_BYTES = 8 << 20
READ_BYTES = 1 << 16


class News:
    """Never waits. What is said too much, or is no JSON, is as if it had closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._heard = 0
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        return self._descriptor

    def news(self) -> list[dict[str, Any]] | None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self._heard += len(data)
        if not data or self._heard > OUTPUT_LIMIT_BYTES:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        try:
            return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
        except msgspec.MsgspecError:
            return None

    def close(self) -> None:
        os.close(self._descriptor)
