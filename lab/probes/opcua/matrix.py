"""Probe of the role matrix: for each identity, what it may do and what it may not."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.opcua.entry import NETWORK, Entry, result_of, server_certificate, session, tried
from lab.probes.opcua.operations import Right, Values, allowed, known_values
from lab.probes.opcua.wire import Wire
from simulators.devices.opcua_plc.config import PolicyName
from simulators.model import Identifier
from simulators.text import Text

_SHOWN = 6


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One identity (anonymous without `user`); rights are `read TAG`, `write TAG`, `subscribe TAG`, `call METHOD`."""

    user: str | None = None
    password: str = ""
    may: list[Right] = []
    may_not: list[Right] = []


class RoleMatrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    policy: PolicyName
    site: str = ""
    rows: Annotated[list[Row], msgspec.Meta(min_length=1, max_length=6)]

    def entry(self, row: Row) -> Entry:
        return Entry(
            device=self.device, port=self.port, policy=self.policy, site=self.site,
            user=row.user, password=row.password,
        )  # fmt: skip


@dataclass
class _Table:
    """Rights found, by how they compare with what was asked."""

    right: int = 0
    excess: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    def put(self, who: str, wanted: str, asked: bool, found: bool | None) -> None:
        if found is None:
            self.unproven.append(f"{who}: {wanted}")
        elif found == asked:
            self.right += 1
        else:
            (self.missing if asked else self.excess).append(f"{who}: {wanted}")

    def finding(self, kept: list[Exchange]) -> Finding:
        figures: dict[str, float] = {
            "right": self.right, "excess": len(self.excess),
            "missing": len(self.missing), "unproven": len(self.unproven),
        }  # fmt: skip
        if self.excess:
            words = _listed(self.excess)
            return Finding(
                "too_wide",
                Text(fr=f"droits en trop : {words}", en=f"rights in excess: {words}"),
                figures,
                kept,
            )
        if self.missing:
            words = _listed(self.missing)
            return Finding(
                "too_narrow",
                Text(fr=f"droits manquants : {words}", en=f"rights missing: {words}"),
                figures,
                kept,
            )
        if self.unproven:
            words = _listed(self.unproven)
            return Finding(
                "not_proven", Text(fr=f"non prouvé : {words}", en=f"not proven: {words}"), figures, kept
            )
        return Finding(
            "as_asked",
            Text(fr="chaque rôle a ses droits, et eux seuls", en="each role has its rights, and those only"),
            figures,
            kept,
        )


async def look(where: Where, asked: RoleMatrix) -> Finding:
    way: list[Exchange] = []
    wires: list[Wire] = []
    who = Text(fr=asked.policy, en=asked.policy)
    try:
        async with AsyncExitStack() as held:
            server = await server_certificate(where, asked.entry(asked.rows[0]))
            for row in asked.rows:
                who = tried(asked.policy, row.user)
                entering = session(where, asked.entry(row), way, server=server)
                wires.append(await held.enter_async_context(entering))
            rights = [right for row in asked.rows for right in (*row.may, *row.may_not)]
            values = await known_values(wires, rights)
            table, kept = _Table(), list[Exchange]()
            for row, wire in zip(asked.rows, wires, strict=True):
                kept += await _filled(table, wire, asked.device, row, values)
    except NETWORK as error:
        return result_of(error).finding(way, who)
    return table.finding(kept)


async def _filled(table: _Table, wire: Wire, device: str, row: Row, values: Values) -> list[Exchange]:
    """Put one identity's rights into the table; what was said, with the identity's name before it."""
    who, before = row.user or "anonymous", len(wire.exchanges)
    for wanted, asked in [*((right, True) for right in row.may), *((right, False) for right in row.may_not)]:
        table.put(who, wanted, asked, await allowed(wire, device, wanted, values))
    return [Exchange(f"{who}: {one.request}", one.answer) for one in wire.exchanges[before:]]


def _listed(entries: list[str]) -> str:
    more = " …" if len(entries) > _SHOWN else ""
    return ", ".join(entries[:_SHOWN]) + more


PROBES = [
    Probe(
        "opcua.role_matrix",
        RoleMatrix,
        (
            "as_asked",
            "too_wide",
            "too_narrow",
            "not_proven",
            "rejected",
            "closed",
            "not_offered",
            "unreachable",
            "silent",
        ),
        look,
        "zone",
        ("rejected", "closed", "not_offered", "unreachable"),
        ("right", "excess", "missing", "unproven"),
        40.0,
    )
]
