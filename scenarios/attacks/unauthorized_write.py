"""Writes a set point that is no operator's, and keeps it there; undone, it writes the former value (T1692.001)."""

from typing import Annotated
from weakref import WeakKeyDictionary

import msgspec

from lab.attacks.contract import Attack, Field
from lab.attacks.wire import Count, Rate, Source, Wire, connection, paced
from simulators.devices.scada.registers import Block, Item, item_of, write_request
from simulators.devices.scada.scaling import Raw, raw_of
from simulators.errors import InputError
from simulators.model import Tag
from simulators.text import Text

DEFAULT_PCT = 20.0  # of the tag's range


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`value` (engineering units; a fifth of its range if none) written `count` times to a writable Modbus tag."""

    source: Source = ""
    tag: str = "Pasteuriser.SetPoint"
    value: Annotated[float | None, msgspec.Meta(description="engineering units")] = None
    rate_per_s: Rate = 0.2
    count: Count = 12


_BEFORE: WeakKeyDictionary[Field, Raw] = WeakKeyDictionary()


async def run(field: Field, arguments: Arguments) -> None:
    tag = wanted(field, arguments.tag)
    source = field.where.claim(arguments.source)
    low, high = tag.range or (0.0, 100.0)
    value = arguments.value if arguments.value is not None else low + (high - low) * DEFAULT_PCT / 100.0
    host, port = field.where.address(tag.device)
    field.say(Text(fr=f"{tag.id} := {value:g} depuis {source}", en=f"{tag.id} := {value:g} from {source}"))
    field.began(tag.device, source)
    async with connection(field.where, source, host, port) as wire:
        if wire is None:
            return
        before = await read(wire, item_of(tag))
        if before is not None:
            _BEFORE[field] = before
        async for _ in paced(field, arguments.count, arguments.rate_per_s):
            if not await wire.modbus(write_request(item_of(tag), raw_of(tag, value))):
                return


async def undo(field: Field, arguments: Arguments) -> None:
    before = _BEFORE.pop(field, None)
    if before is None:
        return
    tag = wanted(field, arguments.tag)
    host, port = field.where.address(tag.device)
    async with connection(field.where, field.where.claim(arguments.source), host, port) as wire:
        if wire is not None:
            await wire.modbus(write_request(item_of(tag), before))


def wanted(field: Field, name: str) -> Tag:
    """Raises: InputError: no such tag, or none that Modbus writes."""
    tag = field.where.line.tag(name)
    if not tag.writable or field.where.line.device(tag.device).kind != "modbus_plc":
        known = [
            t.id
            for t in field.where.line.tags
            if t.writable and field.where.line.device(t.device).kind == "modbus_plc"
        ]
        raise InputError(
            f"{name} ne s'écrit pas en Modbus ; choisissez parmi : {', '.join(known)}",
            f"{name} is not written over Modbus; choose one of: {', '.join(known)}",
        )
    return tag


async def read(wire: Wire, item: Item) -> Raw | None:
    """The tag's raw value."""
    block = Block(item.place.table, item.place.start, item.place.count, (item,))
    answer = await wire.modbus(block.request)
    if len(answer) != 2 + block.answer_bytes or answer[0] & 0x80:
        return None
    return next((raw for _tag, raw in block.values(answer[2:])), None)


ATTACK = Attack(
    id="unauthorized_write",
    name=Text(fr="Consigne écrite sans autorisation", en="Unauthorised set point"),
    technique="T1692.001",
    arguments=Arguments,
    zone="control",
    run=run,
    undo=undo,
    consequence_s=180.0,
    limit_s=600.0,
)
