"""One client's TCP (or TLS) connection: frames in, frames out, in order, however they are cut or joined."""

import asyncio
import struct
import time
from collections.abc import Callable

from simulators.devices.modbus_plc.pdu import PDU_MAX
from simulators.devices.modbus_plc.pump import Pump
from simulators.devices.modbus_plc.service import Client, Service

_HEADER = struct.Struct(">HHHB")
_LENGTH_MAX = PDU_MAX + 1
BUFFER_HIGH, BUFFER_LOW = 8192, 2048


class Connection(asyncio.Protocol):
    """`identify` says who the client is once the transport (and its TLS handshake) stands."""

    client: Client
    _transport: asyncio.Transport

    def __init__(
        self,
        service: Service,
        pump: Pump,
        identify: Callable[[asyncio.Transport], Client],
        opened: Callable[["Connection"], None],
        closed: Callable[["Connection"], None],
    ) -> None:
        self._service, self._pump = service, pump
        self._identify, self._opened, self._closed = identify, opened, closed
        self._buffer = bytearray()
        self._queued = self._ended = self._full = self._paused = False
        self.heard_s = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.client = self._identify(transport)
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's own argument
        self._ended = True
        self._buffer.clear()
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > BUFFER_HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._enqueue()

    def eof_received(self) -> bool:
        """A client that only closed its sending side still gets the answers that are due."""
        self._ended = True
        return self._queued and not self.client.secure  # TLS cannot be half closed

    def pause_writing(self) -> None:
        """The client does not read its answers: no more of its requests are taken until it does."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._enqueue()
        self._relax()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def work(self, limit: int) -> bool:
        """Answer up to `limit` requests; whether more wait."""
        answers = bytearray()
        used = 0
        for _ in range(limit):
            taken = self._take(used, answers)
            if taken == 0:
                break
            used += taken
        del self._buffer[:used]
        if answers and not self._transport.is_closing():
            self._transport.write(bytes(answers))
        self._queued = not self._full and self._frame_at(0) != 0
        self._relax()
        return self._queued

    def _take(self, at: int, answers: bytearray) -> int:
        size = self._frame_at(at)
        if size <= 0:
            if size < 0:
                self._not_modbus(at)
            return 0
        transaction, _, _, unit = _HEADER.unpack_from(self._buffer, at)
        self.heard_s = time.monotonic()
        response = self._service.answer(self.client, unit, bytes(self._buffer[at + 7 : at + size]))
        if response is not None:
            answers += _HEADER.pack(transaction, 0, len(response) + 1, unit) + response
        return size

    def _frame_at(self, at: int) -> int:
        """Bytes of the whole frame at `at`; 0 if it is not all there, -1 if it is none."""
        if len(self._buffer) - at < 7:
            return 0
        _, protocol, length, _ = _HEADER.unpack_from(self._buffer, at)
        if protocol != 0 or not 2 <= length <= _LENGTH_MAX:
            return -1
        return length + 6 if len(self._buffer) - at >= length + 6 else 0

    def _not_modbus(self, at: int) -> None:
        # Where the next frame would begin is unknown: only closing lets the client start anew.
        self._service.bad_frame(self.client, bytes(self._buffer[at : at + 8]))
        del self._buffer[at:]
        self._ended = True

    def _enqueue(self) -> None:
        if not self._queued and not self._full and self._frame_at(0) != 0:
            self._queued = True
            self._pump.add(self)

    def _relax(self) -> None:
        if self._ended and not self._queued and not self._full:
            self._transport.close()
        elif self._paused and len(self._buffer) < BUFFER_LOW:
            self._paused = False
            self._transport.resume_reading()
