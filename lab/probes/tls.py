"""TLS at a port: what is agreed on, and the certificate that the server shows."""

import asyncio
import datetime as dt
import ssl
from typing import Annotated, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lab.probes.contract import Exchange, Finding, Probe, Where
from lab.probes.stream import (
    FAILURES,
    REFUSED,
    Port,
    Tls,
    Trouble,
    WaitS,
    connected,
    context,
    tls_words,
    version,
)
from simulators.text import Text

DAY_S = 86_400
# After the handshake of TLS 1.3 a server that wants a certificate says so only now.
VERDICT_S = 0.5
CERTIFICATE_REQUEST = 13  # RFC 8446, 4


class Handshake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `tls.ca` the chain and the host name are checked; `tls.most: TLSv1.1` offers old versions only."""

    device: str
    port: Port | None = None
    tls: Tls = Tls()
    wait_s: WaitS = 3.0


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server's certificate, judged by itself and, with `ca` (PEM), by its issuer and name."""

    device: str
    port: Port | None = None
    ca: str | None = None
    hostname: str | None = None
    key_bits_least: Annotated[int, msgspec.Meta(ge=0)] = 2048
    wait_s: WaitS = 3.0


class ClientCertificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the server demands a certificate of its client: none is shown."""

    device: str
    port: Port | None = None
    wait_s: WaitS = 3.0


async def handshake(where: Where, args: Handshake) -> Finding:
    try:
        async with connected(where, args.device, args.port, args.wait_s, args.tls) as stream:
            agreed, cipher = version(stream)
            await _verdict(stream.reader)
    except Trouble as trouble:
        return _met(trouble)
    figures = {"tls": float(agreed.removeprefix("TLSv") or 0)}
    said = Text(fr=f"{agreed}, {cipher}", en=f"{agreed}, {cipher}")
    return Finding("accepted", said, figures, [Exchange("TLS handshake", f"{agreed} {cipher}")])


async def certificate(where: Where, args: Certificate) -> Finding:
    try:
        async with connected(where, args.device, args.port, args.wait_s, Tls()) as stream:
            shown = stream.tls.getpeercert(binary_form=True) if stream.tls is not None else None
    except Trouble as trouble:
        return _met(trouble)
    if shown is None:
        return Finding("closed", _TROUBLE["closed"], {}, [Exchange("TLS handshake", "no certificate")])
    found = x509.load_der_x509_certificate(shown)
    figures = {"key_bits": float(_key_bits(found)), "days_left": round(_days_left(found), 2)}
    observed = await _judged(where, args, found)
    exchange = Exchange(
        "certificate", f"{found.subject.rfc4514_string()} until {found.not_valid_after_utc:%Y-%m-%d}"
    )
    return Finding(observed, _CERTIFICATE[observed], figures, [exchange])


async def client_certificate(where: Where, args: ClientCertificate) -> Finding:
    asked: list[int] = []
    settings = context(Tls())
    # The request stands in the handshake itself; how a server then ends the connection differs.
    settings._msg_callback = lambda _c, _d, _v, _t, message, _data: asked.append(message)  # type: ignore[attr-defined]
    observed, answer = "not_demanded", "accepted"
    try:
        async with connected(where, args.device, args.port, args.wait_s, Tls(), settings=settings) as stream:
            await _verdict(stream.reader)
    except Trouble as trouble:
        if CERTIFICATE_REQUEST not in asked:
            return _met(trouble)
        observed, answer = "demanded", f"{trouble.observed}: {trouble.answer}"
    if observed == "not_demanded" and CERTIFICATE_REQUEST in asked:
        observed = "optional"
    return Finding(observed, _CLIENT[observed], {}, [Exchange("TLS without a certificate", answer)])


async def _judged(where: Where, args: Certificate, found: x509.Certificate) -> str:
    if _days_left(found) <= 0:
        return "expired"
    if args.key_bits_least and _key_strength(found) < args.key_bits_least:
        return "weak_key"
    if args.ca is None:
        return "self_signed" if found.issuer == found.subject else "valid"
    try:
        settings = Tls(ca=args.ca, hostname=args.hostname)
        async with connected(where, args.device, args.port, args.wait_s, settings):
            return "valid"
    except Trouble as trouble:
        wrong_name = "MISMATCH" in trouble.answer.upper()
        return (
            "wrong_name"
            if wrong_name
            else "untrusted"
            if trouble.observed == "tls_refused"
            else trouble.observed
        )


async def _verdict(reader: asyncio.StreamReader) -> None:
    """Read what the server says right after the handshake. Raises: Trouble: it refuses."""
    try:
        async with asyncio.timeout(VERDICT_S):
            if not await reader.read(1):
                raise Trouble("closed", "closed right after the handshake")
    except TimeoutError:
        return
    except ssl.SSLError as error:
        raise Trouble("tls_refused", tls_words(error)) from error
    except OSError as error:
        raise Trouble("closed", str(error)) from error


def _key_bits(found: x509.Certificate) -> int:
    key = found.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key.key_size
    return 256 if isinstance(key, ed25519.Ed25519PublicKey) else 0


def _key_strength(found: x509.Certificate) -> int:
    """Bits of the RSA key that is as strong (NIST SP 800-57 part 1, table 2: P-256 equals RSA 3072)."""
    key, bits = found.public_key(), _key_bits(found)
    if isinstance(key, rsa.RSAPublicKey):
        return bits
    return 3072 if bits >= 256 else 2048 if bits >= 224 else 1024


def _days_left(found: x509.Certificate) -> float:
    return (found.not_valid_after_utc - dt.datetime.now(dt.UTC)).total_seconds() / DAY_S


def _met(trouble: Trouble) -> Finding:
    exchange = Exchange("TLS handshake", f"{trouble.observed}: {trouble.answer}")
    return Finding(trouble.observed, _TROUBLE[trouble.observed], {}, [exchange])


State = Literal["valid", "expired", "weak_key", "self_signed", "untrusted", "wrong_name"]
_CERTIFICATE: dict[str, Text] = {
    "valid": Text(fr="le certificat est valable", en="the certificate is valid"),
    "expired": Text(fr="le certificat est périmé", en="the certificate has expired"),
    "weak_key": Text(fr="la clé du certificat est trop courte", en="the certificate's key is too short"),
    "self_signed": Text(fr="le certificat se signe lui-même", en="the certificate signs itself"),
    "untrusted": Text(
        fr="l'autorité n'a pas émis ce certificat", en="the authority did not issue this certificate"
    ),
    "wrong_name": Text(fr="le certificat est au nom d'un autre", en="the certificate names somebody else"),
}
_TROUBLE: dict[str, Text] = {
    "unreachable": Text(fr="la connexion est refusée", en="the connection is refused"),
    "closed": Text(fr="le serveur ferme la connexion", en="the server closes the connection"),
    "tls_refused": Text(fr="la négociation TLS échoue", en="the TLS handshake fails"),
    "silent": Text(fr="le serveur ne répond pas", en="the server does not answer"),
}
_CERTIFICATE |= _TROUBLE
_CLIENT = {
    "demanded": Text(
        fr="le serveur refuse un client sans certificat",
        en="the server refuses a client without a certificate",
    ),
    "optional": Text(
        fr="le serveur demande un certificat et s'en passe",
        en="the server asks for a certificate and does without",
    ),
    "not_demanded": Text(
        fr="le serveur accepte un client sans certificat",
        en="the server accepts a client without a certificate",
    ),
}

PROBES = (
    Probe("tls.handshake", Handshake, ("accepted", *FAILURES), handshake, "zone", REFUSED, ("tls",)),
    Probe(
        "tls.certificate", Certificate, (*State.__args__, *FAILURES), certificate, "zone",  # type: ignore[attr-defined]
        REFUSED, ("key_bits", "days_left"),
    ),
    Probe(
        "tls.client_certificate", ClientCertificate, ("demanded", "optional", "not_demanded", *FAILURES), client_certificate,
        "zone", ("demanded", *REFUSED),
    ),
)  # fmt: skip
