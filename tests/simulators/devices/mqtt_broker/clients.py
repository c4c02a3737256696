"""Clients of a broker under test: what they hear, and what CONNACK says."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

from simulators.contracts import Context
from simulators.devices._mqtt.session import MqttSession
from tests.waiting import HANG_S, eventually


class Client:
    """A connected session that keeps what it hears."""

    def __init__(self, session: MqttSession, heard: list[tuple[str, bytes]]) -> None:
        self.session = session
        self.heard = heard

    def topics(self) -> list[str]:
        return [topic for topic, _ in self.heard]


@contextlib.asynccontextmanager
async def client(
    context: Context,
    name: str,
    *subscriptions: str,
    user: str | None = None,
    password: str | None = None,
    port: int = 1883,
    **more: Any,
) -> AsyncIterator[Client]:
    """A client of the broker of `context`, connected, its subscriptions granted."""
    heard: list[tuple[str, bytes]] = []
    session = MqttSession(
        lambda: connect(context, port),
        name,
        user,
        password,
        on_message=lambda topic, data: heard.append((topic, data)),
        **more,
    )
    granted: list[object] = []
    session._client.on_subscribe = lambda *answer: granted.append(answer)
    for topic_filter in subscriptions:
        session.subscribe(topic_filter, 1)
    await session.start()
    try:
        await eventually(lambda: session.connected and len(granted) == len(subscriptions))
        yield Client(session, heard)
    finally:
        await session.stop()


async def connect(context: Context, port: int = 1883) -> socket.socket:
    spec = context.spec
    return await context.network.connect(spec.zone, spec.address, spec.address, port)


async def connack(
    context: Context,
    user: str | None = None,
    password: str | None = None,
    client_id: str = "raw",
    port: int = 1883,
    tls: ssl.SSLContext | None = None,
) -> int | None:
    """The code of CONNACK (MQTT 3.1.1, 3.2.2.3), None when the broker closed without one."""
    reader, writer = await asyncio.open_connection(
        sock=await connect(context, port), ssl=tls, server_hostname="127.0.0.1" if tls else None
    )
    try:
        writer.write(connect_packet(client_id, user, password))
        async with asyncio.timeout(HANG_S):
            answer = await reader.readexactly(4)
    except (asyncio.IncompleteReadError, OSError):
        return None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    assert answer[:2] == b"\x20\x02"
    return answer[3]


def connect_packet(client_id: str, user: str | None = None, password: str | None = None) -> bytes:
    flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x3c"
    for text in (client_id, user, password):
        if text is not None:
            body += struct.pack("!H", len(text.encode())) + text.encode()
    return b"\x10" + bytes([len(body)]) + body
