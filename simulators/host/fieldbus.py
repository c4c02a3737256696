"""Field wiring between processes: the plant in one, each PLC and sensor in its own.

One connection a device. The device says once which signals it reads and which assets it listens to; then
the plant sends their values at every step, and the device sends what it drives. Messages are MessagePack,
each behind its length (32 bits, big-endian).
"""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from simulators.contracts import FieldIO
from simulators.errors import StartError, UsineError
from simulators.plc.image import Value

LENGTH = struct.Struct(">I")
MESSAGE_LIMIT_BYTES = 1 << 20
BACKLOG_LIMIT_BYTES = 256 << 10
RETRY_S = 0.2
# The plant may be starting too, on a machine where much starts at once.
FIRST_VALUES_LIMIT_S = 180.0
WINDOW_PERIOD_STEPS = 50
SILENCE = bytes(25_600)

Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class FieldServer:
    """The plant's side: one writer a device, `publish` after every step."""

    def __init__(self, field: FieldIO) -> None:
        self._field = field
        self._wanted: dict[asyncio.StreamWriter, dict[str, list[str]]] = {}
        self._steps = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One device, until it leaves; what it sends that is not understood ends its connection."""
        try:
            while message := await _receive(reader):
                if "read" in message:
                    self._wanted[writer] = {"read": list(message["read"]), "listen": list(message["listen"])}
                if "write" in message:
                    self._field.write(list(message["write"]), list(message["write"].values()))
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError):
            pass
        finally:
            self._wanted.pop(writer, None)
            writer.close()

    def publish(self) -> None:
        """Send every device the values that it reads."""
        self._steps += 1
        for writer, wanted in list(self._wanted.items()):
            if writer.transport.get_write_buffer_size() > BACKLOG_LIMIT_BYTES:
                continue
            message: dict[str, Any] = {"values": self._field.read(wanted["read"])}
            if wanted["listen"] and self._steps % WINDOW_PERIOD_STEPS == 1:
                message["windows"] = {asset: self._window(asset) for asset in wanted["listen"]}
            _send(writer, message)

    def _window(self, asset: str) -> bytes:
        try:
            return self._field.vibration(asset)
        except UsineError:
            return SILENCE


class RemoteField:
    """The device's side: `FieldIO` from the last values received; reconnects for ever.

    An asset whose vibration is asked for is listened to from then on; until its first window there is silence.
    """

    def __init__(self, open_connection: Open, signals: Sequence[str]) -> None:
        self._open = open_connection
        self._signals = list(signals)
        self._listen: list[str] = []
        self._values: dict[str, Value] = dict.fromkeys(signals, 0.0)
        self._windows: dict[str, bytes] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._fed = asyncio.Event()

    async def start(self) -> None:
        """Return with the first values. Raises: StartError: the plant does not answer."""
        self._task = asyncio.create_task(self._run(), name="field bus")
        try:
            async with asyncio.timeout(FIRST_VALUES_LIMIT_S):
                await self._fed.wait()
        except TimeoutError as error:
            await self.stop()
            raise StartError(
                "le bus de terrain ne répond pas ; démarrez d'abord la partie « plant »",
                "the field bus does not answer; start the part 'plant' first",
            ) from error

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def read(self, signals: Sequence[str]) -> list[Value]:
        return [self._values[signal] for signal in signals]

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        if self._writer is not None and self._writer.transport.get_write_buffer_size() < BACKLOG_LIMIT_BYTES:
            _send(self._writer, {"write": dict(zip(signals, values, strict=True))})

    def vibration(self, asset: str) -> bytes:
        if asset not in self._listen:
            self._listen.append(asset)
            self._subscribe()
        return self._windows.get(asset, SILENCE)

    def _subscribe(self) -> None:
        if self._writer is not None:
            _send(self._writer, {"read": self._signals, "listen": self._listen})

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, ValueError, msgspec.MsgspecError):
                await self._session()
            await asyncio.sleep(RETRY_S)

    async def _session(self) -> None:
        reader, writer = await self._open()
        try:
            self._writer = writer
            self._subscribe()
            while message := await _receive(reader):
                self._values.update(zip(self._signals, message["values"], strict=True))
                self._windows.update(message.get("windows", {}))
                self._fed.set()
        finally:
            self._writer = None
            writer.close()


def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    body = msgspec.msgpack.encode(message)
    writer.write(LENGTH.pack(len(body)) + body)


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > MESSAGE_LIMIT_BYTES:
        raise ValueError(length)
    return msgspec.msgpack.decode(await reader.readexactly(length), type=dict[str, Any])
