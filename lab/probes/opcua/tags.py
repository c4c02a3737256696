"""Probes of one operation of one identity: read, write, subscribe to a tag, call a method."""

import msgspec

from lab.probes.contract import Exchange, Finding, InZone, Probe, Where
from lab.probes.opcua.entry import NETWORK, REFUSALS, Entry, result_of, session, tried
from lab.probes.opcua.operations import Action, allowed, known_values
from simulators.model import TagId
from simulators.text import Text

OUTCOMES = ("allowed", "denied", "not_proven", "rejected", "closed", "not_offered", "unreachable", "silent")
_SAID = {
    True: ("allowed", Text(fr="permis", en="allowed")),
    False: ("denied", Text(fr="interdit par le serveur", en="denied by the server")),
    None: ("not_proven", Text(fr="réponse qui ne prouve rien", en="an answer that proves nothing")),
}


class OnTag(Entry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As an identity, on one tag. A write puts the present value back."""

    tag: TagId


class OnMethod(Entry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As an identity, one method of the PLC, with an argument that changes nothing."""

    method: str


async def _look(where: Where, entry: Entry, action: Action, target: str) -> Finding:
    kept: list[Exchange] = []
    right = f"{action} {target}"
    try:
        async with session(where, entry, kept) as wire:
            values = await known_values([wire], [right])
            observed, said = _SAID[await allowed(wire, entry.device, right, values)]
    except NETWORK as error:
        return result_of(error).finding(kept, tried(entry.policy, entry.user))
    return Finding(observed, said, {}, kept)


def _on_tag(action: Action) -> InZone:
    async def look(where: Where, asked: OnTag) -> Finding:
        return await _look(where, asked, action, asked.tag)

    return look


async def _call(where: Where, asked: OnMethod) -> Finding:
    return await _look(where, asked, "call", asked.method)


def _probe(action: Action, arguments: type[msgspec.Struct], look: InZone) -> Probe:
    return Probe(f"opcua.{action}", arguments, OUTCOMES, look, "zone", ("denied", *REFUSALS), (), 20.0)


PROBES = [
    _probe("read", OnTag, _on_tag("read")),
    _probe("write", OnTag, _on_tag("write")),
    _probe("subscribe", OnTag, _on_tag("subscribe")),
    _probe("call", OnMethod, _call),
]
