"""Port scan of one host: TCP connections to one port after another (T0846.001)."""

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, knock, paced
from simulators.text import Text

# What a scanner of industrial networks tries first; then the low ports, in order.
FIRST = (
    502,
    4840,
    1883,
    102,
    20000,
    44818,
    2404,
    47808,
    80,
    443,
    22,
    23,
    21,
    161,
    8080,
    8883,
    802,
    9600,
    5900,
    3389,
)


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` ports of `target` (a device), `rate_per_s` of them a second."""

    source: Source = ""
    target: str = "plc1"
    rate_per_s: Rate = 4.0
    count: Count = 120


async def run(field: Field, arguments: Arguments) -> None:
    host, _ = field.where.address(arguments.target)
    source = field.where.claim(arguments.source)
    field.say(Text(fr=f"balayage de {host} depuis {source}", en=f"scanning {host} from {source}"))
    field.began(arguments.target, source)
    wanted = ports(arguments.count)
    async for number in paced(field, len(wanted), arguments.rate_per_s):
        client = await knock(field.where, source, host, wanted[number])
        if client is not None:
            client.close()


def ports(count: int) -> list[int]:
    """That many different ports, the likely ones first."""
    others = [port for port in range(1, 1024) if port not in FIRST]
    return [*FIRST, *others][:count]


ATTACK = Attack(
    id="port_scan",
    name=Text(fr="Balayage de ports", en="Port scan"),
    technique="T0846.001",
    arguments=Arguments,
    zone="control",
    run=run,
    consequence_s=240.0,
    limit_s=600.0,
)
