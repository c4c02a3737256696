"""From an identity token to an identity: anonymous, user name and password, X.509 certificate."""

import asyncio
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from cryptography.hazmat.primitives.serialization import Encoding

from simulators.devices.opcua_plc import passwords
from simulators.devices.opcua_plc.access import Identity
from simulators.devices.opcua_plc.certificates import OwnCertificate
from simulators.devices.opcua_plc.config import Configuration, User
from simulators.devices.opcua_plc.lockout import LockoutTable
from simulators.devices.opcua_plc.names import standard
from simulators.devices.opcua_plc.trust import TrustStore, certificate_of

_Bad = StatusCodes
_LONGEST_NAME = 64
_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
_OAEP_256 = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"
_RSA_15 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
_DECRYPT: dict[str, Callable[[Any, bytes], bytes]] = {
    _OAEP: uacrypto.decrypt_rsa_oaep,
    _OAEP_256: uacrypto.decrypt_rsa_oaep_sha256,
    _RSA_15: uacrypto.decrypt_rsa15,
}
_VERIFY: dict[str, Callable[[Any, bytes, bytes], None]] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": uacrypto.verify_sha256,
    "http://opcfoundation.org/UA/security/rsa-pss-sha2-256": uacrypto.verify_pss_sha256,
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": uacrypto.verify_sha1,
}


@dataclass(frozen=True)
class Claim:
    """A log-in as it came: the token, its signature, the session's nonce, the channel's policy, the peer."""

    token: Any
    signature: ua.SignatureData
    nonce: bytes
    policy: Any
    address: str

    @property
    def user(self) -> str:
        """The name that is claimed, for counting and for the audit log."""
        name = getattr(self.token, "UserName", None)
        if isinstance(name, str):
            return name[:_LONGEST_NAME]
        return "certificate" if isinstance(self.token, ua.X509IdentityToken) else "anonymous"


class Gate:
    """Admits or refuses claims; counts failures for the lock-out."""

    def __init__(
        self,
        configuration: Configuration,
        trust: TrustStore,
        own: OwnCertificate | None,
        folder: Path,
    ) -> None:
        """Raises: PlaceError: a certificate of the configuration cannot be read."""
        self._identities = configuration.identities
        self._trust = trust
        self._own = own
        self._rsa_15 = any(name.startswith("Basic128Rsa15") for name in configuration.policies)
        self._sha_1 = self._rsa_15 or any(name.startswith("Basic256_") for name in configuration.policies)
        self._users = {user.name: user for user in self._identities.users}
        self._people = {
            certificate_of(
                person.certificate, folder, ("identities", "certificates", index, "certificate")
            ).public_bytes(Encoding.DER): person
            for index, person in enumerate(self._identities.certificates)
        }
        # A name that nobody has costs as much as a wrong password, so that time does not tell which names exist.
        hashes = [user.password_hash for user in self._users.values() if user.password_hash]
        self._decoy = hashes[0] if hashes else None
        self._one_at_a_time = asyncio.Lock()
        self.lockout = LockoutTable(configuration.lockout)

    async def admit(self, claim: Claim) -> Identity:
        """Who is behind `claim`.

        Raises:
            ServiceError: refused; the status code says no more than a stranger may know.
        """
        token = claim.token
        if isinstance(token, ua.UserNameIdentityToken):
            return await self._admit_user(claim, token)
        if isinstance(token, ua.X509IdentityToken):
            return self._admit_certificate(claim, token)
        if token is None or isinstance(token, (ua.AnonymousIdentityToken, ua.ExtensionObject)):
            return self._admit_anonymous(token)
        raise ServiceError(_Bad.BadIdentityTokenRejected)

    def _admit_anonymous(self, token: Any) -> Identity:
        # A null token stands for an anonymous one (OPC 10000-4 §5.6.3); any other unknown object does not.
        unknown = isinstance(token, ua.ExtensionObject) and token.TypeId != standard(ObjectIds.Null)
        if unknown or self._identities.anonymous == "denied":
            raise ServiceError(_Bad.BadIdentityTokenRejected)
        return Identity(name="anonymous", duty=self._identities.anonymous)

    async def _admit_user(self, claim: Claim, token: ua.UserNameIdentityToken) -> Identity:
        name = token.UserName or ""
        user = self._users.get(name)
        password = self._password(claim, token)
        if self.lockout.locked(claim.address, claim.user) and not (user and user.essential):
            raise ServiceError(_Bad.BadUserAccessDenied)
        if not await self._right(user, password):
            self.lockout.fail(claim.address, claim.user)
            raise ServiceError(_Bad.BadUserAccessDenied)
        assert user is not None
        self.lockout.succeed(claim.address, user.name)
        return Identity(name=user.name, duty=user.role, essential=user.essential)

    async def _right(self, user: User | None, password: str) -> bool:
        if user is not None and user.password is not None:
            return hmac.compare_digest(
                password.encode(errors="surrogateescape"), user.password.encode(errors="surrogateescape")
            )
        stored = user.password_hash if user else self._decoy
        if stored is None:
            return False
        async with self._one_at_a_time:  # a flood of log-ins costs one thread, and never the scan
            return await asyncio.to_thread(passwords.verify, password, stored) and user is not None

    def _password(self, claim: Claim, token: ua.UserNameIdentityToken) -> str:
        """The password in the token, deciphered; refuses one in clear where the channel does not hide it."""
        mode = claim.policy.Mode
        if mode == ua.MessageSecurityMode.None_ and not self._identities.clear_passwords:
            raise ServiceError(_Bad.BadIdentityTokenRejected)
        secret = token.Password or b""
        if isinstance(secret, str):
            secret = secret.encode(errors="surrogateescape")
        if token.EncryptionAlgorithm:
            return self._decrypted(claim, token.EncryptionAlgorithm, secret)
        if mode == ua.MessageSecurityMode.Sign and not self._identities.clear_passwords:
            raise ServiceError(_Bad.BadIdentityTokenRejected)
        return secret.decode(errors="surrogateescape")

    def _decrypted(self, claim: Claim, algorithm: str, secret: bytes) -> str:
        if self._own is None or algorithm not in _DECRYPT or (algorithm == _RSA_15 and not self._rsa_15):
            raise ServiceError(_Bad.BadIdentityTokenRejected)
        try:
            plain = _DECRYPT[algorithm](self._own.key, secret)
            (length,) = struct.unpack_from("<I", plain)
        except (ValueError, struct.error):
            raise ServiceError(_Bad.BadIdentityTokenInvalid) from None
        body, nonce = (
            plain[4 : 4 + length - len(claim.nonce)],
            plain[4 + length - len(claim.nonce) : 4 + length],
        )
        # The library leaves the nonce unchecked, so that a captured token could be replayed.
        if not hmac.compare_digest(nonce, claim.nonce):
            raise ServiceError(_Bad.BadIdentityTokenInvalid)
        return body.decode(errors="surrogateescape")

    def _admit_certificate(self, claim: Claim, token: ua.X509IdentityToken) -> Identity:
        person = self._people.get(token.CertificateData or b"")
        if self.lockout.locked(claim.address, claim.user):
            raise ServiceError(_Bad.BadUserAccessDenied)
        try:
            if person is None or self._own is None:
                raise ServiceError(_Bad.BadIdentityTokenRejected)
            self._trust.check_person(token.CertificateData)
            self._check_signature(claim, token.CertificateData)
        except ServiceError:
            self.lockout.fail(claim.address, claim.user)
            raise
        return Identity(name=person.name, duty=person.role)

    def _check_signature(self, claim: Claim, der: bytes) -> None:
        assert self._own is not None
        algorithm = claim.signature.Algorithm or ""
        weak = algorithm.endswith("rsa-sha1") and not self._sha_1
        if algorithm not in _VERIFY or weak:
            raise ServiceError(_Bad.BadUserSignatureInvalid)
        signed = self._own.certificate.public_bytes(Encoding.DER) + claim.nonce
        try:
            _VERIFY[algorithm](uacrypto.x509_from_der(der), signed, claim.signature.Signature or b"")  # type: ignore[no-untyped-call]
        except Exception:  # whatever the library cannot verify is not a signature
            raise ServiceError(_Bad.BadUserSignatureInvalid) from None
