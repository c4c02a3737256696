"""What people do with the line: an operator's command through SCADA, and an engineer's maintenance session."""

import asyncio
import time
from typing import Annotated, NamedTuple

import msgspec

from lab.attacks.wire import Source, Wire, connection
from lab.probes.contract import Exchange, Finding, Inside, Probe, Where
from lab.probes.process import snapshot
from simulators.devices.scada.registers import Block, item_of, write_request
from simulators.errors import InputError, NotFoundError, StartError, UsineError
from simulators.model import Tag
from simulators.text import Text

IDENTIFICATION = b"\x2b\x0e\x01\x00"  # function 43/14, basic device identification
# A set point moves by so little of its range that no bottle notices, and a PLC's single precision still does.
HAIR = 1e-4
EFFECT_S, LOOK_S = 4.0, 0.05  # of the wall


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


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Set points (writable tags of type REAL with a range) that the operator moves by a hair and puts back."""

    tags: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10)]


class _Try(NamedTuple):
    """One set point's move; `trouble` None: the operator was obeyed."""

    exchange: Exchange
    trouble: Text | None


def command(inside: Inside, asked: Command) -> Finding:
    """An operator's commands, through SCADA over the wire; each counts once the PLC has it and the display shows it.

    Raises:
        InputError: one of the tags is no such set point.
        StartError: SCADA itself is being restarted.
    """
    tags = [set_point(inside.line.tag(name)) for name in asked.tags]
    inside.doing(Text(fr="une commande d'opérateur", en="an operator's command"))
    tries = [_moved(inside, tag) for tag in tags]
    exchanges = [each.exchange for each in tries]
    troubles = [
        (tag, each.trouble) for tag, each in zip(tags, tries, strict=True) if each.trouble is not None
    ]
    figures = {"commands_pct": round(100.0 * (1.0 - len(troubles) / len(tries)), 1)}
    if not troubles:
        return Finding("obeyed", _ALL_OBEYED, figures, exchanges)
    tag, why = troubles[0]
    said = Text(
        fr=f"L'opérateur n'est pas obéi, par la supervision : {tag.name.fr} ({why.fr})",
        en=f"The operator is not obeyed, through SCADA: {tag.name.en} ({why.en})",
    )
    return Finding("not_obeyed", said, figures, exchanges)


def _moved(inside: Inside, tag: Tag) -> _Try:
    """Move the set point, see it moved at the PLC and on the display, put it back."""
    before = _held(inside, tag)
    after = _beside(tag, before)
    trouble = _ordered(inside, tag, after) or _ordered(inside, tag, before)
    answer = "done, and put back" if trouble is None else trouble.en
    return _Try(Exchange(f"{tag.id} := {after:.9g}", answer), trouble)


def _ordered(inside: Inside, tag: Tag, value: float) -> Text | None:
    """Why an order did not get through, None if it did."""
    try:
        inside.lab.request("write", tag=tag.id, value=value)
    except (StartError, NotFoundError):
        raise  # the lab's own trouble
    except UsineError as error:
        return error.text
    return None if _shows(inside, tag, value) else _NO_EFFECT


def _shows(inside: Inside, tag: Tag, value: float) -> bool:
    """Whether PLC and display have the value, within a bound."""
    until_s = time.monotonic() + EFFECT_S
    while True:
        found = snapshot(inside.lab).tags[tag.id]
        if found.quality == "good" and all(_near(tag, each, value) for each in (found.truth, found.shown)):
            return True
        if time.monotonic() > until_s:
            return False
        time.sleep(LOOK_S)


def _held(inside: Inside, tag: Tag) -> float:
    """What the PLC has. Raises: InputError: it has nothing."""
    truth = snapshot(inside.lab).tags[tag.id].truth
    if isinstance(truth, bool | str) or truth is None:
        raise InputError(
            f"{tag.id} : l'automate {tag.device} n'en a pas de valeur",
            f"{tag.id}: the PLC {tag.device} has no value of it",
        )
    return float(truth)


def _beside(tag: Tag, value: float) -> float:
    low, high = _range(tag)
    hair = HAIR * (high - low)
    return value + hair if value + hair <= high else value - hair


def _near(tag: Tag, value: object, wanted: float) -> bool:
    low, high = _range(tag)
    return isinstance(value, int | float) and abs(value - wanted) < HAIR * (high - low) / 10


def _range(tag: Tag) -> tuple[float, float]:
    assert tag.range is not None  # `set_point` has looked
    return tag.range


def set_point(tag: Tag) -> Tag:
    """`tag`, if it is one that can be moved by a hair. Raises: InputError: it is not; says which are."""
    if not tag.writable or tag.type not in {"REAL", "LREAL"} or tag.range is None:
        raise InputError(
            f"{tag.id} n'est pas une consigne ; choisissez une variable REAL inscriptible, avec une étendue",
            f"{tag.id} is no set point; choose a writable REAL tag with a range",
        )
    return tag


_NO_EFFECT = Text(fr="ordre admis, mais sans effet", en="taken, but without effect")
_ALL_OBEYED = Text(fr="l'opérateur est obéi", en="the operator is obeyed")

PROBES = (
    Probe(
        name="operation.command",
        arguments=Command,
        outcomes=("obeyed", "not_obeyed"),
        look=command,
        place="inside",
        figures=("commands_pct",),
        limit_s=60.0,
    ),
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
