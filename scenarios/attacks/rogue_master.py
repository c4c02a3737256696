"""Somebody else polls the PLC as its master does (T0848): with SCADA's requests, or with those of another program."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, connection, paced
from simulators.devices.scada.registers import Block, blocks_of
from simulators.text import Text


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` polls of `target` (a Modbus PLC), `rate_per_s` of them a second, of the blocks that SCADA reads.

    With `registers`, of all registers in requests of so many: what a program does that does not know SCADA's blocks.
    """

    source: Source = ""
    target: str = "plc1"
    rate_per_s: Rate = 0.5
    count: Count = 45
    registers: Annotated[int, msgspec.Meta(ge=0, le=125)] = 0


async def run(field: Field, arguments: Arguments) -> None:
    host, port = field.where.address(arguments.target)
    source = field.where.claim(arguments.source)
    requests = polled(blocks_of(field.where.line.tags_of(arguments.target)), arguments.registers)
    field.say(Text(fr=f"{source} interroge {host}", en=f"{source} polls {host}"))
    field.began(arguments.target, source)
    async with connection(field.where, source, host, port) as wire:
        if wire is None:
            return
        async for _ in paced(field, arguments.count, arguments.rate_per_s):
            for request in requests:
                if not await wire.modbus(request):
                    return


def polled(blocks: Sequence[Block], registers: int) -> list[bytes]:
    """One poll's requests: of these blocks, or of their registers `registers` at a time."""
    if not registers:
        return [block.request for block in blocks]
    return [
        Block(block.table, start, min(registers, block.start + block.count - start), ()).request
        for block in blocks
        if block.table.endswith("_register")
        for start in range(block.start, block.start + block.count, registers)
    ]


ATTACK = Attack(
    id="rogue_master",
    name=Text(fr="Maître Modbus inconnu", en="Rogue Modbus master"),
    technique="T0848",
    arguments=Arguments,
    zone="control",
    run=run,
    consequence_s=300.0,
    limit_s=900.0,
)
