"""A Modbus TCP master: reads a PLC's blocks every period, writes what operators command."""

import asyncio
import math
import ssl
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from socket import socket

from simulators.clock import Clock
from simulators.devices.scada.board import Board
from simulators.devices.scada.registers import Block, blocks_of, item_of, write_request
from simulators.devices.scada.scaling import Raw, engineering, raw_of
from simulators.devices.scada.source import Beat, Link, refused, unanswered
from simulators.errors import UsineError
from simulators.model import Tag
from simulators.text import Text

PROTOCOL_ID = 0
ILLEGAL_ADDRESS = 2
Connect = Callable[[], Awaitable[socket]]
# Modbus Application Protocol V1.1b3, clause 7.
EXCEPTIONS = {
    1: Text(fr="fonction refusée", en="function refused"),
    2: Text(fr="adresse refusée", en="address refused"),
    3: Text(fr="valeur refusée", en="value refused"),
    4: Text(fr="défaut de l'automate", en="device failure"),
    5: Text(fr="demande en cours", en="acknowledged, not done yet"),
    6: Text(fr="automate occupé", en="device busy"),
    10: Text(fr="passerelle sans chemin", en="no path in the gateway"),
    11: Text(fr="unité sans réponse", en="unit does not answer"),
}


class ModbusError(UsineError):
    """The device answered with an exception."""

    def __init__(self, code: int) -> None:
        text = EXCEPTIONS.get(code, Text(fr="refus", en="refused"))
        super().__init__(f"{text.fr} (exception {code:02X})", f"{text.en} (exception {code:02X})")
        self.code = code


Answer = bytes | ModbusError


class Channel:
    """One connection. Requests asked for together travel together, and are told apart by their number."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unit: int, timeout_s: float
    ):
        self._reader = reader
        self._writer = writer
        self._unit = unit
        self._timeout_s = timeout_s
        self._transaction = 0
        self._turn = asyncio.Lock()

    async def ask(self, pdus: Sequence[bytes]) -> list[Answer]:
        """Each request's answer: its PDU, or the device's exception.

        Raises:
            OSError, EOFError, TimeoutError, ValueError: the connection is of no more use.
        """
        async with self._turn, asyncio.timeout(self._timeout_s):
            numbers = [self._next() for _ in pdus]
            self._writer.write(
                b"".join(
                    struct.pack(">HHHB", number, PROTOCOL_ID, len(pdu) + 1, self._unit) + pdu
                    for number, pdu in zip(numbers, pdus, strict=True)
                )
            )
            answers: dict[int, bytes] = {}
            while len(answers) < len(pdus):
                number, answer = await self._answer()
                if number not in numbers or number in answers:
                    raise ValueError("the answer is not of this request")
                answers[number] = answer
        return [_judged(pdu[0], answers[number]) for number, pdu in zip(numbers, pdus, strict=True)]

    async def _answer(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(7)
        number, protocol, length, _unit = struct.unpack(">HHHB", head)
        if protocol != PROTOCOL_ID or not 3 <= length <= 254:
            raise ValueError("not a Modbus answer")
        return number, await self._reader.readexactly(length - 1)

    def _next(self) -> int:
        self._transaction = self._transaction % 0xFFFF + 1
        return self._transaction

    def close(self) -> None:
        self._writer.transport.abort()


class _Wire(asyncio.StreamReaderProtocol):
    """A stream that tells at once when the peer is gone, and not at the next request."""

    def __init__(self, reader: asyncio.StreamReader, gone: Callable[[], None]) -> None:
        super().__init__(reader)
        self._gone = gone

    def eof_received(self) -> bool | None:
        self._gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        super().connection_lost(exc)


def _judged(function: int, answer: bytes) -> Answer:
    if answer[0] == function | 0x80 and len(answer) == 2:
        return ModbusError(answer[1])
    if answer[0] != function:
        raise ValueError(f"answer to function {function} has function {answer[0]}")
    return answer


class ModbusSource:
    """One Modbus PLC."""

    def __init__(
        self,
        link: Link,
        tags: Sequence[Tag],
        connect: Connect,
        board: Board,
        clock: Clock,
        *,
        period_s: float,
        unit: int,
        timeout_s: float,
        at_once: int,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        """Raises: InputError: a tag's address has no place in Modbus."""
        self.link = link
        self.tags = tags
        self._connect = connect
        self._board = board
        self._clock = clock
        self._unit = unit
        self._timeout_s = timeout_s
        self._at_once = at_once
        self._tls = tls
        self._server_name = server_name
        self._blocks = blocks_of(tags)
        self._beat = Beat(period_s, clock)
        self._channel: Channel | None = None

    async def serve(self) -> None:
        channel = await self._open()
        blocks = self._blocks
        try:
            while True:
                blocks = await self._poll(channel, blocks)
                self._channel = channel
                self.link.up()
                await self._beat.wait()
        finally:
            self._channel = None
            channel.close()

    async def write(self, tag: Tag, value: Raw) -> None:
        channel, device = self._channel, self.link.device
        if channel is None:
            raise unanswered(tag, device)
        try:
            (answer,) = await channel.ask([write_request(item_of(tag), raw_of(tag, value))])
        except (OSError, EOFError, ValueError) as error:
            raise unanswered(tag, device) from error
        if isinstance(answer, ModbusError):
            raise refused(tag, device, answer.text)
        self._beat.now()

    async def _open(self) -> Channel:
        async with asyncio.timeout(self._timeout_s):
            plain = await self._connect()
            try:
                reader = asyncio.StreamReader()
                transport, wire = await asyncio.get_running_loop().create_connection(
                    lambda: _Wire(reader, self._beat.now),
                    sock=plain,
                    ssl=self._tls,
                    # Only checked where the context says so.
                    server_hostname=(self._server_name or "plc") if self._tls else None,
                )
            except BaseException:
                plain.close()
                raise
        writer = asyncio.StreamWriter(transport, wire, reader, asyncio.get_running_loop())
        return Channel(reader, writer, self._unit, self._timeout_s)

    async def _poll(self, channel: Channel, blocks: Sequence[Block]) -> list[Block]:
        """Read the blocks; returns those to read from now on."""
        next_ones: list[Block] = []
        for first in range(0, len(blocks), self._at_once):
            group = blocks[first : first + self._at_once]
            answers = await channel.ask([block.request for block in group])
            for block, answer in zip(group, answers, strict=True):
                next_ones.extend(self._show(block, answer))
        return next_ones

    def _show(self, block: Block, answer: Answer) -> list[Block]:
        """Put an answer on the board; returns the blocks to read in this one's place from now on."""
        unix_s, wall_s = self._now()
        if isinstance(answer, ModbusError):
            for item in block.items:
                self._board.refuse(item.tag.id, unix_s, wall_s)
            return block.exact() if answer.code == ILLEGAL_ADDRESS else [block]
        if len(answer) != block.answer_bytes + 2:
            raise ValueError("answer of another length than asked for")
        for tag, raw in block.values(answer[2:]):
            if math.isfinite(raw):
                self._board.put(tag.id, engineering(tag, raw), unix_s, wall_s)
            else:
                self._board.refuse(tag.id, unix_s, wall_s)
        return [block]

    def _now(self) -> tuple[float, float]:
        return self._clock.unix_s(self._clock.now_s()), time.monotonic()
