"""MessagePack maps over a stream, each behind its length (32 bits, big-endian)."""

import asyncio
import contextlib
import struct
from typing import Any

import msgspec

from simulators.errors import InputError

LENGTH = struct.Struct(">I")
MESSAGE_LIMIT_BYTES = 64 << 20
# A reader that is this far behind gets no more of the values that will come again.
BACKLOG_LIMIT_BYTES = 256 << 10

Message = dict[str, Any]


class Wire:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, message: Message) -> None:
        """Nothing is sent on a connection that is ending."""
        if self._writer.is_closing():
            return
        body = msgspec.msgpack.encode(message)
        self._writer.write(LENGTH.pack(len(body)) + body)

    async def receive(self) -> Message:
        """Raises: OSError, EOFError: it is over; ValueError: this is no message."""
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if length > MESSAGE_LIMIT_BYTES:
            raise ValueError(length)
        return msgspec.msgpack.decode(await self._reader.readexactly(length), type=Message)

    @property
    def behind(self) -> bool:
        """The other end does not read as fast as it is written to."""
        return self._writer.transport.get_write_buffer_size() > BACKLOG_LIMIT_BYTES

    @property
    def closing(self) -> bool:
        """It is over, or soon will be."""
        return self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()

    async def end(self) -> None:
        """Close once what was said has gone."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Close without sending what waits."""
        self._writer.transport.abort()


def place(bus: str) -> tuple[str, int] | str:
    """Host and port of `tcp:HOST:PORT`, or the path of `unix:PATH`.

    Raises:
        InputError: it is neither.
    """
    kind, _, rest = bus.partition(":")
    host, _, port = rest.rpartition(":")
    if kind == "unix" and rest:
        return rest
    if kind == "tcp" and host and port.isdecimal():
        return host, int(port)
    raise InputError(
        f"bus {bus} : écrivez tcp:HÔTE:PORT ou unix:CHEMIN", f"bus {bus}: write tcp:HOST:PORT or unix:PATH"
    )


async def dial(bus: str) -> Wire:
    """Raises: OSError: nobody answers there; InputError."""
    where = place(bus)
    if isinstance(where, str):
        return Wire(*await asyncio.open_unix_connection(where))
    return Wire(*await asyncio.open_connection(*where))
