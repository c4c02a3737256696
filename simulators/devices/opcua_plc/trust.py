"""The trust list: which clients' certificates open a secure channel (OPC 10000-4 §6.1.3)."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from asyncua.common.utils import ServiceError
from asyncua.crypto.uacrypto import x509_from_der
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.devices.opcua_plc.config import TrustList
from simulators.document import PlaceError
from simulators.validation import Place

_T = TypeVar("_T")
_LONGEST_CHAIN = 4
SHOWN_MAX = 40
_FILE = re.compile(r"[\w][\w.-]{0,63}")
_PIN = re.compile(r"sha256:((?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2})")
_Bad = StatusCodes


class TrustStore:
    """Judges certificates. `accept_any` takes every one that can be read; a revocation list that has
    expired still counts, because a failing authority must not stop control (IEC 62443-3-3, 4.2).
    """

    def __init__(
        self,
        enforced: bool,
        trusted: Iterable[x509.Certificate] = (),
        revoked: Iterable[x509.Certificate] = (),
        lists: Iterable[x509.CertificateRevocationList] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pins: Iterable[bytes] = (),
    ) -> None:
        """`pins` are SHA-256 fingerprints of clients' own certificates."""
        self.enforced = enforced
        self._trusted = list(trusted)
        self._trusted_der = {certificate.public_bytes(Encoding.DER) for certificate in self._trusted}
        self._revoked_der = {certificate.public_bytes(Encoding.DER) for certificate in revoked}
        self._lists = list(lists)
        self._now = now
        self._pins = frozenset(pins)

    def check_client(self, der: bytes | None) -> None:
        """Whether a channel may be opened with the sender's certificate (or chain) `der`.

        Raises:
            ServiceError: with the status code that says why not.
        """
        certificate = parsed(der)
        if not self.enforced:
            return
        chain = self._chain(certificate)
        for link in chain:
            self._check_dates(link)
            self._check_revocation(link, chain)
        _check_strength(certificate)
        _check_usage(certificate)

    def check_person(self, der: bytes) -> None:
        """Whether a user's certificate, already known by name, is in date and not revoked.

        Raises:
            ServiceError: it is not.
        """
        certificate = parsed(der)
        self._check_dates(certificate)
        self._check_revocation(certificate, [certificate])

    def check_application(self, der: bytes, uri: str | None) -> None:
        """Raises: ServiceError: the client calls itself `uri` and its certificate does not."""
        if not self.enforced:
            return
        try:
            names = parsed(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, ValueError):
            raise ServiceError(_Bad.BadCertificateUriInvalid) from None
        if uri not in names.get_values_for_type(x509.UniformResourceIdentifier):
            raise ServiceError(_Bad.BadCertificateUriInvalid)

    def _chain(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """From the certificate to one that is trusted."""
        chain = [certificate]
        if certificate.fingerprint(hashes.SHA256()) in self._pins:
            return chain
        while chain[-1].public_bytes(Encoding.DER) not in self._trusted_der:
            issuer = next((ca for ca in self._trusted if _issued_by(chain[-1], ca)), None)
            if issuer is None or len(chain) == _LONGEST_CHAIN:
                raise ServiceError(_Bad.BadCertificateUntrusted)
            chain.append(issuer)
        return chain

    def _check_dates(self, certificate: x509.Certificate) -> None:
        if not certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc:
            raise ServiceError(_Bad.BadCertificateTimeInvalid)

    def _check_revocation(self, certificate: x509.Certificate, chain: list[x509.Certificate]) -> None:
        if certificate.public_bytes(Encoding.DER) in self._revoked_der:
            raise ServiceError(_Bad.BadCertificateRevoked)
        authorities = [*chain, *self._trusted]
        for revocations in self._lists:
            listed = revocations.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if listed and revocations.issuer == certificate.issuer and _signed(revocations, authorities):
                raise ServiceError(_Bad.BadCertificateRevoked)


def parsed(der: bytes | None) -> x509.Certificate:
    """The (first) certificate of `der`. Raises: ServiceError: it cannot be read."""
    try:
        certificate = x509_from_der(der)  # type: ignore[no-untyped-call]
    except (ValueError, IndexError):
        certificate = None
    if not isinstance(certificate, x509.Certificate):
        raise ServiceError(_Bad.BadCertificateInvalid)
    return certificate


def load_trust(settings: TrustList, folder: Path) -> TrustStore:
    """The store that the configuration describes; files are those of `folder`.

    Raises:
        PlaceError: an entry is neither PEM nor a readable file; names it.
    """
    pins = [pin for entry in settings.trusted if (pin := _pinned(entry)) is not None]
    trusted = [
        certificate_of(entry, folder, ("trust_list", "trusted", i))
        for i, entry in enumerate(settings.trusted)
        if _pinned(entry) is None
    ]
    revoked: list[x509.Certificate] = []
    lists: list[x509.CertificateRevocationList] = []
    for index, entry in enumerate(settings.revoked):
        try:
            lists.append(_load(entry, folder, x509.load_pem_x509_crl, x509.load_der_x509_crl))
        except (OSError, ValueError):
            revoked.append(certificate_of(entry, folder, ("trust_list", "revoked", index)))
    return TrustStore(settings.mode == "enforced", trusted, revoked, lists, pins=pins)


def fingerprint(der: bytes | None) -> str:
    """A certificate's name for people and for the trust list: `sha256:…`; empty if there is none to read."""
    try:
        return f"sha256:{parsed(der).fingerprint(hashes.SHA256()).hex()}"
    except ServiceError:
        return ""


def _pinned(entry: str) -> bytes | None:
    """The fingerprint written in `entry`, None if it is something else."""
    match = _PIN.fullmatch(entry.strip())
    return bytes.fromhex(match[1].replace(":", "")) if match else None


def certificate_of(entry: str, folder: Path, place: Place) -> x509.Certificate:
    """The certificate written in `entry` (PEM), or in the file of `folder` that it names.

    Raises:
        PlaceError: it cannot be read; names the entry and what it may be.
    """
    try:
        return _load(entry, folder, x509.load_pem_x509_certificate, x509.load_der_x509_certificate)
    except OSError as error:  # its own words name the server's folder
        raise PlaceError(
            place,
            f"{_shown(entry)} : aucun fichier de ce nom dans le dossier {folder.name} de l'équipement ; collez le "
            "certificat entier (PEM, de BEGIN à END) ou donnez son empreinte sha256:…",
            f"{_shown(entry)}: no file of this name in the device's folder {folder.name}; paste the whole certificate "
            "(PEM, from BEGIN to END) or give its fingerprint sha256:…",
        ) from error
    except ValueError as error:
        raise PlaceError(
            place,
            f"{_shown(entry)} : ce n'est ni un certificat (PEM, de BEGIN à END), ni le nom d'un fichier, ni une "
            "empreinte sha256: suivie de 64 chiffres hexadécimaux ; collez le texte entier, en retrait après « - | »",
            f"{_shown(entry)}: neither a certificate (PEM, from BEGIN to END), nor a file's name, nor a fingerprint "
            "sha256: followed by 64 hexadecimal digits; paste the whole text, indented after '- |'",
        ) from error


def _shown(entry: str) -> str:
    """What a person finds the entry again by."""
    first = entry.strip().partition("\n")[0]
    return first if len(first) <= SHOWN_MAX else f"{first[:SHOWN_MAX]}…"


def _load(entry: str, folder: Path, pem: Callable[[bytes], _T], der: Callable[[bytes], _T]) -> _T:
    if "-----BEGIN" in entry:
        return pem(entry.encode())
    if not _FILE.fullmatch(entry):
        raise ValueError("not a file name")
    data = (folder / entry).read_bytes()
    return pem(data) if b"-----BEGIN" in data else der(data)


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return constraints.ca


def _signed(revocations: x509.CertificateRevocationList, authorities: Iterable[x509.Certificate]) -> bool:
    for authority in authorities:
        if authority.subject == revocations.issuer:
            key = authority.public_key()
            if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
                continue
            if revocations.is_signature_valid(key):
                return True
    return False


def _check_strength(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise ServiceError(_Bad.BadCertificatePolicyCheckFailed)
    if isinstance(certificate.signature_hash_algorithm, (hashes.SHA1, hashes.MD5)):
        raise ServiceError(_Bad.BadCertificatePolicyCheckFailed)


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise ServiceError(_Bad.BadCertificateUseNotAllowed) from None
    if not (usage.digital_signature and usage.key_encipherment and usage.data_encipherment):
        raise ServiceError(_Bad.BadCertificateUseNotAllowed)
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise ServiceError(_Bad.BadCertificateUseNotAllowed)
