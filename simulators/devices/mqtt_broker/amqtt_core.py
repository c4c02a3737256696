"""amqtt's broker with its gaps closed.

amqtt 0.12 as it comes ends another client's session before it asks for a password, delivers retained messages
past the access list and other clients' subscriptions, keeps dead peers, and has no bound on packets, queues or
slow readers. Its codec, protocol flows and sessions are used as they are.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Any

from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import BrokerConfig
from amqtt.errors import AMQTTError
from amqtt.mqtt.connack import IDENTIFIER_REJECTED, NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.publish import PublishPacket
from amqtt.session import Session
from amqtt.utils import gen_client_id

from simulators.devices._mqtt.topics import is_topic, matches
from simulators.devices.mqtt_broker.rights import Rights, common_name
from simulators.devices.mqtt_broker.streams import BoundedWriter, PacketReader

CONNECT_LIMIT_S = 10.0
TAKE_OVER_LIMIT_S = 1.0
RETAINED_LIMIT = 2000
UNREAD_LIMIT_BYTES = 256 * 1024
INFLIGHT_LIMIT = 20
QUEUED_LIMIT = 100
_RIGHTS = "usine.rights"


class Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt is untyped
    """A client's protocol flow; silent longer than one and a half keep-alives, it is cut (MQTT 3.1.1, 3.1.2.10)."""

    def handle_read_timeout(self) -> None:
        self._cut()

    async def stop(self) -> None:
        """End the flow. First the end of the stream: `wait_for`, in Python 3.11, may lose amqtt's cancellation."""
        self._cut()
        await super().stop()

    def _cut(self) -> None:
        if isinstance(self.writer, BoundedWriter):
            self.writer.abort()


class Core(Broker):  # type: ignore[misc]  # amqtt is untyped
    """Sessions, subscriptions, retained messages and delivery. Sockets and rights come from outside."""

    def __init__(self, payload_limit_bytes: int) -> None:
        super().__init__(BrokerConfig(plugins={}))
        self.payload_limit_bytes = payload_limit_bytes
        self.received = self.sent = self.dropped = 0
        self._flows: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: PacketReader, writer: BoundedWriter, rights: Rights) -> None:
        """One client, from its CONNECT to its end."""
        handler, session = await self._admit(reader, writer, rights)
        reader.busy = lambda: session.delivered_message_queue.qsize() > QUEUED_LIMIT
        try:
            handler.attach(session, reader, writer)
            self._sessions[str(session.client_id)] = (session, handler)
            session.transitions.connect()
            await handler.mqtt_connack_authorize(True)
            await handler.start()
            await self._publish_session_retained_messages(session)
            await self._client_message_loop(session, handler)
        finally:
            await self._end(session, handler)

    async def _start_listeners(self) -> None:
        """None: sockets are made in the line's zones."""

    async def _admit(
        self, reader: PacketReader, writer: BoundedWriter, rights: Rights
    ) -> tuple[Handler, Session]:
        """Read CONNECT and decide before anything else is touched. Raises: AMQTTError: refused."""
        async with asyncio.timeout(CONNECT_LIMIT_S):
            handler, session = await Handler.init_from_connect(reader, writer, self.plugins_manager)
        if not isinstance(handler, Handler):
            raise AMQTTError("amqtt made another handler")
        user, known = session.username, False
        if rights.identity_as_user:
            tls = writer.get_ssl_info()
            user = session.username = common_name(tls.getpeercert() if tls else None)
            known = user is not None
        elif rights.admits(user, session.password):
            known = True
        if not known:
            await self._refuse(writer, NOT_AUTHORIZED)
        if not session.client_id and not (rights.empty_client_id and session.clean_session):
            await self._refuse(writer, IDENTIFIER_REJECTED)
        session.is_anonymous = user is None
        session.keep_alive = session.keep_alive * 3 // 2
        return handler, await self._resume(session, rights)

    async def _refuse(self, writer: BoundedWriter, code: int) -> None:
        await ConnackPacket.build(0, code).to_stream(writer)
        raise AMQTTError(f"CONNACK {code}")

    async def _resume(self, session: Session, rights: Rights) -> Session:
        """Take over from a client of the same name; its kept session, if both want one."""
        client_id = session.client_id = session.client_id or gen_client_id()
        if client_id in self._sessions:
            await self._take_over(*self._sessions[client_id])
        kept = self._sessions.get(client_id)
        session.parent = 0
        if kept is not None and not session.clean_session and not kept[0].clean_session:
            kept[0].will_flag, kept[0].will_topic = session.will_flag, session.will_topic
            kept[0].will_message, kept[0].will_qos = session.will_message, session.will_qos
            kept[0].will_retain, kept[0].keep_alive = session.will_retain, session.keep_alive
            kept[0].username, kept[0].is_anonymous = session.username, session.is_anonymous
            session = kept[0]
            session.parent = 1
        else:
            await self._delete_session(client_id)
        session.password = None
        session.attributes[_RIGHTS] = rights
        return session

    async def _take_over(self, session: Session, handler: BrokerProtocolHandler) -> None:
        if session.transitions.state != "connected":
            return
        if isinstance(handler.writer, BoundedWriter):
            handler.writer.abort()
        deadline = time.monotonic() + TAKE_OVER_LIMIT_S
        while session.transitions.state == "connected" and time.monotonic() < deadline:
            await asyncio.sleep(0.002)
        if session.transitions.state == "connected":
            session.transitions.disconnect()

    async def _end(self, session: Session, handler: Handler) -> None:
        """Leave nothing of a client that is gone, except a session that is to be kept."""
        with contextlib.suppress(AMQTTError):
            await handler.stop()
        current = self._sessions.get(str(session.client_id))
        if current is None or current[1] is not handler:
            return
        if session.transitions.state == "connected":
            session.transitions.disconnect()
        if session.clean_session:
            await self._delete_session(str(session.client_id))

    async def _handle_message_delivery(
        self,
        client_session: Session,
        handler: BrokerProtocolHandler,  # noqa: ARG002 -- amqtt's signature
        wait_deliver: asyncio.Future[Any],
    ) -> bool:
        """Pass a PUBLISH on. False: it is malformed, the connection ends (MQTT 3.1.1, 4.8)."""
        message = wait_deliver.result()
        if message is None:
            return True
        self.received += 1
        if not is_topic(message.topic or ""):
            return False
        if len(message.data) > self.payload_limit_bytes or message.topic.startswith("$"):
            self.dropped += 1
            return True
        await self._broadcast_message(client_session, message.topic, message.data, message.qos)
        if message.publish_packet and message.publish_packet.retain_flag:
            await self.retain_message(client_session, message.topic, message.data, message.qos)
        return True

    async def _broadcast_message(
        self,
        session: Session | None,
        topic: str | None,
        data: bytes | bytearray | None,
        force_qos: int | None = None,
    ) -> None:
        """Deliver to every client that subscribed to the topic and may read it, once each."""
        if topic is None or data is None or not self._may(session, "write", topic):
            return
        wanted: dict[str, tuple[Session, int]] = {}
        for topic_filter, subscriptions in self._subscriptions.items():
            if matches(topic_filter, topic):
                for target, qos in subscriptions:
                    best = max(qos, wanted.get(str(target.client_id), (target, 0))[1])
                    wanted[str(target.client_id)] = (target, best)
        for target, qos in wanted.values():
            if self._may(target, "read", topic):
                self._deliver(target, topic, bytes(data), min(qos, force_qos or 0), retain=False)

    def _deliver(self, target: Session, topic: str, data: bytes, qos: int, retain: bool) -> None:
        """Without waiting; dropped where the client does not keep up."""
        handler = self._get_handler(target)
        writer = handler.writer if handler else None
        if target.transitions.state != "connected" or not isinstance(writer, BoundedWriter):
            self._keep(target, topic, data, qos)
        elif writer.pending_bytes > UNREAD_LIMIT_BYTES or len(target.inflight_out) >= INFLIGHT_LIMIT:
            self.dropped += 1
        elif qos == 0:
            writer.write(PublishPacket.build(topic, data, None, False, 0, retain).to_bytes())
            self.sent += 1
        elif handler is not None:
            flow = asyncio.create_task(self._flow(handler, topic, data, qos, retain))
            self._flows.add(flow)
            flow.add_done_callback(self._flows.discard)

    async def _flow(
        self, handler: BrokerProtocolHandler, topic: str, data: bytes, qos: int, retain: bool
    ) -> None:
        """A delivery at QoS 1 or 2; the client may leave in the middle of it."""
        with contextlib.suppress(AMQTTError, TimeoutError, OSError, asyncio.CancelledError):
            await handler.mqtt_publish(topic, data, qos, retain)
            self.sent += 1

    def _keep(self, target: Session, topic: str, data: bytes, qos: int) -> None:
        """For a kept session whose client is away (MQTT 3.1.1, 3.1.2.4)."""
        if target.clean_session or qos == 0 or target.retained_messages.qsize() >= QUEUED_LIMIT:
            return
        target.retained_messages.put_nowait(RetainedApplicationMessage(None, topic, data, qos))

    async def _publish_session_retained_messages(self, session: Session) -> None:
        while not session.retained_messages.empty():
            kept = session.retained_messages.get_nowait()
            self._deliver(session, kept.topic, bytes(kept.data), kept.qos or 0, retain=False)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, qos = subscription
        for topic, kept in self._retained_messages.items():
            if matches(topic_filter, topic) and self._may(session, "read", topic):
                self._deliver(session, topic, bytes(kept.data), min(qos, kept.qos or 0), retain=True)

    async def retain_message(
        self,
        source_session: Session | None,
        topic_name: str | None,
        data: bytes | bytearray | None,
        qos: int | None = None,
    ) -> None:
        """Keep the topic's last message; an empty one clears it."""
        if topic_name is None or not self._may(source_session, "write", topic_name):
            return
        if data and (topic_name in self._retained_messages or len(self._retained_messages) < RETAINED_LIMIT):
            self._retained_messages[topic_name] = RetainedApplicationMessage(
                source_session, topic_name, data, qos
            )
        elif not data:
            self._retained_messages.pop(topic_name, None)

    async def _topic_filtering(self, session: Session, topic: str, action: Any) -> bool:  # noqa: ARG002 -- amqtt's signature
        """Every subscription is granted, as Mosquitto does; what may be read is decided at delivery."""
        return True

    def _may(self, session: Session | None, access: str, topic: str) -> bool:
        rights = session.attributes.get(_RIGHTS) if session is not None else None
        if session is None or not isinstance(rights, Rights):
            return True
        allowed = rights.may_write if access == "write" else rights.may_read
        return allowed(topic, session.username, str(session.client_id))

    def clients(self) -> Iterable[str]:
        """Those connected now."""
        return [
            name for name, (session, _) in self._sessions.items() if session.transitions.state == "connected"
        ]

    async def shutdown(self) -> None:
        """Stop; amqtt's own tasks end with it."""
        for flow in list(self._flows):
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)
        await super().shutdown()
