"""Probe of the trust list: bad certificates, each made for the attempt, and a good one as the control."""

from typing import Annotated

import msgspec
from cryptography import x509

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.opcua.certificates import FLAWS, Flaw
from lab.probes.opcua.entry import (
    NETWORK,
    Entry,
    Result,
    attempt,
    own_pair,
    result_of,
    server_certificate,
)
from simulators.devices.opcua_plc.config import PolicyName
from simulators.model import Identifier
from simulators.text import Text

_DEAD = ("silent", "unreachable")
_NAMES: dict[Flaw, Text] = {
    "self_signed": Text(fr="auto-signé", en="self-signed"),
    "unknown_authority": Text(fr="d'une autorité inconnue", en="of an unknown authority"),
    "expired": Text(fr="périmé", en="expired"),
    "not_yet_valid": Text(fr="pas encore valable", en="not valid yet"),
    "wrong_uri": Text(fr="d'une autre application (URI)", en="of another application (URI)"),
    "weak_key": Text(fr="à clé trop courte", en="with too short a key"),
    "revoked": Text(fr="révoqué", en="revoked"),
}


class Certificates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Come in as `user` with the certificate that the authority of `site` signed, then with one of each flaw."""

    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    policy: PolicyName = "Basic256Sha256_SignAndEncrypt"
    user: str | None = None
    password: str = ""
    site: Annotated[str, msgspec.Meta(min_length=1)]
    flaws: tuple[Flaw, ...] = FLAWS


async def look(where: Where, asked: Certificates) -> Finding:
    entry = Entry(
        device=asked.device, port=asked.port, policy=asked.policy,
        user=asked.user, password=asked.password, site=asked.site,
    )  # fmt: skip
    kept: list[Exchange] = []
    try:
        server = await server_certificate(where, entry)
    except NETWORK as error:
        return _seen(result_of(error), [], [], kept)
    trusted = await _try(where, entry, None, server, kept)
    refused: list[Flaw] = []
    accepted: list[Flaw] = []
    for flaw in asked.flaws if trusted.outcome not in _DEAD else ():
        result = await _try(where, entry, flaw, server, kept)
        if result.outcome in _DEAD:
            return _seen(result, refused, accepted, kept)
        (accepted if result.outcome == "accepted" else refused).append(flaw)
    # Once more: a server that fell over on a bad certificate has refused none of those that came after.
    return _seen(await _try(where, entry, None, server, kept), refused, accepted, kept)


async def _try(
    where: Where, entry: Entry, flaw: Flaw | None, server: x509.Certificate | None, kept: list[Exchange]
) -> Result:
    result = await attempt(where, entry, [], own_pair(entry, flaw), server)
    kept.append(Exchange(f"certificate {flaw or 'trusted'}", result.status or result.outcome))
    return result


def _seen(trusted: Result, refused: list[Flaw], accepted: list[Flaw], kept: list[Exchange]) -> Finding:
    """`trusted` is what came of the good certificate at last."""
    if trusted.outcome in _DEAD:
        return trusted.finding(kept, None)
    figures: dict[str, float] = {
        "bad_accepted": len(accepted),
        "bad_refused": len(refused),
        "trusted_accepted": float(trusted.outcome == "accepted"),
    }
    if accepted:
        said = Text(
            fr=f"mauvais certificats admis : {', '.join(_NAMES[flaw].fr for flaw in accepted)}",
            en=f"bad certificates admitted: {', '.join(_NAMES[flaw].en for flaw in accepted)}",
        )
        return Finding("lax", said, figures, kept)
    if trusted.outcome != "accepted":
        why = trusted.finding([], None).said
        said = Text(
            fr=f"même le bon certificat n'entre pas : {why.fr}",
            en=f"even the good certificate does not come in: {why.en}",
        )
        return Finding("all_refused", said, figures, kept)
    said = Text(
        fr="mauvais certificats refusés, le bon admis", en="bad certificates refused, the good one admitted"
    )
    return Finding("enforced", said, figures, kept)


PROBES = [
    Probe(
        "opcua.certificates",
        Certificates,
        ("enforced", "lax", "all_refused", "unreachable", "silent"),
        look,
        "zone",
        ("all_refused", "unreachable"),
        ("bad_accepted", "bad_refused", "trusted_accepted"),
        60.0,
    )
]
