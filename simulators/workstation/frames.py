"""What a terminal and who looks at it say to each other: a kind (1 byte), a length (4, big-endian), the content."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.errors import InputError

HEAD = struct.Struct(">cI")
CONTENT_LIMIT_BYTES = 64 << 10
# Bytes typed or shown; "COLUMNS ROWS"; why it is over.
DATA, SIZE, END = b"d", b"r", b"x"
KINDS = (DATA, SIZE, END)
COLUMNS, ROWS = range(2, 501), range(1, 201)


def frame(kind: bytes, content: bytes) -> bytes:
    """One message; data of any length as several."""
    if kind != DATA:
        return HEAD.pack(kind, len(content)) + content
    pieces = [content[at : at + CONTENT_LIMIT_BYTES] for at in range(0, len(content), CONTENT_LIMIT_BYTES)]
    return b"".join(HEAD.pack(kind, len(piece)) + piece for piece in pieces)


def size(columns: int, rows: int) -> bytes:
    """The message that says how large the window is. Raises: InputError: no window is."""
    if columns not in COLUMNS or rows not in ROWS:
        raise InputError(
            f"terminal de {columns} × {rows} : choisissez de 2 à 500 colonnes et de 1 à 200 lignes",
            f"terminal of {columns} × {rows}: choose 2 to 500 columns and 1 to 200 rows",
        )
    return frame(SIZE, f"{columns} {rows}".encode())


@dataclass
class Frames:
    """Cuts a stream of bytes into messages."""

    _rest: bytes = field(default=b"")

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The whole messages there are now. Raises: ValueError: this is no stream of messages."""
        self._rest += data
        while len(self._rest) >= HEAD.size:
            kind, length = HEAD.unpack_from(self._rest)
            if kind not in KINDS or length > CONTENT_LIMIT_BYTES:
                raise ValueError(kind, length)
            if len(self._rest) < HEAD.size + length:
                return
            content = self._rest[HEAD.size : HEAD.size + length]
            self._rest = self._rest[HEAD.size + length :]
            yield kind, content
