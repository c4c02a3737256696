"""Looks for the points of a PLC: reads its address space range after range (T0861)."""

import struct

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, connection, paced
from simulators.text import Text

READS = (3, 4, 1, 2)
STEP = 100  # registers or bits a request


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` ranges of `target` (a Modbus PLC), `rate_per_s` of them a second."""

    source: Source = ""
    target: str = "plc1"
    rate_per_s: Rate = 1.0
    count: Count = 60


async def run(field: Field, arguments: Arguments) -> None:
    host, port = field.where.address(arguments.target)
    source = field.where.claim(arguments.source)
    field.say(Text(fr=f"relevé des points de {host} depuis {source}", en=f"mapping {host} from {source}"))
    field.began(arguments.target, source)
    async with connection(field.where, source, host, port) as wire:
        if wire is None:
            return
        async for number in paced(field, arguments.count, arguments.rate_per_s):
            function, start = READS[number % len(READS)], number // len(READS) * STEP
            if not await wire.modbus(struct.pack(">BHH", function, start, STEP)):
                return


ATTACK = Attack(
    id="tag_identification",
    name=Text(fr="Relevé des points de l'automate", en="Point and tag identification"),
    technique="T0861",
    arguments=Arguments,
    zone="control",
    run=run,
    consequence_s=300.0,
    limit_s=600.0,
)
