"""The control channel: authenticated requests and the stream of snapshots, over a Unix socket."""

import asyncio
import hmac
import socket
import time
from typing import Any

import msgspec

from simulators.control import REQUEST_LIMIT_BYTES
from simulators.errors import UsineError
from simulators.host.host import Host
from simulators.host.refusal import refusal
from simulators.host.verbs import call
from simulators.validation import decoded

SNAPSHOT_PERIOD_S = 1.0
TOKEN_LIMIT_S = 5.0
# A reader that is this far behind is dropped rather than waited for.
BACKLOG_LIMIT_BYTES = 8 << 20


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int
    verb: str
    arguments: dict[str, Any] = {}


class Channel:
    """Serves one host to the orchestrator. The first line of a connection must be its token."""

    def __init__(self, host: Host, listener: socket.socket, token: str) -> None:
        self._host = host
        self._listener = listener
        self._token = token
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(
            self._serve, sock=self._listener, limit=REQUEST_LIMIT_BYTES
        )
        self._ticker = asyncio.create_task(self._tick(), name="snapshots")

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._ticker is not None:
            self._ticker.cancel()
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            async with asyncio.timeout(TOKEN_LIMIT_S):
                first = await reader.readline()
            if hmac.compare_digest(first.strip(), self._token.encode()):
                while line := await reader.readline():
                    await self._answer(line, writer)
                    await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass
        finally:
            self._writers.discard(writer)
            self._subscribers.discard(writer)
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        request_id = 0
        try:
            request = decoded(line, Request, "requête", "request")
            request_id = request.id
            answer: dict[str, Any] = {"id": request_id, "result": await self._perform(request, writer)}
        except Exception as error:
            answer = {"id": request_id, "error": refusal(error)}
            if not isinstance(error, UsineError):
                self._host.journal.bind("host")("request_failed", error=repr(error))
        writer.write(msgspec.json.encode(answer) + b"\n")

    async def _perform(self, request: Request, writer: asyncio.StreamWriter) -> Any:
        if request.verb == "subscribe":
            self._subscribers.add(writer)
            return True
        if request.verb == "stop":
            self.stopped.set()
            return True
        return await call(self._host, request.verb, request.arguments)

    async def _tick(self) -> None:
        due = time.monotonic()
        while True:
            due += SNAPSHOT_PERIOD_S
            await asyncio.sleep(max(due - time.monotonic(), 0.1))
            if self._subscribers:
                self._send(msgspec.json.encode({"snapshot": await self._host.report.snapshot()}) + b"\n")

    def _send(self, message: bytes) -> None:
        for writer in list(self._subscribers):
            if writer.transport.get_write_buffer_size() > BACKLOG_LIMIT_BYTES:
                writer.transport.abort()
                self._subscribers.discard(writer)
            else:
                writer.write(message)
