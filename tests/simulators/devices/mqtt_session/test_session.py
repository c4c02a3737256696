"""The MQTT client that devices share: it comes back by itself and never blocks."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from simulators.devices._mqtt import session as sessions
from simulators.devices._mqtt.session import MqttSession
from simulators.errors import NotFoundError
from tests.fakes import Log
from tests.simulators.devices.mqtt_broker.pki import authority
from tests.waiting import eventually, last_served

CONNACK = b"\x20\x02\x00\x00"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server on loopback that answers each connection as the test says."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Peer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.address: tuple[str, int] = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        await last_served(self._server)
        self._server.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def connect(self) -> socket.socket:
        client = socket.socket()
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, self.address)
        return client

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        await self._answer(reader, writer)
        writer.close()


async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(CONNACK)


async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_it_backs_off_from_a_broker_that_cuts_it_again_and_again() -> None:
    async with Peer(cut) as peer:
        session = MqttSession(peer.connect, "me")
        await session.start()
        await asyncio.sleep(0.9)  # attempts at about 0, 0.1, 0.3 and 0.7 s
        await session.stop()
        assert 2 <= peer.connections <= 5


async def test_what_the_connection_raises_is_kept_and_tried_again() -> None:
    attempts: list[int] = []

    async def refuse() -> socket.socket:
        attempts.append(1)
        raise OSError("no route") if len(attempts) % 2 else NotFoundError("inconnu", "unknown")

    log = Log()
    session = MqttSession(refuse, "me", log=log)
    await session.start()
    await session.settled(2)
    assert session.last_error == "no route"
    assert not session.publish("t", b"lost")
    await eventually(lambda: len(attempts) == 3)
    await session.stop()
    assert [row["reason"] for row in log.events("mqtt_not_connected")][:1] == ["no route"]


async def test_bytes_that_are_no_mqtt_end_the_connection_and_nothing_else() -> None:
    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            CONNACK + b"\x30\x05\x00\xff\x00\x00\x00" + b"\x90\x01\x00" + b"\xf0\xff\xff\xff\xff\xff"
        )
        await writer.drain()

    async with Peer(nonsense) as peer:
        session = MqttSession(peer.connect, "me", on_message=lambda _topic, _data: None)
        await session.start()
        await eventually(lambda: peer.connections >= 2)
        await session.stop()


async def test_a_message_that_its_reader_refuses_is_logged() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONNACK + b"\x30\x04\x00\x01tx" + b"\x30\x04\x00\x01ty")
        await reader.read()

    heard: list[bytes] = []

    def read(_topic: str, data: bytes) -> None:
        heard.append(data)
        raise ValueError("what is that?")

    log = Log()
    async with Peer(say) as peer:
        session = MqttSession(peer.connect, "me", on_message=read, log=log)
        await session.start()
        await eventually(lambda: heard == [b"x", b"y"])
        assert session.connected
        await session.stop()
    assert log.events("mqtt_message_refused")[0]["reason"] == "what is that?"


async def test_messages_that_share_a_tls_record_are_all_heard(tmp_path: Path) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONNACK + b"\x30\x04\x00\x01tx" * 50)
        await reader.read()

    own = authority("broker")
    (tmp_path / "own.pem").write_text(own.cert_pem + own.key_pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "own.pem")
    heard: list[str] = []
    async with Peer(say, tls) as peer:
        session = MqttSession(peer.connect, "me", tls=_tls(), on_message=lambda topic, _: heard.append(topic))
        await session.start()
        await eventually(lambda: len(heard) == 50)
        await session.stop()


async def test_a_broker_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "CONNECT_LIMIT_S", 0.1)
    async with Peer(mute) as peer:
        both = [MqttSession(peer.connect, "a"), MqttSession(peer.connect, "b", tls=_tls())]
        for session in both:
            await session.start()
        await eventually(lambda: peer.connections >= 4)
        for session in both:
            await session.stop()


async def test_it_stops_in_the_middle_of_a_handshake() -> None:
    async with Peer(mute) as peer:
        session = MqttSession(peer.connect, "me", tls=_tls())
        await session.start()
        await eventually(lambda: peer.connections == 1)
        async with asyncio.timeout(2):
            await session.stop()
            await session.stop()


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def test_many_messages_are_taken_in_one_turn_and_answers_leave_no_backlog() -> None:
    """At high speeds a loop has fewer turns than messages come; an answer from within is sent, and counted as sent."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONNACK + b"\x30\x04\x00\x01tx" * 40)
        while await reader.read(4096):
            pass

    heard: list[str] = []
    turns: list[int] = []

    def answer(topic: str, _data: bytes) -> None:
        heard.append(topic)
        session.publish("answer", b"a" * 100)

    async with Peer(say) as peer:
        session = MqttSession(peer.connect, "me", on_message=answer)
        readable = session._readable
        session._readable = lambda: (turns.append(1), readable())[1]  # type: ignore[method-assign, func-returns-value]
        await session.start()
        await eventually(lambda: len(heard) == 40)
        await eventually(lambda: session.backlog_bytes == 0)
        assert len(turns) < 10
        await session.stop()
