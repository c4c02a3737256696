"""Asks a PLC what it is: device identification, server id, a sweep of functions; OPC UA discovery (T0888)."""

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, Wire, connection, paced
from scenarios.attacks import _opcua as opcua
from simulators.text import Text

# Functions that change something even without data stay out: an identification leaves the plant as it is.
HARMFUL = {5, 6, 8, 15, 16, 21, 22, 23}
IDENTIFICATION = [b"\x2b\x0e\x01\x00", b"\x2b\x0e\x02\x00", b"\x2b\x0e\x03\x00", b"\x11"]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` requests to `target` (a PLC), `rate_per_s` of them a second."""

    source: Source = ""
    target: str = "plc1"
    rate_per_s: Rate = 0.5
    count: Count = 30


async def run(field: Field, arguments: Arguments) -> None:
    host, port = field.where.address(arguments.target)
    source = field.where.claim(arguments.source)
    field.say(Text(fr=f"identification de {host} depuis {source}", en=f"identifying {host} from {source}"))
    field.began(arguments.target, source)
    ask = discover if field.where.line.device(arguments.target).kind == "opcua_plc" else sweep
    async with connection(field.where, source, host, port) as wire:
        if wire is not None:
            await ask(field, wire, f"opc.tcp://{host}:{port}", arguments)


async def sweep(field: Field, wire: Wire, _url: str, arguments: Arguments) -> None:
    """Modbus: who are you (functions 43/14 and 17), then which functions do you know (exception 01: not this one)."""
    others = [bytes((function,)) for function in range(1, 128) if function not in HARMFUL | {17, 43}]
    requests = (IDENTIFICATION + others)[: arguments.count]
    async for number in paced(field, len(requests), arguments.rate_per_s):
        if not await wire.modbus(requests[number]):
            return


async def discover(field: Field, wire: Wire, url: str, arguments: Arguments) -> None:
    """OPC UA: which endpoints, with which policies, which other servers."""
    await wire.exchange(opcua.hello(url))
    channel = opcua.channel_of(await wire.exchange(opcua.open_channel()))
    if channel is None:
        return
    async for number in paced(field, arguments.count, arguments.rate_per_s):
        ask = opcua.find_servers if number % 2 else opcua.get_endpoints
        if not await wire.exchange(ask(channel, url, number + 2)):
            return


ATTACK = Attack(
    id="identify",
    name=Text(fr="Identification de l'automate", en="PLC identification"),
    technique="T0888",
    arguments=Arguments,
    zone="control",
    run=run,
    consequence_s=240.0,
    limit_s=600.0,
)
