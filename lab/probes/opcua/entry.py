"""How a probe comes in: policy, certificate and identity, and what came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal, cast

import msgspec
from asyncua import ua
from cryptography import x509

from lab.probes.contract import Exchange, Finding, Where
from lab.probes.opcua.certificates import APPLICATION_URI, Flaw, Pair, workstation
from lab.probes.opcua.wire import NONE, RefusedError, Wire, named, security
from simulators.devices.opcua_plc.config import PolicyName
from simulators.model import Identifier
from simulators.text import Text

Outcome = Literal["accepted", "rejected", "closed", "not_offered", "unreachable", "silent"]
OUTCOMES = ("accepted", "rejected", "closed", "not_offered", "unreachable", "silent")
REFUSALS = ("rejected", "closed", "not_offered", "unreachable")
_SAID: dict[str, Text] = {
    "accepted": Text(fr="session ouverte", en="session opened"),
    "rejected": Text(fr="refusé par le serveur", en="refused by the server"),
    "closed": Text(fr="connexion fermée sans réponse", en="connection closed without an answer"),
    "not_offered": Text(fr="le serveur ne l'offre pas", en="the server does not offer it"),
    "unreachable": Text(fr="connexion TCP impossible", en="no TCP connection"),
    "silent": Text(fr="pas de réponse", en="no answer"),
}
_NO_CERTIFICATE = Text(
    fr="le serveur ne présente aucun certificat, et aucun canal sûr ne s'ouvre donc",
    en="the server presents no certificate, so that no secure channel can be opened",
)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place and a way in. Without `user`, anonymous. `site` names the authority that signs the workstation's
    certificate (`lab.probes.opcua.certificates`); without it the certificate is self-signed.
    """

    device: Identifier
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    policy: PolicyName = "None"
    user: str | None = None
    password: str = ""
    site: str = ""


class NotOfferedError(Exception):
    """The server presents no certificate with which a secure channel could be opened."""


class Result(msgspec.Struct, frozen=True):
    """What came of one attempt, with the status code's name where there was one.

    `certificate`: False where what was asked for cannot be had because the server presents none.
    """

    outcome: Outcome
    status: str = ""
    certificate: bool = True

    def finding(
        self, exchanges: list[Exchange], tried: Text | None, figures: dict[str, float] | None = None
    ) -> Finding:
        """`tried` names what was asked for (see `tried`)."""
        said = _SAID[self.outcome] if self.certificate else _NO_CERTIFICATE
        if self.status:
            said = Text(fr=f"{said.fr} ({self.status})", en=f"{said.en} ({self.status})")
        if tried is not None:
            said = Text(fr=f"{tried.fr} : {said.fr}", en=f"{tried.en}: {said.en}")
        return Finding(self.outcome, said, figures or {}, exchanges)


ACCEPTED = Result("accepted")


def tried(policy: PolicyName, user: str | None) -> Text:
    """A policy and an identity, for a sentence."""
    return Text(fr=f"{policy}, {user or 'anonyme'}", en=f"{policy}, {user or 'anonymous'}")


def result_of(error: Exception) -> Result:
    """What an attempt that ended with `error` came to. Raises: the error, if it is none of the network's."""
    if isinstance(error, RefusedError):
        return Result(
            "closed" if error.by == "closed" else "rejected",
            "" if error.by == "closed" else named(error.code),
        )
    if isinstance(error, NotOfferedError):
        return Result("not_offered", certificate=False)
    if isinstance(error, TimeoutError):
        return Result("silent")
    if isinstance(error, OSError):
        return Result("unreachable")
    raise error


NETWORK = (RefusedError, NotOfferedError, OSError)  # TimeoutError is an OSError


def own_pair(entry: Entry, flaw: Flaw | None = None) -> Pair | None:
    """The certificate to show, None for policy None."""
    if entry.policy == "None":
        return None
    return workstation(entry.site, flaw if entry.site else "self_signed")


@asynccontextmanager
async def channel(
    where: Where, entry: Entry, own: Pair | None, kept: list[Exchange], server: x509.Certificate | None
) -> AsyncIterator[Wire]:
    """A connection with a secure channel opened as `entry` says, whatever is advertised.

    Raises:
        RefusedError, NotOfferedError, OSError: as they are; TimeoutError (an OSError) when nothing answers.
    """
    server = server or await server_certificate(where, entry)
    wire = Wire(*where.address(entry.device, entry.port))
    try:
        await wire.connect()
        await wire.open(entry.policy, own, server)
        yield wire
    finally:
        kept.extend(wire.exchanges)
        await wire.close()


@asynccontextmanager
async def session(
    where: Where,
    entry: Entry,
    kept: list[Exchange],
    own: Pair | None = None,
    server: x509.Certificate | None = None,
) -> AsyncIterator[Wire]:
    """A session of `entry`'s identity; `server` spares asking again for its certificate. Raises: as `channel`."""
    async with channel(where, entry, own or own_pair(entry), kept, server) as wire:
        await wire.create_session(APPLICATION_URI)
        await wire.activate(entry.user, entry.password)
        yield wire


async def attempt(
    where: Where,
    entry: Entry,
    kept: list[Exchange],
    own: Pair | None = None,
    server: x509.Certificate | None = None,
) -> Result:
    """Try to open a session, and say what came of it."""
    try:
        async with session(where, entry, kept, own, server):
            return ACCEPTED
    except NETWORK as error:
        return result_of(error)


async def advertised(where: Where, entry: Entry, kept: list[Exchange]) -> list[ua.EndpointDescription]:
    """What the server says that it offers. Raises: as `channel`."""
    wire = Wire(*where.address(entry.device, entry.port))
    try:
        await wire.connect()
        await wire.open()
        return await wire.endpoints()
    finally:
        kept.extend(wire.exchanges)
        await wire.close()


async def server_certificate(where: Where, entry: Entry) -> x509.Certificate | None:
    """What the server presents for the policy asked, or for any other; None for policy None. Raises: as `channel`."""
    kind, mode = security(entry.policy)
    if kind is NONE:
        return None
    found = await advertised(where, entry, [])
    found.sort(key=lambda e: (e.SecurityPolicyUri == kind.URI, e.SecurityMode == mode), reverse=True)
    for endpoint in found:
        if endpoint.ServerCertificate:
            return x509.load_der_x509_certificate(cast("bytes", endpoint.ServerCertificate))
    raise NotOfferedError
