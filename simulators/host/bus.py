"""The words between a line's plant and the parts that run in processes of their own, and how they are framed.

One connection a part, opened by the part. Messages are MessagePack maps, each behind its length (32 bits, big-endian).

| from the part | |
|---|---|
| `part`, `token` | who it is; the first message |
| `read`, `listen` | the signals and the assets' vibration that it wants, after each change |
| `out`, `step` | what a PLC drives after the scan of that step |
| `status` | its devices' states (`snapshot.DeviceStatus`), after each change |
| `refused` | why its device does not start: `kind`, `fr`, `en` |
| `rows` | what SCADA gives to the historian |
| `answer`, `result` or `error` | of what it was asked |

| from the plant | |
|---|---|
| `welcome` | `Welcome`: all that the part needs to be built |
| `begin` | it may start its device |
| `clock` | `Time`: simulated time, its speed, whether it stands |
| `step`, `in`, `windows` | the plant's values at that step, in the order of `read` |
| `present` | which other parts are well |
| `rows` | what SCADA gave, to the historian |
| `ask`, `device`, `verb`, `arguments` | a verb of `simulators.host.verbs.of_device` |
"""

import asyncio
import contextlib
import hashlib
import hmac
import struct
from typing import Any

import msgspec

from simulators.errors import InputError
from simulators.model import Line

LENGTH = struct.Struct(">I")
MESSAGE_LIMIT_BYTES = 64 << 20
# A reader that is this far behind gets no more of the values that will come again.
BACKLOG_LIMIT_BYTES = 256 << 10
PART_VARIABLE, BUS_VARIABLE, TOKEN_VARIABLE = "USINE_PART", "USINE_BUS", "USINE_TOKEN"
# The Unix socket of whoever waits for the plant to be ready.
REPORT_VARIABLE = "USINE_REPORT"

Message = dict[str, Any]


class Time(msgspec.Struct, frozen=True):
    """Simulated time now, as `clock.Clock` has it."""

    t_s: float
    speed: float
    paused: bool


class Welcome(msgspec.Struct, frozen=True):
    """`plant` names the plant's own life: another one, and a part begins again. `files` are those of the line's folder."""

    plant: str
    line: Line
    files: dict[str, str]
    seed: int
    origin_unix_s: float
    time: Time


class Wire:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, message: Message) -> None:
        """Nothing is sent on a connection that is ending."""
        if self._writer.is_closing():
            return
        body = msgspec.msgpack.encode(message)
        self._writer.write(LENGTH.pack(len(body)) + body)

    async def receive(self) -> Message:
        """Raises: OSError, EOFError: it is over; ValueError: this is no message."""
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if length > MESSAGE_LIMIT_BYTES:
            raise ValueError(length)
        return msgspec.msgpack.decode(await self._reader.readexactly(length), type=Message)

    @property
    def behind(self) -> bool:
        """The other end does not read as fast as it is written to."""
        return self._writer.transport.get_write_buffer_size() > BACKLOG_LIMIT_BYTES

    def close(self) -> None:
        self._writer.close()

    async def end(self) -> None:
        """Close once what was said has gone."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Close without sending what waits."""
        self._writer.transport.abort()


def part_token(secret: str, part: str) -> str:
    """What a part shows to the plant: it opens no other part's place."""
    return hmac.new(secret.encode(), part.encode(), hashlib.sha256).hexdigest()


def place(bus: str) -> tuple[str, int] | str:
    """Host and port of `tcp:HOST:PORT`, or the path of `unix:PATH`.

    Raises:
        InputError: it is neither.
    """
    kind, _, rest = bus.partition(":")
    host, _, port = rest.rpartition(":")
    if kind == "unix" and rest:
        return rest
    if kind == "tcp" and host and port.isdecimal():
        return host, int(port)
    raise InputError(
        f"bus {bus} : écrivez tcp:HÔTE:PORT ou unix:CHEMIN", f"bus {bus}: write tcp:HOST:PORT or unix:PATH"
    )


async def dial(bus: str) -> Wire:
    """Raises: OSError: nobody answers there; InputError."""
    where = place(bus)
    if isinstance(where, str):
        return Wire(*await asyncio.open_unix_connection(where))
    return Wire(*await asyncio.open_connection(*where))
