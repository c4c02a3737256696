"""Harmless visits from addresses that nobody knows: a detector that only looks at who it is cries at them."""

import asyncio
from typing import Annotated

import msgspec

from lab.attacks.wire import Source, connection, knock
from lab.probes.contract import Exchange, Finding, InZone, Probe, Where
from lab.probes.opcua.wire import RefusedError, Wire
from lab.probes.operation import IDENTIFICATION
from simulators.devices.scada.registers import Block, item_of
from simulators.model import Identifier
from simulators.text import Text

Pause = Annotated[float, msgspec.Meta(ge=0, le=60, description="seconds of the wall")]
Times = Annotated[int, msgspec.Meta(ge=1, le=60)]


class Availability(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A supervision of the network: are the `devices` there? Their own port is opened and closed, `rounds` times."""

    source: Source = ""
    devices: Annotated[list[Identifier], msgspec.Meta(min_length=1, max_length=10)]
    rounds: Times = 3
    pause_s: Pause = 1.0


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An auditor reads some tags of a Modbus PLC, one by one."""

    source: Source = ""
    device: Identifier = "plc1"
    tags: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    pause_s: Pause = 1.0


class Inventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An inventory asks each PLC once what it is: function 43 over Modbus, GetEndpoints over OPC UA."""

    source: Source = ""
    devices: Annotated[list[Identifier], msgspec.Meta(min_length=1, max_length=10)]
    pause_s: Pause = 1.0


class LostClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody's old client asks for a port that a device no longer serves, again and again."""

    source: Source = ""
    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    times: Times = 10
    pause_s: Pause = 1.0


async def availability(where: Where, asked: Availability) -> Finding:
    source = where.claim(asked.source)
    kept: list[Exchange] = []
    for number in range(asked.rounds):
        for device in asked.devices:
            if number or kept:
                await asyncio.sleep(asked.pause_s / len(asked.devices))
            kept.append(await _knocked(where, source, *where.address(device)))
    return _told(kept, "open")


async def reading(where: Where, asked: Reading) -> Finding:
    source = where.claim(asked.source)
    host, port = where.address(asked.device)
    kept: list[Exchange] = []
    async with connection(where, source, host, port) as wire:
        for name in asked.tags if wire is not None else ():
            item = item_of(where.line.tag(name))
            block = Block(item.place.table, item.place.start, item.place.count, (item,))
            answer = await wire.modbus(block.request) if wire is not None else b""
            kept.append(Exchange(f"{name}?", "read" if len(answer) == 2 + block.answer_bytes else "\u2013"))
            await asyncio.sleep(asked.pause_s)
    return _told(kept, "read")


async def inventory(where: Where, asked: Inventory) -> Finding:
    source = where.claim(asked.source)
    kept: list[Exchange] = []
    for device in asked.devices:
        if kept:
            await asyncio.sleep(asked.pause_s)
        ask = _endpoints if where.line.device(device).kind == "opcua_plc" else _identity
        kept.append(Exchange(f"{device}: who are you?", await ask(where, source, device)))
    return _told(kept, "told")


async def lost_client(where: Where, asked: LostClient) -> Finding:
    source = where.claim(asked.source)
    kept: list[Exchange] = []
    for number in range(asked.times):
        if number:
            await asyncio.sleep(asked.pause_s)
        kept.append(await _knocked(where, source, *where.address(asked.device, asked.port)))
    return _told(kept, "closed")


async def _knocked(where: Where, source: str, host: str, port: int) -> Exchange:
    client = await knock(where, source, host, port)
    if client is not None:
        client.close()
    return Exchange(f"{host}:{port}", "closed" if client is None else "open")


async def _identity(where: Where, source: str, device: str) -> str:
    host, port = where.address(device)
    async with connection(where, source, host, port) as wire:
        return "told" if wire is not None and await wire.modbus(IDENTIFICATION) else "\u2013"


async def _endpoints(where: Where, source: str, device: str) -> str:
    wire = Wire(*where.address(device), source=source)
    try:
        await wire.connect()
        await wire.open()
        return "told" if await wire.endpoints() else "\u2013"
    except (RefusedError, OSError):
        return "\u2013"
    finally:
        await wire.close()


def _told(kept: list[Exchange], wanted: str) -> Finding:
    done = sum(exchange.answer == wanted for exchange in kept)
    said = Text(fr=f"{done} sur {len(kept)}", en=f"{done} of {len(kept)}")
    return Finding("done" if done else "refused", said, {"done": float(done)}, kept)


def _probe(name: str, arguments: type[msgspec.Struct], look: InZone) -> Probe:
    return Probe(
        name=f"visit.{name}",
        arguments=arguments,
        outcomes=("done", "refused"),
        look=look,
        place="zone",
        refusals=("refused",),
        figures=("done",),
        limit_s=120.0,
    )


PROBES = (
    _probe("availability", Availability, availability),
    _probe("reading", Reading, reading),
    _probe("inventory", Inventory, inventory),
    _probe("lost_client", LostClient, lost_client),
)
