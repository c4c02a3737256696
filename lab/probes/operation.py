"""What a legitimate engineer does from a station of the plant: traffic that a detector must leave in peace."""

import asyncio
from typing import Annotated

import msgspec

from lab.attacks.wire import Source, Wire, connection
from lab.probes.contract import Exchange, Finding, Probe, Where
from simulators.devices.scada.registers import Block, item_of, write_request
from simulators.text import Text

IDENTIFICATION = b"\x2b\x0e\x01\x00"  # function 43/14, basic device identification


class Maintenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session on a Modbus PLC: who are you, then each tag read and written back as it was, `pause_s` (wall) apart."""

    source: Source = ""
    target: str = "plc1"
    tags: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    pause_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0


async def maintain(where: Where, arguments: Maintenance) -> Finding:
    """Writes what it has read: the plant does not notice."""
    source = where.claim(arguments.source)
    host, port = where.address(arguments.target)
    exchanges = []
    async with connection(where, source, host, port) as wire:
        if wire is None:
            return Finding(
                "refused", Text(fr=f"{host} refuse {source}", en=f"{host} refuses {source}"), {"writes": 0.0}
            )
        await wire.modbus(IDENTIFICATION)
        for name in arguments.tags:
            await asyncio.sleep(arguments.pause_s)
            exchanges.append(await _write_back(wire, where, name))
    done = sum(exchange.answer == "OK" for exchange in exchanges)
    return Finding(
        "done" if done else "refused",
        Text(fr=f"{source} : {done} consignes réécrites", en=f"{source}: {done} set points written back"),
        {"writes": float(done)},
        exchanges,
    )


async def _write_back(wire: Wire, where: Where, name: str) -> Exchange:
    item = item_of(where.line.tag(name))
    block = Block(item.place.table, item.place.start, item.place.count, (item,))
    answer = await wire.modbus(block.request)
    if len(answer) != 2 + block.answer_bytes or answer[0] & 0x80:
        return Exchange(f"{name}?", answer.hex() or "–")
    raw = next(raw for _tag, raw in block.values(answer[2:]))
    answer = await wire.modbus(write_request(item, raw))
    return Exchange(f"{name} := {raw}", "OK" if answer and not answer[0] & 0x80 else answer.hex() or "–")


PROBES = (
    Probe(
        name="operation.maintenance",
        arguments=Maintenance,
        outcomes=("done", "refused"),
        look=maintain,
        place="zone",
        refusals=("refused",),
        figures=("writes",),
        limit_s=120.0,
    ),
)
