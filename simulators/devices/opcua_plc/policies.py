"""Security policies by their names in the configuration, and the endpoints that advertise them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from asyncua import ua
from asyncua.crypto.security_policies import (
    SECURITY_POLICY_TYPE_MAP,
    SecurityPolicyFactory,
    SecurityPolicyNone,
)

from simulators.devices.opcua_plc.certificates import OwnCertificate
from simulators.devices.opcua_plc.config import Configuration, PolicyName

NONE_URI: str = SecurityPolicyNone.URI
_TRANSPORT = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"


@dataclass(frozen=True)
class Offer:
    """A policy and mode that the server offers. `level` ranks them, higher is better."""

    factory: SecurityPolicyFactory
    uri: str
    mode: ua.MessageSecurityMode
    level: int


def offers(names: Iterable[PolicyName], own: OwnCertificate | None) -> list[Offer]:
    """What the configuration's `policies` stand for."""
    found = []
    for name in dict.fromkeys(names):
        kind = ua.SecurityPolicyType["NoSecurity" if name == "None" else name]
        policy, mode, level = cast("tuple[Any, Any, int]", SECURITY_POLICY_TYPE_MAP[kind])
        pair: tuple[Any, Any] = (own.certificate, own.key) if own else (None, None)
        factory = SecurityPolicyFactory(policy, mode, *pair)  # type: ignore[no-untyped-call]
        found.append(Offer(factory, policy.URI, mode, level))
    return found


def endpoints(
    offered: list[Offer], configuration: Configuration, server: ua.ApplicationDescription, certificate: bytes
) -> list[ua.EndpointDescription]:
    """One description for each offer, its URL still to be set to what the client used."""
    return [
        ua.EndpointDescription(
            "", server, certificate, offer.mode, offer.uri,
            _tokens(offer, configuration), _TRANSPORT, ua.Byte(offer.level),
        )
        for offer in offered
    ]  # fmt: skip


def _tokens(offer: Offer, configuration: Configuration) -> list[ua.UserTokenPolicy]:
    identities = configuration.identities
    signed = offer.mode != ua.MessageSecurityMode.None_
    tokens = []
    if identities.anonymous != "denied":
        tokens.append(_token("anonymous", ua.UserTokenType.Anonymous, NONE_URI))
    if identities.users and (signed or identities.clear_passwords):
        tokens.append(_token("username", ua.UserTokenType.UserName, offer.uri))
    if identities.certificates and signed:
        tokens.append(_token("certificate", ua.UserTokenType.Certificate, offer.uri))
    return tokens


def _token(policy_id: str, kind: ua.UserTokenType, uri: str) -> ua.UserTokenPolicy:
    token = ua.UserTokenPolicy()
    token.PolicyId, token.TokenType, token.SecurityPolicyUri = policy_id, kind, uri
    return token
