"""An MQTT client: takes the sensors' telemetry from a broker."""

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from socket import socket

import msgspec

from simulators.clock import Clock
from simulators.devices._mqtt.session import MqttSession
from simulators.devices.scada.board import Board
from simulators.devices.scada.scaling import Raw
from simulators.devices.scada.source import CUT, Link, refused
from simulators.model import Tag
from simulators.plc.image import Value
from simulators.text import Text

_WATCH_S = 0.5
_NO_COMMANDS = Text(fr="un capteur ne reçoit pas d'ordre", en="a sensor takes no command")


class _Telemetry(msgspec.Struct):
    """What SCADA heeds of a sensor's message; other fields may stand beside."""

    value: bool | int | float | None
    quality: str = "good"


class MqttSource:
    """One broker, and the sensors behind it: a tag's address is its topic."""

    def __init__(
        self,
        link: Link,
        tags: Sequence[Tag],
        connect: Callable[[], Awaitable[socket]],
        board: Board,
        clock: Clock,
        *,
        client_id: str,
        user: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        server_name: str | None,
    ) -> None:
        self.link = link
        self.tags = tags
        self._board = board
        self._clock = clock
        self._by_topic = {tag.address: tag for tag in tags}
        self._decoder = msgspec.json.Decoder(_Telemetry)
        self._access = (connect, client_id, user, password, tls)
        self._server_name = server_name

    async def serve(self) -> None:
        session = MqttSession(
            *self._access, self._heard, server_hostname=self._server_name, on_state=self._changed
        )
        for topic in self._by_topic:
            session.subscribe(topic)
        await session.start()
        try:
            while True:
                await asyncio.sleep(_WATCH_S)
                if not session.connected and session.last_error:
                    self.link.down(Text(fr=session.last_error, en=session.last_error))
        finally:
            await session.stop()

    async def write(self, tag: Tag, value: Raw) -> None:  # noqa: ARG002 -- no sensor takes any
        raise refused(tag, tag.device, _NO_COMMANDS)

    def _changed(self, connected: bool) -> None:
        if connected:
            self.link.up()
        else:
            self.link.down(CUT)

    def _heard(self, topic: str, payload: bytes) -> None:
        tag = self._by_topic.get(topic)
        if tag is None:
            return
        unix_s, wall_s = self._clock.unix_s(self._clock.now_s()), time.monotonic()
        value = self._value(payload)
        if value is None:
            self._board.refuse(tag.id, unix_s, wall_s)
        else:
            self._board.put(tag.id, value, unix_s, wall_s)

    def _value(self, payload: bytes) -> Value | None:
        """None for what is no telemetry, or says itself that it is not good."""
        try:
            message = self._decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        good = message.quality == "good" and message.value is not None and math.isfinite(message.value)
        return message.value if good else None
