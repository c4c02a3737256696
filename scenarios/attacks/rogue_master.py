"""A foreign address polls the PLC as SCADA does (T0848)."""

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, connection, paced
from simulators.devices.scada.registers import blocks_of
from simulators.text import Text


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` polls of `target` (a Modbus PLC), `rate_per_s` of them a second, of the blocks that SCADA reads."""

    source: Source = ""
    target: str = "plc1"
    rate_per_s: Rate = 0.5
    count: Count = 45


async def run(field: Field, arguments: Arguments) -> None:
    host, port = field.where.address(arguments.target)
    source = field.where.claim(arguments.source)
    requests = [block.request for block in blocks_of(field.where.line.tags_of(arguments.target))]
    field.say(Text(fr=f"{source} interroge {host}", en=f"{source} polls {host}"))
    field.began(arguments.target, source)
    async with connection(field.where, source, host, port) as wire:
        if wire is None:
            return
        async for _ in paced(field, arguments.count, arguments.rate_per_s):
            for request in requests:
                if not await wire.modbus(request):
                    return


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
