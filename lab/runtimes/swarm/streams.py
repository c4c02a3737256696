"""One order to a node and the bytes that belong to it: a connection each, opened by a proof that both know the secret.

The node sends `{"nonce"}`, the head answers `{"proof", "order"}`; what follows is the order's own. The secret is never sent.
"""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import socket
from typing import Any, NamedTuple

import msgspec

from simulators.errors import StartError

READ_BYTES = 1 << 16
LINE_BYTES = 4 << 20
GREETING_LIMIT_S = 10.0


class Stream(NamedTuple):
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def close(self) -> None:
        self.writer.close()

    async def line(self) -> dict[str, Any] | None:
        """The next JSON line, None at the end. Raises: OSError, msgspec.MsgspecError."""
        try:
            text = await self.reader.readline()
        except ValueError as error:
            raise ConnectionError("a line too long") from error
        return msgspec.json.decode(text, type=dict[str, Any]) if text else None

    def send(self, message: dict[str, Any]) -> None:
        self.writer.write(msgspec.json.encode(message) + b"\n")


async def ask(stream: Stream, secret: str, order: dict[str, Any]) -> Stream:
    """Head: prove the secret and give the order. Raises: StartError: the other end is no node of ours."""
    try:
        async with asyncio.timeout(GREETING_LIMIT_S):
            greeting = await stream.line()
            if greeting is None:
                raise ConnectionError("closed")
            stream.send({"proof": _proof(secret, str(greeting["nonce"])), "order": order})
            await stream.writer.drain()
    except (OSError, TimeoutError, KeyError, msgspec.MsgspecError) as error:
        stream.close()
        raise StartError(
            f"la machine de l'essaim ne répond pas ({error})",
            f"the swarm's machine does not answer ({error})",
        ) from error
    return stream


async def heard(stream: Stream, secret: str) -> dict[str, Any] | None:
    """Node: the order of who knows the secret, None of anybody else."""
    nonce = secrets.token_hex(16)
    with contextlib.suppress(OSError, TimeoutError, KeyError, msgspec.MsgspecError):
        async with asyncio.timeout(GREETING_LIMIT_S):
            stream.send({"nonce": nonce})
            answer = await stream.line()
        if answer and hmac.compare_digest(str(answer["proof"]), _proof(secret, nonce)):
            return dict(answer["order"])
    stream.close()
    return None


async def join(one: Stream, other: Stream) -> None:
    """Pass bytes both ways until either side ends; both are closed then."""
    ways = [
        asyncio.ensure_future(_pass_on(one.reader, other.writer)),
        asyncio.ensure_future(_pass_on(other.reader, one.writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        one.close()
        other.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """A peer that is not there any more breaks the connection within some ten seconds (tcp(7))."""
    connected = writer.get_extra_info("socket")
    options = ((socket.TCP_KEEPIDLE, 4), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3))
    for option, value in (*options, (socket.TCP_USER_TIMEOUT, 10_000)):
        connected.setsockopt(socket.IPPROTO_TCP, option, value)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _proof(secret: str, nonce: str) -> str:
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()
