"""Where a probe stands in a test: before a device on loopback, or inside a lab that is none."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lab.labs import Connection, Labs
from simulators.model import Line
from simulators.text import Text
from tests.fakes import FakeNetwork
from tests.waiting import last_served, rounds


@dataclass
class Place:
    """Keeps `lab.probes.contract.Where` over a fake network; 127.x are the addresses of clients."""

    line: Line
    zone: str
    network: FakeNetwork

    def address(self, device: str, port: int | None = None) -> tuple[str, int]:
        spec = self.line.device(device)
        wanted = port if port is not None else spec.port
        assert wanted is not None
        return self.network.place(self.zone, spec.address, wanted)

    def check(self, host: str) -> str:
        assert host.startswith("127.")
        return host

    def claim(self, source: str) -> str:
        return source or "127.0.0.1"


@contextlib.asynccontextmanager
async def answering(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    listener: socket.socket,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """A server whose connections all end with the block; what goes wrong with one is nobody else's."""
    opened: list[asyncio.StreamWriter] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    server = await asyncio.start_server(keep, sock=listener, ssl=context)
    try:
        yield
    finally:
        await last_served(server)
        server.close()
        for writer in opened:
            writer.transport.abort()
        await rounds()


class FakeConnection:
    """A lab's control channel that answers what `answers` says, by verb."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def request(self, verb: str, **arguments: Any) -> Any:
        self.asked.append((verb, arguments))
        return self.answers[verb](**arguments)

    def stream(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.asked.append(("close", {}))

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@dataclass
class Within:
    """Keeps `lab.probes.contract.Inside`."""

    line: Line
    lab: Connection
    labs: Labs = None  # type: ignore[assignment]
    lab_name: str = "one"
    rules: str = ""
    runtime: str = "local"
    parameters: dict[str, Any] = field(default_factory=dict)
    seed: int = 1
    said: list[Text] = field(default_factory=list)

    def doing(self, text: Text) -> None:
        self.said.append(text)
