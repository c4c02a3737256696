"""What attacks send: connections from an address that they claim, Modbus requests, nothing outside the lab."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from lab.attacks.contract import Field
from lab.probes.contract import Where

ANSWER_S = 2.0  # of the wall
Rate = Annotated[float, msgspec.Meta(gt=0, le=50, description="per simulated second")]
Count = Annotated[int, msgspec.Meta(ge=1, le=500)]
Source = Annotated[
    str, msgspec.Meta(description="address that the attack comes from; the zone's workstation if empty")
]
_HEAD = struct.Struct(">HHHB")


class Wire:
    """One connection, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0

    async def exchange(self, data: bytes) -> bytes:
        """Send, and give what comes back; nothing where the peer is silent or closed."""
        try:
            async with asyncio.timeout(ANSWER_S):
                self._writer.write(data)
                return await self._reader.read(1 << 16)
        except (TimeoutError, OSError):
            return b""

    async def modbus(self, pdu: bytes, unit: int = 1) -> bytes:
        """A request's answer, without its header; empty where there was none."""
        self._number = self._number % 0xFFFF + 1
        answer = await self.exchange(_HEAD.pack(self._number, 0, len(pdu) + 1, unit) + pdu)
        return answer[_HEAD.size :]


async def paced(field: Field, count: int, rate_per_s: float) -> AsyncIterator[int]:
    """Counts to `count` at that rate (per simulated second), from fixed instants: what takes long shifts nothing."""
    begun = field.now()
    for number in range(count):
        yield number
        await field.wait(begun + (number + 1) / rate_per_s - field.now())


async def knock(where: Where, source: str, host: str, port: int) -> socket.socket | None:
    """A connection from `source`; None where it was refused. Raises: InputError: an address is not of the lab."""
    host = where.check(host)
    client = socket.socket()
    client.setblocking(False)
    try:
        client.bind((source, 0))
        async with asyncio.timeout(ANSWER_S):
            await asyncio.get_running_loop().sock_connect(client, (host, port))
    except (OSError, TimeoutError):
        client.close()
        return None
    return client


@contextlib.asynccontextmanager
async def connection(where: Where, source: str, host: str, port: int) -> AsyncIterator[Wire | None]:
    """A connection from `source`, closed at the end; None where it was refused."""
    client = await knock(where, source, host, port)
    if client is None:
        yield None
        return
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
