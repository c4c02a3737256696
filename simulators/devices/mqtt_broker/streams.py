"""What amqtt reads from and writes to, bounded: whole packets, of a limited size, within a limited time."""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from amqtt.adapters import ReaderAdapter, WriterAdapter

BODY_LIMIT_S = 20.0
PENDING_LIMIT_BYTES = 1 << 20
_PAUSE_S = 0.005


class PacketReader(ReaderAdapter):  # type: ignore[misc]  # amqtt is untyped
    """Reads one whole packet ahead, so that a malformed one ends where its own length says (MQTT 3.1.1, 2.2.3).

    `busy` says whether the packets read before are still being worked on: then the peer waits.
    """

    def __init__(self, stream: asyncio.StreamReader, limit_bytes: int, abort: Callable[[], None]) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._abort = abort
        self._packet = b""
        self._at = 0
        self.busy: Callable[[], bool] = lambda: False

    async def read(self, n: int = -1) -> bytes:
        """The next `n` bytes of the packet. Raises: IncompleteReadError: it is shorter, or the stream ended."""
        if n == 0:
            return b""
        if self._at == len(self._packet):
            await self._next()
        end = len(self._packet) if n < 0 else self._at + n
        piece, self._at = self._packet[self._at : end], min(end, len(self._packet))
        if len(piece) < n:
            raise asyncio.IncompleteReadError(piece, n)
        return piece

    def feed_eof(self) -> None:
        self._stream.feed_eof()

    async def _next(self) -> None:
        # One turn of the loop for each packet: a flood leaves the lab its share.
        await asyncio.sleep(0)
        while self.busy():
            await asyncio.sleep(_PAUSE_S)
        first = await self._stream.readexactly(1)
        async with asyncio.timeout(BODY_LIMIT_S):
            head, length = first, 0
            for place in range(4):
                byte = await self._stream.readexactly(1)
                head += byte
                length |= (byte[0] & 0x7F) << 7 * place
                if byte[0] < 0x80:
                    break
            else:
                length = self._limit_bytes + 1
            if length > self._limit_bytes:
                self._abort()
                raise ConnectionAbortedError("packet too large")
            self._packet, self._at = head + await self._stream.readexactly(length), 0


class BoundedWriter(WriterAdapter):  # type: ignore[misc]  # amqtt is untyped
    """Never waits: a peer that does not read is cut when a mebibyte waits for it."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        self._stream = stream

    @property
    def pending_bytes(self) -> int:
        return self._stream.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if self._stream.transport.is_closing():
            return
        self._stream.write(data)
        if self.pending_bytes > PENDING_LIMIT_BYTES:
            self.abort()

    async def drain(self) -> None:
        """Nothing to wait for: the bound is in `write`."""

    def get_peer_info(self) -> tuple[str, int] | None:
        peer = self._stream.get_extra_info("peername")
        return (peer[0], peer[1]) if peer else None

    def get_ssl_info(self) -> ssl.SSLObject | None:
        return cast("ssl.SSLObject | None", self._stream.get_extra_info("ssl_object"))

    async def close(self) -> None:
        # Python before 3.11.4 cannot abort a TLS transport that was closed twice.
        if not self._stream.is_closing():
            self._stream.close()

    def abort(self) -> None:
        """Close now; what waits is lost."""
        self._stream.transport.abort()
