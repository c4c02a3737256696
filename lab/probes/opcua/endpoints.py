"""Probe of what the server advertises: policies, modes, ways to say who one is, its certificate."""

from datetime import UTC, datetime
from typing import Annotated, cast

import msgspec
from asyncua import ua
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.opcua.entry import NETWORK, Entry, advertised, result_of
from simulators.model import Identifier
from simulators.text import Text

_DEPRECATED = ("Basic128Rsa15", "Basic256")  # withdrawn by the OPC Foundation: SHA-1
_SAID = {
    "strong": Text(fr="que des canaux sûrs et des identités", en="secure channels and identities only"),
    "weak": Text(fr="au moins un accès faible est annoncé", en="at least one weak way in is advertised"),
    "none": Text(fr="aucun accès n'est annoncé", en="no way in is advertised"),
}


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None


async def look(where: Where, asked: Endpoints) -> Finding:
    kept: list[Exchange] = []
    try:
        found = await advertised(where, Entry(device=asked.device, port=asked.port), kept)
    except NETWORK as error:
        return result_of(error).finding(kept, None)
    kept += [Exchange("advertised", _described(endpoint)) for endpoint in found]
    figures = _figures(found)
    weak = figures["none"] + figures["deprecated"] + figures["anonymous"] + figures["clear_passwords"]
    observed = "none" if not found else "weak" if weak else "strong"
    return Finding(observed, _SAID[observed], figures, kept)


def _policy(endpoint: ua.EndpointDescription) -> str:
    return str(endpoint.SecurityPolicyUri or "").rpartition("#")[2]


def _described(endpoint: ua.EndpointDescription) -> str:
    tokens = ", ".join(token.TokenType.name for token in endpoint.UserIdentityTokens) or "nobody"
    return f"{_policy(endpoint)} {endpoint.SecurityMode.name.rstrip('_')}: {tokens}"


def _figures(found: list[ua.EndpointDescription]) -> dict[str, float]:
    none = [endpoint for endpoint in found if endpoint.SecurityMode == ua.MessageSecurityMode.None_]
    figures: dict[str, float] = {
        "endpoints": len(found),
        "none": len(none),
        "deprecated": sum(_policy(endpoint) in _DEPRECATED for endpoint in found),
        "anonymous": sum(_takes(endpoint, ua.UserTokenType.Anonymous) for endpoint in found),
        "clear_passwords": sum(_takes(endpoint, ua.UserTokenType.UserName) for endpoint in none),
    }
    for endpoint in found:
        if endpoint.ServerCertificate:
            return {**figures, **_certificate(cast("bytes", endpoint.ServerCertificate))}
    return figures


def _takes(endpoint: ua.EndpointDescription, kind: ua.UserTokenType) -> bool:
    return any(token.TokenType == kind for token in endpoint.UserIdentityTokens)


def _certificate(der: bytes) -> dict[str, float]:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    bits = key.key_size if isinstance(key, rsa.RSAPublicKey) else 0
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return {"key_bits": bits, "days_left": round(left.total_seconds() / 86400, 1)}


PROBES = [
    Probe(
        "opcua.endpoints",
        Endpoints,
        ("strong", "weak", "none", "rejected", "closed", "unreachable", "silent"),
        look,
        "zone",
        ("none", "rejected", "closed", "unreachable"),
        ("endpoints", "none", "deprecated", "anonymous", "clear_passwords", "key_bits", "days_left"),
        20.0,
    )
]
