"""Certificates that the probes show: the workstation's own, signed by its site's authority, and bad ones.

A site's authority is made from its name, the same each time and everywhere: an exercise prints its certificate
and its revocation list in a configuration (`python -m lab.probes.opcua.certificates NAME` shows both), and the
probe that runs later signs with the very same key. It is the authority of a teaching plant: nothing but a
simulated device trusts it, and no grade depends on its secrecy.
"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

APPLICATION_URI = "urn:usine-ecole:workstation"
Flaw = Literal[
    "self_signed", "unknown_authority", "expired", "not_yet_valid", "wrong_uri", "weak_key", "revoked"
]
FLAWS: tuple[Flaw, ...] = get_args(Flaw)
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_AUTHORITY_LIFE = timedelta(days=20 * 365)
_REVOKED_SERIAL = 0x5701E4
_STRONG_BITS, _WEAK_BITS = 2048, 1024


@dataclass(frozen=True)
class Pair:
    """An application's certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


@dataclass(frozen=True)
class Authority:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def authority(site: str) -> Authority:
    """The authority of the site of that name; its key is on P-256."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    drawn = int.from_bytes(hashlib.sha512(f"usine-ecole site authority {site}".encode()).digest(), "big")
    return Authority(
        _name(f"{site} - site authority"), ec.derive_private_key(drawn % (order - 1) + 1, ec.SECP256R1())
    )


def authority_pem(site: str) -> str:
    """The authority's own certificate, the same text each time."""
    signer = authority(site)
    public = signer.key.public_key()
    built = (
        x509.CertificateBuilder()
        .subject_name(signer.name)
        .issuer_name(signer.name)
        .public_key(public)
        .serial_number(int.from_bytes(hashlib.sha256(site.encode()).digest()[:8], "big") | 1)
        .not_valid_before(_EPOCH)
        .not_valid_after(_EPOCH + _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(True, 0), True)
        .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .sign(signer.key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return built.public_bytes(Encoding.PEM).decode()


def revocations_pem(site: str) -> str:
    """The authority's list of revoked certificates: one, that `workstation(site, "revoked")` shows."""
    signer = authority(site)
    entry = x509.RevokedCertificateBuilder().serial_number(_REVOKED_SERIAL).revocation_date(_EPOCH)
    built = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.name)
        .last_update(_EPOCH)
        .next_update(_EPOCH + _AUTHORITY_LIFE)
        .add_revoked_certificate(entry.build())
        .sign(signer.key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return built.public_bytes(Encoding.PEM).decode()


def workstation(site: str, flaw: Flaw | None = None) -> Pair:
    """The workstation's certificate as the site's authority signed it, or with one thing wrong."""
    key = _key(_WEAK_BITS if flaw == "weak_key" else _STRONG_BITS)
    issuer = authority(site if flaw != "unknown_authority" else f"{site}, forged")
    builder = _builder(flaw, key, _name("workstation") if flaw == "self_signed" else issuer.name)
    signed = builder.sign(key if flaw == "self_signed" else issuer.key, hashes.SHA256())
    return Pair(signed, key)


def ready() -> None:
    """Make the key, and load what signs with it."""
    workstation("")


@cache
def _key(bits: int) -> rsa.RSAPrivateKey:
    """One key of each size in a process and those forked from it: making them is what takes time."""
    return rsa.generate_private_key(65537, bits)


def _builder(flaw: Flaw | None, key: rsa.RSAPrivateKey, issuer: x509.Name) -> x509.CertificateBuilder:
    start, end = _LIVES.get(flaw, _VALID)()
    uri = APPLICATION_URI if flaw != "wrong_uri" else "urn:usine-ecole:somebody-else"
    usage = x509.KeyUsage(True, True, True, True, False, False, False, False, False)
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(_name("workstation"))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(_REVOKED_SERIAL if flaw == "revoked" else x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), False)
        .add_extension(usage, True)
        .add_extension(purposes, False)
    )


def _life(start_days: float, end_days: float) -> Callable[[], tuple[datetime, datetime]]:
    def life() -> tuple[datetime, datetime]:
        now = datetime.now(UTC)
        return now + timedelta(days=start_days), now + timedelta(days=end_days)

    return life


_VALID = _life(-1, 30)
_LIVES: dict[Flaw | None, Callable[[], tuple[datetime, datetime]]] = {
    "expired": _life(-30, -1),
    "not_yet_valid": _life(1, 30),
}


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


if __name__ == "__main__":
    sys.stdout.write(authority_pem(sys.argv[1]) + revocations_pem(sys.argv[1]))
