"""Who may do what: the configuration's rules, compiled once, asked at every request.

A request passes if one rule (of the peer, and one of its role where roles are used) permits each thing it
touches. Otherwise the exception says what no rule permits: 0x0B the unit, 01 the function or direction,
02 the addresses.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulators.devices.modbus_plc.config import Grant, Rule
from simulators.devices.modbus_plc.pdu import (
    GATEWAY_NO_RESPONSE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    Request,
    Touch,
)

Permission = Sequence[Grant]


@dataclass(frozen=True, slots=True)
class Rights:
    """Of one connection: every list must permit; no list permits all."""

    lists: tuple[Permission, ...] = ()

    def refusal(self, unit: int, request: Request) -> int:
        """0 if permitted, else the exception code."""
        for grants in self.lists:
            if code := _refusal(grants, unit, request):
                return code
        return 0


def peer_rules(rules: Sequence[Rule] | None, peer: str) -> Permission | None:
    """The rules that name `peer`; None where there are no rules at all."""
    if rules is None:
        return None
    address = ipaddress.ip_address(peer)
    return [r for r in rules if r.peer is None or address in ipaddress.ip_network(r.peer, strict=False)]


def role_rules(roles: Mapping[str, Sequence[Grant]] | None, role: str | None) -> Permission | None:
    """The grants of `role`, none for a certificate without one; None where roles are not used."""
    return None if roles is None else list(roles.get(role or "", ()))


def _refusal(grants: Permission, unit: int, request: Request) -> int:
    if not grants:
        return ILLEGAL_FUNCTION
    grants = [g for g in grants if g.units is None or unit in g.units]
    if not grants:
        return GATEWAY_NO_RESPONSE
    grants = [g for g in grants if g.functions is None or request.function in g.functions]
    if not request.touches:
        return 0 if any(_directs(g, request.writes) for g in grants) else ILLEGAL_FUNCTION
    for touch in request.touches:
        able = [g for g in grants if _directs(g, touch.write)]
        if not able:
            return ILLEGAL_FUNCTION
        if not any(_covers(g, touch) for g in able):
            return ILLEGAL_ADDRESS
    return 0


def _directs(grant: Grant, write: bool) -> bool:
    return grant.access == "any" or (grant.access == "write") == write


def _covers(grant: Grant, touch: Touch) -> bool:
    if grant.ranges is None:
        return True
    last = touch.start + touch.size - 1
    return any(r.table == touch.table and r.first <= touch.start and last <= r.last for r in grant.ranges)
