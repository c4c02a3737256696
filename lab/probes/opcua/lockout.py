"""Probe of the lock-out: wrong passwords, then the right one; and whether the process's account is spared."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from cryptography import x509

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.opcua.entry import NETWORK, Entry, Result, attempt, result_of, server_certificate
from lab.probes.opcua.sessions import Who
from simulators.devices.opcua_plc.config import PolicyName
from simulators.model import Identifier
from simulators.text import Text

_DEAD = ("silent", "unreachable")
_SAID = {
    "locked": Text(fr="verrouillé après ces échecs ; le compte du procédé entre toujours", en="locked after these failures; the process's account still comes in"),
    "not_locked": Text(fr="le bon mot de passe entre encore : rien ne freine les essais", en="the right password still comes in: nothing slows whoever guesses"),
    "essential_locked": Text(fr="le compte du procédé est verrouillé lui aussi", en="the process's account is locked too"),
    "essential_refused": Text(fr="le compte du procédé n'entre pas, même sans échec", en="the process's account does not come in, even without failures"),
    "any_password": Text(fr="un mot de passe faux est admis", en="a wrong password is admitted"),
}  # fmt: skip


class Lockout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`attempts` wrong passwords of `account`, and as many of `essential`; then the right ones.

    Choose a zone that no other check comes from: the address stays locked for a while.
    """

    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    policy: PolicyName
    site: str = ""
    account: Who
    essential: Who
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5

    def entry(self, who: Who, password: str | None = None) -> Entry:
        return Entry(
            device=self.device, port=self.port, policy=self.policy, site=self.site,
            user=who.user, password=who.password if password is None else password,
        )  # fmt: skip


async def look(where: Where, asked: Lockout) -> Finding:
    tries = _Tries(where)
    try:
        tries.server = await server_certificate(where, asked.entry(asked.essential))
    except NETWORK as error:
        return _refused(result_of(error), tries)
    before = await tries.of(asked.entry(asked.essential), "process account, right password")
    if before.outcome != "accepted":
        return _refused(before, tries)
    for who in (asked.account, asked.essential):
        for number in range(asked.attempts):
            wrong = await tries.of(asked.entry(who, f"wrong-{number}"), f"{who.user}, wrong password")
            if wrong.outcome == "accepted":
                return tries.finding("any_password")
            if wrong.outcome in _DEAD:
                return wrong.finding(tries.kept, None)
    account = await tries.of(asked.entry(asked.account), f"{asked.account.user}, right password")
    essential = await tries.of(asked.entry(asked.essential), "process account, right password")
    return _judged(account, essential, tries)


@dataclass
class _Tries:
    """Attempts at one server, and what came of each."""

    where: Where
    server: x509.Certificate | None = None
    kept: list[Exchange] = field(default_factory=list)

    async def of(self, entry: Entry, said: str) -> Result:
        result = await attempt(self.where, entry, [], server=self.server)
        self.kept.append(Exchange(said, result.status or result.outcome))
        return result

    def finding(self, observed: str) -> Finding:
        wrong = sum("wrong" in exchange.request for exchange in self.kept)
        return Finding(observed, _SAID[observed], {"wrong_passwords": wrong}, self.kept)


def _refused(result: Result, tries: _Tries) -> Finding:
    """The process's account did not come in."""
    return result.finding(tries.kept, None) if result.outcome in _DEAD else tries.finding("essential_refused")


def _judged(account: Result, essential: Result, tries: _Tries) -> Finding:
    for result in (account, essential):
        if result.outcome in _DEAD:
            return result.finding(tries.kept, None)
    if account.outcome == "accepted":
        return tries.finding("not_locked")
    return tries.finding("locked" if essential.outcome == "accepted" else "essential_locked")


PROBES = [
    Probe(
        "opcua.lockout",
        Lockout,
        (*_SAID, "unreachable", "silent"),
        look,
        "zone",
        ("locked", "essential_locked", "essential_refused", "unreachable"),
        ("wrong_passwords",),
        60.0,
    )
]
