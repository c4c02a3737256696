"""TCP: one listener, and connections that are bounded in number, in memory and in the time that they take."""

import asyncio
import socket
from typing import Any

from asyncua.common.connection import TransportLimits
from asyncua.common.utils import Buffer
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import header_from_binary

from simulators.devices.opcua_plc.channel import CHUNK_BYTES, StrictBuffer, error_message
from simulators.devices.opcua_plc.processor import HardenedProcessor
from simulators.devices.opcua_plc.server import HardenedServer

_Bad = StatusCodes
_PENDING = 4
_DRAIN_S = 20.0
_HEADER_BYTES = 8
_KINDS = {b"HEL", b"OPN", b"MSG", b"CLO", b"ERR"}


class HardenedProtocol(OPCUAProtocol):
    """One TCP connection: bounded buffers both ways, and the loop given back after every message."""

    def __init__(
        self,
        server: HardenedServer,
        clients: list[OPCUAProtocol],
        closing: list[asyncio.Task[Any]],
        limits: TransportLimits,
    ) -> None:
        super().__init__(server, [], clients, closing, limits)
        self.server = server
        self.messages = asyncio.Queue(maxsize=_PENDING + 1)  # one place kept for the end mark
        self._bytes = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def address(self) -> str:
        return str(self.peer_name[0]) if self.peer_name else "?"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer_name = transport.get_extra_info("peername")
        others = [client.address for client in self.clients if isinstance(client, HardenedProtocol)]
        if not self.server.admits_connection(self.address, others):
            transport.close()
            return
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # What a peer leaves unread waits in our process, where it is counted, not in the kernel.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK_BYTES)
        self.processor = HardenedProcessor(self.server, transport, self.limits)
        self.iserver.asyncio_transports.append(transport)
        self.clients.append(self)
        self._task = asyncio.create_task(self._process_received_message_loop())
        self._activation_watchdog_task = asyncio.create_task(self._activation_watchdog())

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        self._take()

    def _take(self) -> None:
        """Hand whole messages on, as many as may wait; a peer that sends faster is not read from meanwhile."""
        while self.messages.qsize() < _PENDING and len(self._bytes) >= _HEADER_BYTES:
            size = int.from_bytes(self._bytes[4:8], "little")
            if bytes(self._bytes[:3]) not in _KINDS:
                return self._refuse(_Bad.BadTcpMessageTypeInvalid)
            if not _HEADER_BYTES < size <= CHUNK_BYTES + 1:
                return self._refuse(_Bad.BadTcpMessageTooLarge)
            if len(self._bytes) < size:
                break
            frame = StrictBuffer(bytes(self._bytes[:size]))
            del self._bytes[:size]
            try:
                self.messages.put_nowait((header_from_binary(frame), frame))
            except Exception:  # shorter than its kind's header
                return self._refuse(_Bad.BadDecodingError)
        if self.transport is not None and not self.transport.is_closing():
            if self.messages.qsize() >= _PENDING:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()
        return None

    def _refuse(self, code: int) -> None:
        self._bytes.clear()
        if self.transport is not None:
            self.transport.write(error_message(code))
            self.transport.close()

    async def _process_one_msg(self, header: Any, buf: Buffer) -> bool:
        if not await self._writable():
            return False
        served = await super()._process_one_msg(header, buf)
        self._take()
        await asyncio.sleep(0)
        return served

    async def _writable(self) -> bool:
        """Wait until the peer has read its answers; one that never does is dropped."""
        if not self._drained.is_set():
            try:
                async with asyncio.timeout(_DRAIN_S):
                    await self._drained.wait()
            except TimeoutError:
                if self.transport is not None:
                    self.transport.abort()
                return False
        return True


class HardenedBinaryServer(BinaryServer):
    """Serves a socket that is already listening."""

    def __init__(self, server: HardenedServer, listener: socket.socket) -> None:
        message_bytes = server.configuration.sessions.message_bytes
        limits = TransportLimits(
            max_recv_buffer=CHUNK_BYTES,
            max_send_buffer=CHUNK_BYTES,
            max_chunk_count=message_bytes // 8192 + 1,
            max_message_size=message_bytes,
        )
        address, port = listener.getsockname()[:2]
        super().__init__(server, address, port, limits)
        self._hardened = server
        self._listener = listener

    def _make_protocol(self) -> OPCUAProtocol:
        return HardenedProtocol(self._hardened, self.clients, self.closing_tasks, self.limits)

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            self._make_protocol, sock=self._listener
        )
        self.cleanup_task = asyncio.create_task(self._close_task_loop())

    async def stop(self) -> None:
        """Stop listening, drop every connection, and wait for what they leave."""
        if self._server is not None:
            self._server.close()
        tasks = [
            task
            for client in self.clients
            for task in (client._task, client._activation_watchdog_task)
            if task
        ]
        for client in list(self.clients):
            if client.transport is not None:
                client.transport.abort()
        while self.clients:
            await asyncio.sleep(0)
        if self.cleanup_task is not None:
            self.cleanup_task.cancel()
            tasks.append(self.cleanup_task)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close_tasks()
