"""One MQTT 3.1.1 client on the lab's own event loop: it connects by itself, again and again, and never blocks."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import UsineError

BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 2.0
CONNECT_LIMIT_S = 5.0
BACKLOG_LIMIT_BYTES = 128 * 1024
QUEUED_MESSAGES_LIMIT = 100
# Messages taken in one turn of the loop: at high speeds far more come than the loop has turns.
MESSAGES_AT_ONCE = 64

Connect = Callable[[], Awaitable[socket.socket]]
OnMessage = Callable[[str, bytes], None]


@dataclass(frozen=True)
class Will:
    """What the broker says for this client when the connection is lost (MQTT 3.1.1, 3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class _Client(Client):
    """paho's client over a socket that was connected elsewhere: in a zone, and already through TLS."""

    ready_socket: socket.socket

    def _create_socket(self) -> Any:
        return self.ready_socket


class MqttSession:
    """A connection that is kept: back-off from 0.1 to 2 s, subscriptions renewed, callbacks on the loop.

    `connect` opens a TCP socket to the broker. `on_message` gets topic and payload; `on_state` is called with
    True when the broker accepted the connection and False when it was lost.
    """

    def __init__(
        self,
        connect: Connect,
        client_id: str,
        username: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        on_message: OnMessage | None = None,
        *,
        server_hostname: str | None = None,
        will: Will | None = None,
        keepalive_s: int = 15,
        on_state: Callable[[bool], None] | None = None,
        log: Callable[..., None] = lambda _event, **_fields: None,
    ) -> None:
        self._connect = connect
        self._tls = tls
        self._server_hostname = server_hostname
        self._on_message = on_message
        self._on_state = on_state
        self._log = log
        self._keepalive_s = keepalive_s
        self._filters: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._lost: asyncio.Event | None = None
        self._settled = asyncio.Event()
        self._accepted = False
        self._backlog_bytes = 0
        self._watching_writes = False
        self._taken = 0
        self.last_error = ""
        self.connections = 0
        self._client = _paho(client_id, username, password, will, keepalive_s)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._received
        self._client.on_socket_close = self._closing

    @property
    def connected(self) -> bool:
        """The broker accepted the connection and has not been lost since."""
        return self._accepted

    @property
    def backlog_bytes(self) -> int:
        """About how much waits for the socket to take it."""
        return self._backlog_bytes

    async def start(self) -> None:
        """Begin to connect; returns at once, whether the broker is there or not."""
        if self._task is None:
            self._lost = asyncio.Event()
            self._task = asyncio.create_task(self._keep_connected(self._lost))

    async def settled(self, within_s: float) -> None:
        """Return once the first attempt has succeeded or failed, or after that time."""
        await _wait(self._settled, within_s)

    async def stop(self) -> None:
        """Say goodbye (no will) and close; harmless twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._client.socket() is not None:
            self._client.disconnect()
            self._flush()
        self._drop()

    def abort(self) -> None:
        """Cut the connection without a goodbye: the broker publishes the will."""
        self._drop()

    def subscribe(self, topic_filter: str, qos: int = 0) -> None:
        """Ask for `topic_filter` now and after every reconnection."""
        self._filters[topic_filter] = qos
        if self._accepted:
            self._client.subscribe(topic_filter, qos)
            self._flush()

    def publish(self, topic: str, payload: bytes | str, qos: int = 0, retain: bool = False) -> bool:
        """Hand a message over without waiting; False when it was dropped.

        Dropped: at QoS 0 while not connected or while 128 KiB wait for the socket; at QoS 1 and 2 beyond 100
        messages without an acknowledgement (they are kept over a reconnection).
        """
        if qos == 0 and (not self._accepted or self._backlog_bytes > BACKLOG_LIMIT_BYTES):
            return False
        info = self._client.publish(topic, payload, qos, retain)
        if self._client.want_write():
            self._backlog_bytes += len(payload)
            self._flush()
        return info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN)

    async def _keep_connected(self, lost: asyncio.Event) -> None:
        delay_s = BACKOFF_MIN_S
        while True:
            try:
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    self._client.ready_socket = await self._open()
            except (OSError, TimeoutError, UsineError) as error:
                self._fail(error)
            else:
                lost.clear()
                adopted_s = asyncio.get_running_loop().time()
                self._adopt()
                await self._until_lost(lost)
                # Two clients of one name put each other out: only a connection that held starts afresh.
                if asyncio.get_running_loop().time() - adopted_s > BACKOFF_MAX_S:
                    delay_s = BACKOFF_MIN_S
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, BACKOFF_MAX_S)

    async def _open(self) -> socket.socket:
        plain = await self._connect()
        if self._tls is None:
            return plain
        try:
            wrapped = self._tls.wrap_socket(
                plain, server_hostname=self._server_hostname, do_handshake_on_connect=False
            )
        except BaseException:
            plain.close()
            raise
        try:
            await _handshake(wrapped)
        except BaseException:
            wrapped.close()
            raise
        return wrapped

    def _adopt(self) -> None:
        """Send CONNECT on the new socket and watch it."""
        self._backlog_bytes = 0
        self._client.reconnect()
        opened = self._client.socket()
        if opened is not None:
            asyncio.get_running_loop().add_reader(opened, self._readable)
            self._flush()

    async def _until_lost(self, lost: asyncio.Event) -> None:
        """Keep the connection alive until it is lost; an unanswered CONNECT is cut."""
        await _wait(lost, CONNECT_LIMIT_S)
        if not self._accepted:
            self._drop()
            return
        while not lost.is_set():
            await _wait(lost, self._keepalive_s / 2)
            self._client.loop_misc()
            self._flush()

    def _readable(self) -> None:
        try:
            # paho takes one packet a call.
            for _ in range(MESSAGES_AT_ONCE):
                taken = self._taken
                self._client.loop_read()
                if self._taken == taken:
                    break
            # What TLS has already decrypted does not make the socket readable again.
            while isinstance(opened := self._client.socket(), ssl.SSLSocket) and opened.pending():
                self._client.loop_read()
        except Exception as error:  # the bytes of a peer that does not speak MQTT
            self._fail(error)
            self._drop()
        self._flush()

    def _flush(self) -> None:
        """Write what the socket takes; ask to be called again for the rest."""
        if self._client.want_write():
            self._client.loop_write()
        if not self._client.want_write():
            self._backlog_bytes = 0
        opened = self._client.socket()
        if opened is None or self._client.want_write() == self._watching_writes:
            return
        loop = asyncio.get_running_loop()
        self._watching_writes = not self._watching_writes
        if self._watching_writes:
            loop.add_writer(opened, self._flush)
        else:
            loop.remove_writer(opened)

    def _drop(self) -> None:
        """Close the socket, if any, and forget the connection."""
        opened = self._client.socket()
        if isinstance(opened, socket.socket):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            self._client.loop_read()
            # paho closes its socket once it reads the end; a TLS socket may ask for one more turn.
            self._client.loop_read()
        self._forget()

    def _forget(self) -> None:
        was_accepted, self._accepted = self._accepted, False
        self._backlog_bytes = 0
        if self._lost is not None:
            self._lost.set()
        if was_accepted and self._on_state is not None:
            self._on_state(False)

    def _fail(self, reason: object) -> None:
        self._settled.set()
        text = str(reason) or type(reason).__name__
        if text != self.last_error:
            self._log("mqtt_not_connected", reason=text)
        self.last_error = text

    def _connected(
        self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _more: Properties | None
    ) -> None:
        if code.is_failure:
            self._fail(code)
            return
        self._accepted = True
        self._settled.set()
        self.connections += 1
        self.last_error = ""
        for topic_filter, qos in self._filters.items():
            self._client.subscribe(topic_filter, qos)
        self._log("mqtt_connected")
        if self._on_state is not None:
            self._on_state(True)

    def _disconnected(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        if self._accepted and self._task is not None:
            self._fail(code)
        self._forget()

    def _received(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._taken += 1
        if self._on_message is None:
            return
        try:
            self._on_message(message.topic, bytes(message.payload))
        except Exception as error:
            self._log("mqtt_message_refused", topic=message.topic[:100], reason=str(error))

    def _closing(self, _client: Client, _data: object, closing: Any) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(closing)
        loop.remove_writer(closing)
        self._watching_writes = False


def _paho(
    client_id: str, username: str | None, password: str | None, will: Will | None, keepalive_s: int
) -> _Client:
    client = _Client(CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
    if username is not None:
        client.username_pw_set(username, password)
    if will is not None:
        client.will_set(will.topic, bytes(will.payload), will.qos, will.retain)
    client.max_queued_messages_set(QUEUED_MESSAGES_LIMIT)
    # The name is never resolved: the socket comes connected.
    client.connect_async("broker", keepalive=keepalive_s)
    return client


async def _wait(event: asyncio.Event, limit_s: float) -> None:
    # Not wait_for: in Python 3.11 it loses a cancellation that meets the event.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()


async def _handshake(wrapped: ssl.SSLSocket) -> None:
    while True:
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(wrapped, to_read=True)
        except ssl.SSLWantWriteError:
            await _ready(wrapped, to_read=False)
        else:
            return


async def _ready(waited: socket.socket, to_read: bool) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    (loop.add_reader if to_read else loop.add_writer)(waited, resolve)
    try:
        await future
    finally:
        (loop.remove_reader if to_read else loop.remove_writer)(waited)
