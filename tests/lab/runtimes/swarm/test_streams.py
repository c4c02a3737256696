"""Who knows the secret is heard, nobody else; bytes pass both ways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.runtimes.swarm.relay import relay
from lab.runtimes.swarm.streams import LINE_BYTES, Stream, ask, heard, join, keep_alive
from simulators.errors import StartError

SECRET = "a secret of the nodes"
Served = Callable[[Stream, dict[str, Any] | None], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Served) -> AsyncIterator[int]:
    """A node's side of streams on a port of this machine."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = Stream(reader, writer)
        keep_alive(writer)
        await serve(stream, await heard(stream, SECRET))

    server = await asyncio.start_server(one, "127.0.0.1", 0, limit=LINE_BYTES)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def dialled(port: int) -> Stream:
    return Stream(*await asyncio.open_connection("127.0.0.1", port, limit=LINE_BYTES))


async def test_an_order_is_heard_and_answered() -> None:
    async def serve(stream: Stream, order: dict[str, Any] | None) -> None:
        stream.send({"did": order})
        stream.close()

    async with listening(serve) as port:
        stream = await ask(await dialled(port), SECRET, {"do": "free"})
        assert await stream.line() == {"did": {"do": "free"}}
        assert await stream.line() is None
        stream.close()


async def test_who_does_not_know_the_secret_is_not_heard() -> None:
    orders: list[dict[str, Any] | None] = []

    async def serve(_stream: Stream, order: dict[str, Any] | None) -> None:
        orders.append(order)

    async with listening(serve) as port:
        stream = await ask(await dialled(port), "another", {"do": "free"})
        assert await stream.reader.read() == b""
        stream.close()
        garbage = await dialled(port)
        garbage.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await garbage.reader.read()
        garbage.close()
    assert orders == [None, None]


async def test_the_secret_is_never_on_the_wire() -> None:
    seen = bytearray()

    async def spy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(msgspec.json.encode({"nonce": "0" * 32}) + b"\n")
        seen.extend(await reader.readline())
        writer.close()

    server = await asyncio.start_server(spy, "127.0.0.1", 0)
    async with server:
        stream = await ask(await dialled(server.sockets[0].getsockname()[1]), SECRET, {"do": "free"})
        await stream.reader.read()
        stream.close()
    assert b"proof" in seen
    assert SECRET.encode() not in seen


async def test_what_is_no_node_is_an_error_that_says_so() -> None:
    async def closing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    async with server:
        with pytest.raises(StartError, match=r"does not answer|ne répond pas"):
            await ask(await dialled(server.sockets[0].getsockname()[1]), SECRET, {"do": "free"})


async def test_the_relay_leads_where_it_is_told_and_nowhere_without(tmp_path: Path) -> None:
    async def echo(stream: Stream, order: dict[str, Any] | None) -> None:
        assert order is not None
        await join(stream, stream)

    server = await asyncio.start_unix_server(relay, str(tmp_path / "relay.sock"), limit=LINE_BYTES)
    async with server, listening(echo) as port:

        async def led(to: Any) -> Stream:
            stream = Stream(
                *await asyncio.open_unix_connection(str(tmp_path / "relay.sock"), limit=LINE_BYTES)
            )
            stream.writer.write(msgspec.json.encode({"to": to}) + b"\n")
            return stream

        stream = await ask(await led(["127.0.0.1", port]), SECRET, {"do": "echo"})
        stream.writer.write(b"bytes\x00\xff")
        assert await stream.reader.readexactly(7) == b"bytes\x00\xff"
        stream.close()
        for wrong in (["127.0.0.1", 1], ["127.0.0.1"], None, {"a": 1}):
            nowhere = await led(wrong)
            assert await nowhere.reader.read() == b""
            nowhere.close()
