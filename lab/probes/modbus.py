"""Modbus TCP, in frames of our own: no library refuses on the client's side what the server should refuse."""

import asyncio
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.stream import FAILURES, REFUSED, Port, Stream, Tls, Trouble, WaitS, address_of, connected
from simulators.devices.modbus_plc.encoding import decode, encode
from simulators.errors import InputError
from simulators.model import Tag
from simulators.network.modbus import NAMES
from simulators.plc.address import ModbusPlace, modbus_place, parse_address
from simulators.plc.image import Value
from simulators.text import Text

HEADER = struct.Struct(">HHHB")
TRANSACTION = 0x5545
PDU_MAX = 253
READ = {"coil": 1, "discrete_input": 2, "holding_register": 3, "input_register": 4}
# Those that say "not you, not this, not here, not now"; 02 and 03 are said to someone who is served.
DENIALS = {1, 6, 0x0A, 0x0B}
ADDRESSES = {2, 3}
FLOOD = Path(__file__).with_name("flooding.py")
GOOD_PERIOD_S = 0.02
SILENCE_S = 1.0

Unit = Annotated[int, msgspec.Meta(ge=0, le=255)]


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a client is served at all: it reads one input register. `source` is the address it has."""

    device: str
    unit: Unit = 1
    port: Port | None = None
    tls: Tls | None = None
    source: str | None = None
    wait_s: WaitS = 2.0


class Read(Session, frozen=True, forbid_unknown_fields=True):
    """A tag of the PLC, or `count` places of a table from `address`."""

    tag: str | None = None
    table: Literal["coil", "discrete_input", "holding_register", "input_register"] = "holding_register"
    address: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=125)] = 1


class Write(Session, frozen=True, forbid_unknown_fields=True):
    """A tag, or registers from `address`. Without a value it writes what is there; it puts back what it changed."""

    tag: str | None = None
    value: float | bool | None = None
    address: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    values: list[Annotated[int, msgspec.Meta(ge=0, le=65535)]] | None = None
    function: Literal[5, 6, 15, 16] | None = None
    restore: bool = True


class Function(Session, frozen=True, forbid_unknown_fields=True):
    """Any function code, with its data in hexadecimal."""

    function: Annotated[int, msgspec.Meta(ge=1, le=127)] = 43
    data: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{2})*$", max_length=2 * (PDU_MAX - 1))] = ""


class Identity(Session, frozen=True, forbid_unknown_fields=True):
    """Read device identification, 43/14."""


class Flood(Session, frozen=True, forbid_unknown_fields=True):
    """Requests as fast as they are answered, over `connections`, beside a good client that asks 50 times a second.

    `good_source` is the good client's address, the flood's is `source`.
    """

    seconds: Annotated[float, msgspec.Meta(ge=0.5, le=10)] = 3.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    good_source: str | None = None


class Refusal(Exception):  # noqa: N818 -- an outcome, not a fault of ours
    """The server answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Master:
    """One connection; keeps what was said, to be shown."""

    def __init__(self, stream: Stream, unit: int) -> None:
        self._stream = stream
        self._unit = unit
        self.exchanges: list[Exchange] = []

    async def ask(self, pdu: bytes) -> bytes:
        """The answer's PDU. Raises: Trouble; Refusal."""
        request = f"{NAMES.get(pdu[0], f'FUNCTION {pdu[0]}')} unit {self._unit}: {pdu.hex()}"
        try:
            answer = await self._answer(pdu)
        except Trouble as trouble:
            self.exchanges.append(Exchange(request, f"{trouble.observed}: {trouble.answer}"))
            raise
        self.exchanges.append(Exchange(request, answer.hex()))
        if answer[0] == pdu[0] | 0x80 and len(answer) >= 2:
            raise Refusal(answer[1])
        if answer[0] != pdu[0]:
            raise Trouble("garbage", answer.hex())
        return answer

    async def _answer(self, pdu: bytes) -> bytes:
        self._stream.send(HEADER.pack(TRANSACTION, 0, len(pdu) + 1, self._unit) + pdu)
        until = time.monotonic() + self._stream.wait_s
        while (left_s := until - time.monotonic()) > 0:
            transaction, protocol, length, _unit = HEADER.unpack(await self._stream.exactly(7, left_s))
            if protocol != 0 or not 2 <= length <= PDU_MAX + 1:
                raise Trouble("garbage", "not Modbus/TCP")
            body = await self._stream.exactly(length - 1)
            if transaction == TRANSACTION:
                return body
        raise Trouble("silent", "answers to other requests only")


@asynccontextmanager
async def master(where: Where, args: Session) -> AsyncIterator[Master]:
    """A connected master. Raises: Trouble."""
    async with connected(where, args.device, args.port, args.wait_s, args.tls, args.source) as stream:
        yield Master(stream, args.unit)


async def session(where: Where, args: Session) -> Finding:
    return await _asked(where, args, [struct.pack(">BHH", READ["input_register"], 0, 1)], ADDRESSES)


async def read(where: Where, args: Read) -> Finding:
    tag = where.line.tag(args.tag) if args.tag else None
    place = _place(tag) if tag else ModbusPlace(args.table, args.address, args.count)
    exchanges: list[Exchange] = []
    try:
        async with master(where, args) as asking:
            exchanges = asking.exchanges
            answer = await asking.ask(struct.pack(">BHH", READ[place.table], place.start, place.count))
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    if not _whole(place, answer):
        return Finding("garbage", _TROUBLE["garbage"], {}, exchanges)
    figures = {} if tag is None else _figure(_value(tag, place, answer[2:]))
    return Finding("accepted", _ACCEPTED, figures, exchanges)


async def write(where: Where, args: Write) -> Finding:
    tag = where.line.tag(args.tag) if args.tag else None
    place = _place(tag) if tag else ModbusPlace("holding_register", args.address, len(args.values or [0]))
    if place.table not in {"coil", "holding_register"}:
        raise InputError(f"{args.tag} : une entrée ne s'écrit pas", f"{args.tag}: an input cannot be written")
    exchanges: list[Exchange] = []
    try:
        async with master(where, args) as asking:
            exchanges = asking.exchanges
            former = await _former(asking, place)
            wanted = _wanted(args, tag, place, former)
            await asking.ask(_write_pdu(args.function, place, wanted))
            kept = await _former(asking, place)
            if args.restore and former is not None and former != wanted:
                await asking.ask(_write_pdu(args.function, place, former))
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    if former is not None and kept == former != wanted:
        said = Text(
            fr="l'automate acquitte l'écriture et garde l'ancienne valeur",
            en="the PLC acknowledges the write and keeps the former value",
        )
        return Finding("ignored", said, {}, exchanges)
    return Finding("accepted", _ACCEPTED, {}, exchanges)


async def function(where: Where, args: Function) -> Finding:
    return await _asked(where, args, [bytes((args.function,)) + bytes.fromhex(args.data)], set())


async def identity(where: Where, args: Identity) -> Finding:
    exchanges: list[Exchange] = []
    try:
        async with master(where, args) as asking:
            exchanges = asking.exchanges
            objects = _objects(await asking.ask(bytes((43, 14, 1, 0))))
    except (Trouble, Refusal) as met:
        return _met(met, exchanges)
    told = ", ".join(objects) or "–"
    said = Text(fr=f"l'automate se présente : {told}", en=f"the PLC introduces itself: {told}")
    return Finding("accepted", said, {"objects": float(len(objects))}, exchanges)


async def flood(where: Where, args: Flood) -> Finding:
    host, port = where.address(args.device, args.port)
    good = msgspec.structs.replace(args, source=args.good_source)
    exchanges: list[Exchange] = []
    try:
        async with master(where, good) as asking:
            exchanges = asking.exchanges
            quiet = await _latencies(asking, GOOD_PERIOD_S * 25)
            flooding = await _flooder(where, args, host, port)
            try:
                loaded = await _latencies(asking, args.seconds)
            finally:
                answers = await _flood_ended(flooding)
    except (Trouble, Refusal) as met:
        return _met(met, exchanges[-3:])
    figures = {
        "quiet_p99_ms": _p99_ms(quiet),
        "p99_ms": _p99_ms(loaded),
        "max_ms": round(1e3 * max(loaded), 2),
        "good_answers": float(len(loaded)),
        "flood_per_s": round(answers / args.seconds, 1),
    }
    said = Text(
        fr=f"sous {figures['flood_per_s']:.0f} réponses/s de déluge, le bon client attend {figures['p99_ms']:.1f} ms (p99)",
        en=f"under {figures['flood_per_s']:.0f} flood answers/s, the good client waits {figures['p99_ms']:.1f} ms (p99)",
    )
    return Finding("accepted", said, figures, [Exchange(f"flood {host}:{port}", said.en)])


async def _asked(where: Where, args: Session, pdus: list[bytes], served: set[int]) -> Finding:
    """Ask in turn; exceptions in `served` say that the client is served all the same."""
    exchanges: list[Exchange] = []
    try:
        async with master(where, args) as asking:
            exchanges = asking.exchanges
            for pdu in pdus:
                await asking.ask(pdu)
    except (Trouble, Refusal) as met:
        if not (isinstance(met, Refusal) and met.code in served):
            return _met(met, exchanges)
    return Finding("accepted", _ACCEPTED, {}, exchanges)


def _met(met: Trouble | Refusal, exchanges: list[Exchange]) -> Finding:
    if isinstance(met, Refusal):
        said = Text(
            fr=f"l'automate refuse : exception {met.code:02X}",
            en=f"the PLC refuses: exception {met.code:02X}",
        )
        return Finding("refused", said, {"exception": float(met.code)}, exchanges)
    if not exchanges:
        exchanges = [Exchange("connect", f"{met.observed}: {met.answer}")]
    return Finding(met.observed, _TROUBLE[met.observed], {}, exchanges)


async def _former(asking: Master, place: ModbusPlace) -> bytes | None:
    """What is there, None where it may not be read."""
    try:
        answer = await asking.ask(struct.pack(">BHH", READ[place.table], place.start, place.count))
    except Refusal:
        return None
    if not _whole(place, answer):
        raise Trouble("garbage", answer.hex())
    return answer[2:]


def _wanted(args: Write, tag: Tag | None, place: ModbusPlace, former: bytes | None) -> bytes:
    if tag is not None and args.value is not None:
        if place.table == "coil":
            return bytes((int(bool(args.value)),))
        raw = (float(args.value) - tag.offset) / tag.gain
        return encode(tag.type, place.count, raw if tag.type in {"REAL", "LREAL"} else round(raw))
    if args.values is not None:
        return b"".join(struct.pack(">H", value) for value in args.values)
    if former is None:
        raise InputError(
            f"{args.device} : la place ne se lit pas ; donnez la valeur à écrire (value, values)",
            f"{args.device}: the place cannot be read; give the value to write (value, values)",
        )
    return former


def _write_pdu(function: int | None, place: ModbusPlace, data: bytes) -> bytes:
    if place.table == "coil":
        if function == 15:
            return struct.pack(">BHHB", 15, place.start, 1, 1) + data[:1]
        return struct.pack(">BHH", 5, place.start, 0xFF00 if data[0] & 1 else 0)
    if function == 6 or (function is None and len(data) == 2):
        return struct.pack(">BH", 6, place.start) + data[:2]
    return struct.pack(">BHHB", 16, place.start, len(data) // 2, len(data)) + data


def _place(tag: Tag) -> ModbusPlace:
    return modbus_place(parse_address(tag.address))


def _value(tag: Tag, place: ModbusPlace, data: bytes) -> Value | None:
    if place.table in {"coil", "discrete_input"}:
        return bool(data[0] & 1)
    raw = decode(tag.type, data)
    return raw if raw is None or isinstance(raw, bool | str) else raw * tag.gain + tag.offset


def _whole(place: ModbusPlace, answer: bytes) -> bool:
    """Whether the answer to a read has as many bytes as were asked for."""
    bits = place.table in {"coil", "discrete_input"}
    size = (place.count + 7) // 8 if bits else 2 * place.count
    return len(answer) == 2 + size == 2 + answer[1]


def _figure(value: Value | None) -> dict[str, float]:
    return {} if value is None or isinstance(value, str) else {"value": float(value)}


def _objects(answer: bytes) -> list[str]:
    """The texts of a 43/14 answer (Modbus application protocol V1.1b3, 6.21), as far as they are whole."""
    found: list[str] = []
    at = 7
    while at + 2 <= len(answer) and at + 2 + answer[at + 1] <= len(answer):
        found.append(answer[at + 2 : at + 2 + answer[at + 1]].decode("ascii", "replace"))
        at += 2 + answer[at + 1]
    return found


async def _latencies(asking: Master, seconds: float) -> list[float]:
    """How long each of the good client's requests waited (s); one at least."""
    pdu = struct.pack(">BHH", READ["input_register"], 0, 1)
    until = time.monotonic() + seconds
    waited: list[float] = []
    while not waited or time.monotonic() < until:
        asked_s = time.monotonic()
        try:
            await asking.ask(pdu)
        except Refusal as refusal:
            if refusal.code in DENIALS:
                raise
        waited.append(time.monotonic() - asked_s)
        del asking.exchanges[2:]
        await asyncio.sleep(GOOD_PERIOD_S)
    return waited


async def _flooder(where: Where, args: Flood, host: str, port: int) -> asyncio.subprocess.Process:
    """A process of its own: the good client's measure must not wait for the flood's own work."""
    source = address_of(where, args.source) if args.source is not None else ""
    command = [FLOOD, host, port, source, args.unit, args.connections, args.seconds]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", *map(str, command), stdout=asyncio.subprocess.PIPE
    )


async def _flood_ended(flooding: asyncio.subprocess.Process) -> int:
    if flooding.stdout is None:
        return 0
    try:
        async with asyncio.timeout(2 * SILENCE_S):
            return int(await flooding.stdout.read() or 0)
    except TimeoutError:
        return 0
    finally:
        if flooding.returncode is None:
            flooding.kill()
        await flooding.wait()


def _p99_ms(waited_s: list[float]) -> float:
    ordered = sorted(waited_s)
    return round(1e3 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 2)


_ACCEPTED = Text(fr="l'automate a répondu et servi la requête", en="the PLC answered and served the request")
_TROUBLE = {
    "unreachable": Text(fr="la connexion est refusée", en="the connection is refused"),
    "closed": Text(fr="l'automate ferme la connexion", en="the PLC closes the connection"),
    "tls_refused": Text(fr="la négociation TLS échoue", en="the TLS handshake fails"),
    "silent": Text(fr="l'automate ne répond pas", en="the PLC does not answer"),
    "garbage": Text(fr="la réponse n'est pas du Modbus", en="the answer is not Modbus"),
}
_OUTCOMES = ("accepted", "refused", *FAILURES, "garbage")
_REFUSALS = ("refused", *REFUSED)

PROBES = (
    Probe("modbus.session", Session, _OUTCOMES, session, "zone", _REFUSALS, ("exception",)),
    Probe("modbus.read", Read, _OUTCOMES, read, "zone", _REFUSALS, ("exception", "value")),
    Probe("modbus.write", Write, (*_OUTCOMES, "ignored"), write, "zone", (*_REFUSALS, "ignored"), ("exception",), 15.0),
    Probe("modbus.function", Function, _OUTCOMES, function, "zone", _REFUSALS, ("exception",)),
    Probe("modbus.identity", Identity, _OUTCOMES, identity, "zone", _REFUSALS, ("exception", "objects")),
    Probe(
        "modbus.flood", Flood, _OUTCOMES, flood, "zone", _REFUSALS,
        ("quiet_p99_ms", "p99_ms", "max_ms", "good_answers", "flood_per_s", "exception"), 20.0,
    ),
)  # fmt: skip
