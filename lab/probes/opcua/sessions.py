"""Probes of who may come in: as an ordinary client would, and raw, asking for what is not advertised."""

from typing import Annotated

import msgspec
from asyncua import ua

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.opcua.entry import (
    NETWORK,
    OUTCOMES,
    REFUSALS,
    Entry,
    Result,
    advertised,
    attempt,
    result_of,
    server_certificate,
    tried,
)
from lab.probes.opcua.wire import security
from simulators.devices.opcua_plc.config import PolicyName
from simulators.model import Identifier
from simulators.text import Text

_NOBODY = Text(fr="accès anonyme", en="anonymous access")
_PASSWORD = Text(fr="connexion par mot de passe", en="log-in by password")
# From what a check can least conclude from to what it can most.
_WORST = ("accepted", "silent", "unreachable", "closed", "not_offered", "rejected")


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An identity to try; without `user`, anonymous."""

    user: str | None = None
    password: str = ""


class RawSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask for `policy`, whatever is advertised, with each of `identities` in turn."""

    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    policy: PolicyName
    site: str = ""
    identities: Annotated[list[Who], msgspec.Meta(min_length=1, max_length=8)]

    def entry(self, who: Who) -> Entry:
        return Entry(
            device=self.device, port=self.port, policy=self.policy, site=self.site,
            user=who.user, password=who.password,
        )  # fmt: skip


async def look_raw(where: Where, asked: RawSession) -> Finding:
    """Accepted if any identity is; each must be refused, so the least clear refusal is what was observed."""
    kept: list[Exchange] = []
    results: list[Result] = []
    try:
        server = await server_certificate(where, asked.entry(asked.identities[0]))
    except NETWORK as error:
        every = Text(fr=asked.policy, en=asked.policy)
        return result_of(error).finding(kept, every, {"tried": 0, "accepted": 0})
    for who in asked.identities:
        results.append(await attempt(where, asked.entry(who), kept, server=server))
        if results[-1].outcome in ("silent", "unreachable"):
            break
    worst = min(range(len(results)), key=lambda number: _WORST.index(results[number].outcome))
    accepted = sum(result.outcome == "accepted" for result in results)
    figures = {"tried": float(len(results)), "accepted": float(accepted)}
    return results[worst].finding(kept, tried(asked.policy, asked.identities[worst].user), figures)


async def look(where: Where, entry: Entry) -> Finding:
    """As an ordinary client: it reads what is advertised, and gives up of itself if nothing there suits."""
    kept: list[Exchange] = []
    try:
        suits = any(_suits(endpoint, entry) for endpoint in await advertised(where, entry, kept))
    except NETWORK as error:
        return result_of(error).finding(kept, tried(entry.policy, entry.user))
    if not suits:
        by = _NOBODY if entry.user is None else _PASSWORD
        way = Text(fr=f"{entry.policy}, {by.fr}", en=f"{entry.policy}, {by.en}")
        return Result("not_offered").finding(kept, way)
    return (await attempt(where, entry, kept)).finding(kept, tried(entry.policy, entry.user))


def _suits(endpoint: ua.EndpointDescription, entry: Entry) -> bool:
    policy, mode = security(entry.policy)
    kind = ua.UserTokenType.Anonymous if entry.user is None else ua.UserTokenType.UserName
    same = endpoint.SecurityPolicyUri == policy.URI and endpoint.SecurityMode == mode
    return same and any(token.TokenType == kind for token in endpoint.UserIdentityTokens)


PROBES = [
    Probe("opcua.session", Entry, OUTCOMES, look, "zone", REFUSALS, (), 20.0),
    Probe("opcua.raw_session", RawSession, OUTCOMES, look_raw, "zone", REFUSALS, ("tried", "accepted"), 40.0),
]
