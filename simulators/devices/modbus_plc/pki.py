"""A lab's own authority for Modbus/TCP Security: its certificate, the server's, and one per client role.

The role stands in the extension 1.3.6.1.4.1.50316.802.1 as a UTF8String (MODBUS/TCP Security Protocol
Specification, v21, 2018-07-24, chapter 8).
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROLE_OID = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
VALID = dt.timedelta(days=1825)
_UTF8_STRING = 0x0C


def ensure(folder: Path, name: str, addresses: Iterable[str], roles: Iterable[str], now: dt.datetime) -> None:
    """Make in `folder` what is absent: `ca`, `server`, `client` (no role) and `client-ROLE`, each `.pem` + `.key`.

    `addresses` are those that the server is reached at.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "ca.pem").exists():
        _save(folder / "ca", *authority(f"{name} lab CA", now))
    ca, ca_key = _load(folder / "ca")
    if not (folder / "server.pem").exists():
        _save(folder / "server", *leaf(name, ca, ca_key, now, addresses))
    for file, role in (("client", None), *((f"client-{role}", role) for role in roles)):
        if not (folder / f"{file}.pem").exists():
            _save(folder / file, *leaf(file, ca, ca_key, now, role=role))


def authority(name: str, now: dt.datetime) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    """A self-signed authority."""
    key = generate_private_key(SECP256R1())
    builder = _builder(name, _name(name), key, now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return builder.sign(key, hashes.SHA256()), key


def leaf(
    name: str,
    ca: x509.Certificate,
    ca_key: EllipticCurvePrivateKey,
    now: dt.datetime,
    addresses: Iterable[str] = (),
    role: str | None = None,
) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    """A certificate for either end; `role` puts it into a client's."""
    key = generate_private_key(SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = _builder(name, ca.subject, key, now)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        critical=False,
    )
    builder = builder.add_extension(issuer, critical=False)
    if role is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(ROLE_OID, _utf8(role)), critical=False)
    return builder.sign(ca_key, hashes.SHA256()), key


def role_of(certificate_der: bytes | None) -> str | None:
    """The role that a client's certificate states; None if it states none that can be read."""
    if certificate_der is None:
        return None
    try:
        extensions = x509.load_der_x509_certificate(certificate_der).extensions
        value = extensions.get_extension_for_oid(ROLE_OID).value
        data = value.public_bytes()
        if len(data) < 2 or data[0] != _UTF8_STRING or data[1] != len(data) - 2:
            return None
        return data[2:].decode()
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None


def _utf8(text: str) -> bytes:
    data = text.encode()
    return bytes((_UTF8_STRING, len(data))) + data


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    name: str, issuer: x509.Name, key: EllipticCurvePrivateKey, now: dt.datetime
) -> x509.CertificateBuilder:
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(subject, critical=False)
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _save(stem: Path, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
    private = stem.with_name(f"{stem.name}.key")
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    stem.with_name(f"{stem.name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


def _load(stem: Path) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    certificate = x509.load_pem_x509_certificate(stem.with_name(f"{stem.name}.pem").read_bytes())
    key = load_pem_private_key(stem.with_name(f"{stem.name}.key").read_bytes(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError(f"{stem.name}.key")
    return certificate, key
