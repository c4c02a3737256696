"""An OPC UA client: reads all of a PLC's tags in one request every period, writes what operators command.

A subscription would have the server queue a notification for each of ten scans a second; one Read of thirty
nodes costs less than a tenth of that, and an answer that does not come is an outage at once.
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from socket import socket

from asyncua import ua
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from simulators.clock import Clock
from simulators.devices.scada.board import Board
from simulators.devices.scada.config import OpcuaAccess
from simulators.devices.scada.opcua_client import ZoneClient
from simulators.devices.scada.opcua_codec import PackedRead, Reading, read_body
from simulators.devices.scada.scaling import Raw, engineering, raw_of
from simulators.devices.scada.source import Beat, Link, refused, unanswered
from simulators.model import Tag
from simulators.text import Text

NAMESPACE = 2
# A TIME travels as a Duration in milliseconds (OPC 30000), the PLC's image keeps nanoseconds.
_NS_PER_MS = 1_000_000
_FLOATS = {ua.VariantType.Float, ua.VariantType.Double}


class OpcuaSource:
    """One OPC UA PLC, whose tags are the nodes `ns=2;s=<tag>`, as its program has them."""

    def __init__(
        self,
        link: Link,
        tags: Sequence[Tag],
        connect: Callable[[], Awaitable[socket]],
        board: Board,
        clock: Clock,
        *,
        period_s: float,
        address: str,
        port: int,
        folder: Path,
        access: OpcuaAccess,
    ) -> None:
        self.link = link
        self.tags = tags
        self._connect = connect
        self._board = board
        self._clock = clock
        self._place = (address, port)
        self._folder = folder
        self._access = access
        self._beat = Beat(period_s, clock)
        self._client: ZoneClient | None = None
        self._types: dict[str, int] = {}
        self._request = PackedRead(read_body([_node(tag) for tag in tags]))

    async def serve(self) -> None:
        client = ZoneClient(self._connect, *self._place, self._access.timeout_s, self._beat.now)
        try:
            await client.enter(self._folder, self._access, ("opcua", "devices", self.link.device))
            renew_s = time.monotonic() + client.renewal_s
            while True:
                self._show(await client.read(self._request))
                self._client = client
                self.link.up()
                await self._beat.wait()
                if time.monotonic() > renew_s:
                    await client.renew()
                    renew_s = time.monotonic() + client.renewal_s
        finally:
            self._client = None
            self.link.shows(client.fingerprint)
            await client.leave()

    async def write(self, tag: Tag, value: Raw) -> None:
        client, device = self._client, self.link.device
        if client is None or tag.id not in self._types:
            raise unanswered(tag, device)
        kind = ua.VariantType(self._types[tag.id])
        raw = raw_of(tag, value)
        typed = raw if kind == ua.VariantType.Boolean else _number(tag, raw, kind)
        try:
            (status,) = await client.uaclient.write_attributes(
                [_node(tag)], [ua.DataValue(ua.Variant(typed, kind))]
            )
            status.check()
        except UaStatusCodeError as error:
            name = type(error).__name__
            raise refused(tag, device, Text(fr=name, en=name)) from error
        except (OSError, UaError) as error:
            raise unanswered(tag, device) from error
        self._beat.now()

    def _show(self, answers: Sequence[Reading]) -> None:
        unix_s, wall_s = self._clock.unix_s(self._clock.now_s()), time.monotonic()
        for tag, (good, value, kind) in zip(self.tags, answers, strict=True):
            if not good or value is None or not math.isfinite(value):
                self._board.refuse(tag.id, unix_s, wall_s)
                continue
            self._types[tag.id] = kind
            raw = round(value * _NS_PER_MS) if tag.type == "TIME" else value
            self._board.put(tag.id, engineering(tag, raw), unix_s, wall_s)


def _number(tag: Tag, raw: Raw, kind: ua.VariantType) -> Raw:
    wire = raw / _NS_PER_MS if tag.type == "TIME" else raw
    return float(wire) if kind in _FLOATS else round(wire)


def _node(tag: Tag) -> ua.NodeId:
    return ua.NodeId(ua.String(tag.id), ua.Int16(NAMESPACE))
