"""Certificates for tests: one key for all, because making keys is what takes time."""

import ipaddress
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

URI = "urn:test:client"


def key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """The same key for the same arguments."""
    return _made(bits, number)


@cache
def _made(bits: int, _number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def authority(name: str = "Test CA", number: int = 1) -> x509.Certificate:
    return (
        _builder(name, name, key(number=number), timedelta(days=-1), timedelta(days=30))
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key(number=number), hashes.SHA256())
    )


def client(
    name: str = "client",
    issuer: str | None = None,
    issuer_key: int = 1,
    start_days: float = -1,
    end_days: float = 30,
    uri: str = URI,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    signs: bool = True,
    bits: int = 2048,
    number: int = 0,
) -> x509.Certificate:
    """A client's certificate, self-signed unless `issuer` names an authority whose key is `issuer_key`."""
    own = key(bits, number)
    usage = x509.KeyUsage(signs, True, True, True, False, False, False, False, False)
    names = [x509.UniformResourceIdentifier(uri), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    start, end = timedelta(days=start_days), timedelta(days=end_days)
    return (
        _builder(name, issuer or name, own, start, end)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(usage, True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), False)
        .sign(key(number=issuer_key) if issuer else own, hashes.SHA256())
    )


def revocations(*revoked: x509.Certificate, issuer: str = "Test CA", issuer_key: int = 1) -> str:
    """A revocation list (PEM) of the authority."""
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(issuer))
    builder = builder.last_update(now - timedelta(days=2)).next_update(now - timedelta(days=1))
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(number=issuer_key), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    name: str, issuer: str, own: rsa.RSAPrivateKey, start: timedelta, end: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(issuer))
    builder = builder.public_key(own.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now + start).not_valid_after(now + end)
