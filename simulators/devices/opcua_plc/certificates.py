"""The server's own key and certificate (RSA 2048, ten years), made once and kept in the device's folder."""

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulators.errors import StartError
from simulators.os_errors import os_words

CERTIFICATE_FILE, KEY_FILE = "own_certificate.pem", "own_key.pem"
_LIFETIME = timedelta(days=3650)


@dataclass(frozen=True)
class OwnCertificate:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def own_certificate(folder: Path, uri: str, addresses: list[str]) -> OwnCertificate:
    """The pair kept in `folder`; made anew when there is none or it has expired.

    Raises:
        StartError: what is there cannot be read, or nothing can be written.
    """
    try:
        kept = _kept(folder)
        return (
            kept
            if kept and kept.certificate.not_valid_after_utc > datetime.now(UTC)
            else _make(folder, uri, addresses)
        )
    except (OSError, ValueError, TypeError) as error:
        why = os_words(error)
        raise StartError(
            f"certificat du serveur OPC UA, {folder} : {why.fr} ; effacez {CERTIFICATE_FILE} et {KEY_FILE}, ou libérez le disque",
            f"OPC UA server certificate, {folder}: {why.en}; delete {CERTIFICATE_FILE} and {KEY_FILE}, or free the disk",
        ) from error


def _kept(folder: Path) -> OwnCertificate | None:
    if not (folder / CERTIFICATE_FILE).exists() or not (folder / KEY_FILE).exists():
        return None
    certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
    key = serialization.load_pem_private_key((folder / KEY_FILE).read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("key and certificate do not belong together")
    return OwnCertificate(certificate, key)


def _make(folder: Path, uri: str, addresses: list[str]) -> OwnCertificate:
    key = rsa.generate_private_key(65537, 2048)
    certificate = _self_signed(key, uri, addresses)
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    (folder / CERTIFICATE_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return OwnCertificate(certificate, key)


def _self_signed(key: rsa.RSAPrivateKey, uri: str, addresses: list[str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rpartition(":")[2])])
    now = datetime.now(UTC)
    hosts: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
    hosts += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    usage = x509.KeyUsage(True, True, True, True, False, True, False, False, False)
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.SubjectAlternativeName(hosts), False)
        .add_extension(usage, True)
        .add_extension(purposes, False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
