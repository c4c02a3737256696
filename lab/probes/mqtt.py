"""MQTT, in packets of our own: what a broker says at the door, and what it really delivers."""

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.stream import FAILURES, REFUSED, Port, Stream, Tls, Trouble, WaitS, connected
from lab.probes.stream import version as tls_version
from simulators.text import Text

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PACKET_MAX = 1 << 20
KEEPALIVE_S = 30
# CONNACK of MQTT 3.1.1 (3.2.2.3) and the reason codes of MQTT 5 (2.4) that say the same.
NOT_YOU = {4, 5, 0x86, 0x87, 0x8C}
NOT_THIS_VERSION = {1, 0x84}
CANARY = b"usine-ecole canary "

Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who connects; anonymous without `user`. `port` is the device's own unless named."""

    user: str | None = None
    password: str | None = None
    client_id: str | None = None
    port: Port | None = None
    tls: Tls | None = None
    version: Literal[4, 5] = 4


class Connect(Client, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session: CONNECT and its CONNACK."""

    device: str
    wait_s: WaitS = 3.0


class Publish(Connect, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message at QoS 1. Where MQTT 3.1.1 is spoken a broker may acknowledge what it throws away: see `mqtt.canary`."""

    topic: Topic
    payload: str = "{}"
    retain: bool = False


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A marked message from `publisher` to `subscriber`: delivered or not, whatever SUBACK and PUBACK say."""

    device: str
    topic: Topic
    filter: str | None = None
    publisher: Client = Client()
    subscriber: Client = Client()
    wait_s: WaitS = 2.0


class Retained(Connect, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether the broker hands a retained message of the topic to who subscribes."""

    topic: Topic


class Refusal(Exception):  # noqa: N818 -- an outcome, not a fault of ours
    """The broker said no, with a code."""

    def __init__(self, packet: str, code: int) -> None:
        super().__init__(packet, code)
        self.packet, self.code = packet, code


class Session:
    """One connection past its CONNACK; keeps what was said, to be shown."""

    def __init__(self, stream: Stream, version: int, exchanges: list[Exchange]) -> None:
        self._stream, self._version, self._exchanges = stream, version, exchanges

    async def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Raises: Trouble; Refusal: PUBACK of MQTT 5 says so."""
        body = _text(topic) + (b"\x00\x01" if qos else b"") + self._properties() + payload
        self._stream.send(_packet(PUBLISH << 4 | qos << 1 | int(retain), body))
        if qos:
            answer = await self._until(PUBACK)
            code = answer[2] if len(answer) > 2 else 0
            self._said(f"PUBLISH {topic}", f"PUBACK {code:#04x}")
            if code >= 0x80:
                raise Refusal("PUBACK", code)

    async def subscribe(self, topic_filter: str) -> None:
        """Returns when the broker has answered: a SUBACK that grants promises nothing. Raises: Trouble."""
        body = b"\x00\x02" + self._properties() + _text(topic_filter) + b"\x00"
        self._stream.send(_packet(SUBSCRIBE << 4 | 2, body))
        answer = await self._until(SUBACK)
        self._said(f"SUBSCRIBE {topic_filter}", f"SUBACK {answer[-1]:#04x}")

    async def hear(self, wait_s: float) -> tuple[str, bytes, bool]:
        """The next message: topic, payload, retained. Raises: Trouble: silent for the wait, or closed."""
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0:
            kind, flags, body = await _receive(self._stream, left_s)
            if kind != PUBLISH:
                continue
            size = int.from_bytes(body[:2], "big")
            at = 2 + size + (2 if flags & 0x06 else 0)
            if self._version == 5 and len(body) > at:
                at += 1 + body[at]  # properties of less than 128 bytes: ours, and what brokers add
            return body[2 : 2 + size].decode("utf-8", "replace"), body[at:], bool(flags & 1)
        raise Trouble("silent", f"no message within {wait_s:g} s")

    async def _until(self, wanted: int) -> bytes:
        for _ in range(1000):
            kind, _flags, body = await _receive(self._stream, self._stream.wait_s)
            if kind == wanted and body:
                return body
        raise Trouble("silent", "other packets only")

    def _properties(self) -> bytes:
        return b"\x00" if self._version == 5 else b""

    def _said(self, request: str, answer: str) -> None:
        self._exchanges.append(Exchange(request, answer))


@contextlib.asynccontextmanager
async def session(
    where: Where, device: str, client: Client, wait_s: float, exchanges: list[Exchange]
) -> AsyncIterator[Session]:
    """A session that the broker accepted. Raises: Trouble; Refusal."""
    request = f"CONNECT {client.user or 'anonymous'}"
    async with contextlib.AsyncExitStack() as stack:
        try:
            stream = await stack.enter_async_context(
                connected(where, device, client.port, wait_s, client.tls)
            )
            stream.send(_connect_packet(client))
            kind, _flags, body = await _receive(stream, wait_s)
            if kind != CONNACK or len(body) < 2:
                raise Trouble("garbage", "not MQTT")
        except Trouble as trouble:
            exchanges.append(Exchange(request, f"{trouble.observed}: {trouble.answer}"))
            raise
        exchanges.append(Exchange(request, f"CONNACK {body[1]:#04x}"))
        if body[1]:
            raise Refusal("CONNACK", body[1])
        yield Session(stream, client.version, exchanges)
        stream.send(b"\xe0\x00")


async def connect(where: Where, args: Connect) -> Finding:
    exchanges: list[Exchange] = []
    try:
        async with session(where, args.device, args, args.wait_s, exchanges):
            pass
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    said = Text(
        fr=f"le courtier accepte {args.user or 'un client anonyme'}",
        en=f"the broker accepts {args.user or 'an anonymous client'}",
    )
    return Finding("accepted", said, {}, exchanges)


async def publish(where: Where, args: Publish) -> Finding:
    exchanges: list[Exchange] = []
    try:
        async with session(where, args.device, args, args.wait_s, exchanges) as opened:
            await opened.publish(args.topic, args.payload.encode(), retain=args.retain)
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    said = Text(
        fr=f"le courtier acquitte la publication sur {args.topic}",
        en=f"the broker acknowledges the publication on {args.topic}",
    )
    return Finding("accepted", said, {}, exchanges)


async def canary(where: Where, args: Canary) -> Finding:
    """The subscriber's own session must stand: its refusal is another outcome than a canary that is not delivered."""
    exchanges: list[Exchange] = []
    marked = CANARY + secrets.token_hex(8).encode()
    try:
        async with session(where, args.device, args.subscriber, args.wait_s, exchanges) as hears:
            await hears.subscribe(args.filter or args.topic)
            try:
                async with session(where, args.device, args.publisher, args.wait_s, exchanges) as says:
                    await says.publish(args.topic, marked)
            except (Trouble, Refusal) as met:
                return _met(met, exchanges)
            return _delivered(await _heard(hears, marked, args.wait_s), args, exchanges)
    except (Trouble, Refusal) as met:
        return Finding("no_subscriber", _NO_SUBSCRIBER, _figure(met), exchanges)


async def retained(where: Where, args: Retained) -> Finding:
    exchanges: list[Exchange] = []
    try:
        async with session(where, args.device, args, args.wait_s, exchanges) as opened:
            await opened.subscribe(args.topic)
            until = time.monotonic() + args.wait_s
            while (left_s := until - time.monotonic()) > 0:
                topic, payload, was_retained = await opened.hear(left_s)
                if was_retained:
                    exchanges.append(Exchange(f"retained {topic}", payload[:80].decode("utf-8", "replace")))
                    return Finding("present", _PRESENT, {"bytes": float(len(payload))}, exchanges)
    except Trouble as trouble:
        if trouble.observed != "silent" or len(exchanges) < 2:
            return _met(trouble, exchanges)
    except Refusal as refusal:
        return _met(refusal, exchanges)
    return Finding("absent", _ABSENT, {}, exchanges)


async def tls(where: Where, args: Connect) -> Finding:
    """The session over TLS: which version, cipher and certificate."""
    exchanges: list[Exchange] = []
    asked = args if args.tls is not None else msgspec.structs.replace(args, tls=Tls())
    try:
        async with connected(where, asked.device, asked.port, asked.wait_s, asked.tls) as stream:
            version, cipher = tls_version(stream)
            exchanges.append(Exchange("TLS", f"{version} {cipher}"))
        async with session(where, asked.device, asked, asked.wait_s, exchanges):
            pass
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    said = Text(fr=f"MQTT sur {version}, {cipher}", en=f"MQTT over {version}, {cipher}")
    return Finding("accepted", said, {"tls": float(version.removeprefix("TLSv") or 0)}, exchanges)


async def _heard(hears: Session, marked: bytes, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0:
        try:
            _topic, payload, _retained = await hears.hear(left_s)
        except Trouble as trouble:
            if trouble.observed == "silent":
                return False
            raise
        if payload == marked:
            return True
        await asyncio.sleep(0)
    return False


def _delivered(heard: bool, args: Canary, exchanges: list[Exchange]) -> Finding:
    exchanges.append(Exchange(f"canary on {args.topic}", "delivered" if heard else "not delivered"))
    if heard:
        said = Text(
            fr=f"le message témoin sur {args.topic} est arrivé",
            en=f"the canary on {args.topic} was delivered",
        )
        return Finding("delivered", said, {}, exchanges)
    said = Text(
        fr=f"le message témoin sur {args.topic} n'arrive pas",
        en=f"the canary on {args.topic} is not delivered",
    )
    return Finding("undelivered", said, {}, exchanges)


def _met(met: Trouble | Refusal, exchanges: list[Exchange]) -> Finding:
    if isinstance(met, Trouble):
        exchanges = exchanges or [Exchange("connect", f"{met.observed}: {met.answer}")]
        return Finding(met.observed, _TROUBLE[met.observed], {}, exchanges)
    figures = _figure(met)
    if met.code in NOT_THIS_VERSION:
        return Finding("other_version", _VERSION, figures, exchanges)
    said = Text(
        fr=f"le courtier refuse : {met.packet} {met.code:#04x}",
        en=f"the broker refuses: {met.packet} {met.code:#04x}",
    )
    return Finding("refused" if met.code in NOT_YOU else "unavailable", said, figures, exchanges)


def _figure(met: Trouble | Refusal) -> dict[str, float]:
    return {"code": float(met.code)} if isinstance(met, Refusal) else {}


async def _receive(stream: Stream, wait_s: float) -> tuple[int, int, bytes]:
    """Type, flags and body of the next packet (MQTT 3.1.1, 2.2). Raises: Trouble."""
    first = (await stream.exactly(1, wait_s))[0]
    size, shift = 0, 0
    while True:
        digit = (await stream.exactly(1, wait_s))[0]
        size |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            break
        if shift > 21:
            raise Trouble("garbage", "not MQTT")
    if size > PACKET_MAX:
        raise Trouble("garbage", f"a packet of {size} bytes")
    return first >> 4, first & 0x0F, await stream.exactly(size, wait_s) if size else b""


def _connect_packet(client: Client) -> bytes:
    flags = 0x02 | (0x80 if client.user is not None else 0) | (0x40 if client.password is not None else 0)
    body = b"\x00\x04MQTT" + bytes((client.version, flags)) + struct.pack(">H", KEEPALIVE_S)
    body += b"\x00" if client.version == 5 else b""
    body += _text(client.client_id or f"probe-{secrets.token_hex(4)}")
    body += b"".join(_text(text) for text in (client.user, client.password) if text is not None)
    return _packet(CONNECT << 4, body)


def _packet(first: int, body: bytes) -> bytes:
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes((first,)) + bytes(digits) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


_TROUBLE = {
    "unreachable": Text(fr="la connexion est refusée", en="the connection is refused"),
    "closed": Text(fr="le courtier ferme la connexion", en="the broker closes the connection"),
    "tls_refused": Text(fr="la négociation TLS échoue", en="the TLS handshake fails"),
    "silent": Text(fr="le courtier ne répond pas", en="the broker does not answer"),
    "garbage": Text(fr="la réponse n'est pas du MQTT", en="the answer is not MQTT"),
}
_VERSION = Text(
    fr="le courtier parle une autre version de MQTT", en="the broker speaks another version of MQTT"
)
_NO_SUBSCRIBER = Text(
    fr="l'abonné légitime n'a pas de session : rien à conclure",
    en="the legitimate subscriber has no session: nothing can be concluded",
)
_PRESENT = Text(fr="un message retenu est là", en="a retained message is there")
_ABSENT = Text(fr="aucun message retenu", en="no retained message")
_OUTCOMES = ("accepted", "refused", "unavailable", "other_version", *FAILURES, "garbage")
_REFUSALS = ("refused", *REFUSED)

PROBES = (
    Probe("mqtt.connect", Connect, _OUTCOMES, connect, "zone", _REFUSALS, ("code",)),
    Probe("mqtt.publish", Publish, _OUTCOMES, publish, "zone", _REFUSALS, ("code",)),
    Probe(
        "mqtt.canary", Canary, ("delivered", "undelivered", "no_subscriber", *_OUTCOMES[1:]), canary, "zone",
        ("undelivered", *_REFUSALS), ("code",),
    ),
    Probe("mqtt.retained", Retained, ("present", "absent", *_OUTCOMES[1:]), retained, "zone", ("absent", *_REFUSALS), ("bytes", "code")),
    Probe("mqtt.tls", Connect, _OUTCOMES, tls, "zone", _REFUSALS, ("tls", "code")),
)  # fmt: skip
