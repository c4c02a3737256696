"""Serves a Unix socket that only the orchestrator reaches: connections into the zone, and terminals.

The first line of a connection says what is wanted: `{"connect": ["10.20.1.10", 502]}` or `{"terminal": [80, 24]}`. The answer
is `{"open": true}` or `{"error": "…"}`; then come the bytes of the connection, or the frames of the terminal.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from simulators.network.relay import READ_BYTES, How, Relay, refuse
from simulators.workstation.frames import Frames, size
from simulators.workstation.terminal import Terminal

REQUEST_LIMIT_S = 5.0
CONNECT_LIMIT_S = 5.0
TERMINALS_MAX = 8
CONNECTIONS_MAX = 256
IDLE_LIMIT_S = 1800.0
DRAIN_LIMIT_S = 1.0
SHELL = ("/bin/bash", "-i")
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    # It has the right to raw sockets, though it is not root.
    "NMAP_PRIVILEGED": "1",
}


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What the first line asks for."""

    connect: tuple[str, int] | None = None
    terminal: tuple[int, int] | None = None


class Workstation:
    """One zone's. `home` is the folder that terminals begin in."""

    def __init__(
        self,
        path: Path,
        home: str,
        shell: Sequence[str] = SHELL,
        idle_limit_s: float = IDLE_LIMIT_S,
        source: str | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        """`listener` is bound to `path`, where it was made beforehand."""
        self._path, self._home, self._shell, self._idle_limit_s = path, home, shell, idle_limit_s
        self._source = source
        self._listener = listener
        self._terminals: set[Terminal] = set()
        self._relays: set[Relay] = set()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises: OSError: the socket cannot be made."""
        if self._listener is None:
            self._listener = listener_at(self._path)
        self._listener.listen(64)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept, self._listener)

    async def stop(self) -> None:
        assert self._listener is not None
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for relay in list(self._relays):
            relay.end("cut")
        with contextlib.suppress(PermissionError):
            self._path.unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            asked, _peer = listener.accept()
            asked.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._serve(asked))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, asked: socket.socket) -> None:
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                request = msgspec.json.decode(await _line(asked), type=Request)
            if request.connect is not None:
                await self._connect(asked, *request.connect)
            elif request.terminal is not None:
                await self._show(asked, *request.terminal)
            else:
                asked.close()
        except (OSError, TimeoutError, ValueError, msgspec.MsgspecError):
            asked.close()
        except asyncio.CancelledError:
            asked.close()
            raise

    async def _connect(self, asked: socket.socket, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        server = socket.socket()
        server.setblocking(False)
        try:
            if len(self._relays) >= CONNECTIONS_MAX:
                raise OSError("too many connections")
            if self._source is not None:
                server.bind((self._source, 0))
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await loop.sock_connect(server, (address, port))
        except (OSError, TimeoutError) as error:
            server.close()
            await _say(
                asked, {"error": os.strerror(error.errno) if error.errno else str(error) or "timed out"}
            )
            asked.close()
            return
        await _say(asked, {"open": True})
        relay = Relay(self, self._buffer)
        self._relays.add(relay)
        try:
            await relay.join(asked, server)
        except BaseException:
            refuse(server)
            raise

    def carry(self, relay: Relay, from_client: bool, data: bytes) -> bytes:
        """All of it."""
        del relay, from_client
        return data

    def ended(self, relay: Relay, how: How) -> None:
        """One place more."""
        del how
        self._relays.discard(relay)

    async def _show(self, asked: socket.socket, columns: int, rows: int) -> None:
        if len(self._terminals) >= TERMINALS_MAX:
            await _say(asked, {"error": "too many terminals"})
            asked.close()
            return
        await _say(asked, {"open": True})
        reader, writer = await asyncio.open_unix_connection(sock=asked)
        over = asyncio.Event()
        terminal = Terminal(writer.write, writer.transport.get_write_buffer_size, over.set)
        self._terminals.add(terminal)
        why = ""
        try:
            terminal.start(self._shell, {**ENVIRONMENT, "HOME": self._home}, self._home)
            frames = Frames()
            for kind, content in frames.feed(size(columns, rows)):
                terminal.hear(kind, content)
            why = await self._follow(terminal, frames, reader, over)
        finally:
            self._terminals.discard(terminal)
            try:
                await terminal.stop(why)
                with contextlib.suppress(OSError, TimeoutError):
                    await asyncio.wait_for(writer.drain(), DRAIN_LIMIT_S)
            finally:
                writer.close()

    async def _follow(
        self, terminal: Terminal, frames: Frames, reader: asyncio.StreamReader, over: asyncio.Event
    ) -> str:
        """Until the shell ends, who looks leaves, or nobody types for long; why."""
        loop = asyncio.get_running_loop()
        hearing = loop.create_task(self._hear(terminal, frames, reader))
        ending = loop.create_task(over.wait())
        try:
            await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
            return "ended" if ending.done() else await hearing
        finally:
            hearing.cancel()
            ending.cancel()

    async def _hear(self, terminal: Terminal, frames: Frames, reader: asyncio.StreamReader) -> str:
        while True:
            try:
                async with asyncio.timeout(self._idle_limit_s):
                    data = await reader.read(1 << 16)
            except TimeoutError:
                return "idle"
            if not data:
                return "left"
            for kind, content in frames.feed(data):
                terminal.hear(kind, content)


async def _line(asked: socket.socket) -> bytes:
    """The first line; read byte by byte, for what follows belongs to somebody else. Raises: ValueError: too long."""
    loop = asyncio.get_running_loop()
    line = b""
    while not line.endswith(b"\n"):
        byte = await loop.sock_recv(asked, 1)
        if not byte or len(line) > 200:
            raise ValueError("no request")
        line += byte
    return line


async def _say(asked: socket.socket, message: dict[str, Any]) -> None:
    await asyncio.get_running_loop().sock_sendall(asked, msgspec.json.encode(message) + b"\n")


def listener_at(path: Path) -> socket.socket:
    """A non-blocking socket with that name, in place of a former one. Raises: OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.setblocking(False)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    return listener


async def serve(path: Path, listener: socket.socket) -> None:
    """Run a workstation at a socket that is bound, whose terminals begin in `$HOME`, until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    workstation = Workstation(path, os.environ.get("HOME", "/"), listener=listener)
    await workstation.start()
    await stopped.wait()
    await workstation.stop()
