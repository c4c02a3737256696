"""Password files as `mosquitto_passwd` writes them: `user:$7$iterations$salt$hash` (PBKDF2-HMAC-SHA512)."""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass

from simulators.devices.mqtt_broker.bundle import Section
from simulators.errors import at_line

ITERATIONS = 101  # what mosquitto_passwd 2.0 writes
# A check runs on the lab's event loop or on its broker's: more would let one CONNECT hold it.
ITERATIONS_MAX = 100_000
_SALT_BYTES, _HASH_BYTES = 12, 64


@dataclass(frozen=True)
class StoredPassword:
    """A hash of mosquitto's: `$6$` (one round, `iterations` 0) or `$7$`."""

    iterations: int
    salt: bytes
    digest: bytes

    def accepts(self, password: str) -> bool:
        """Whether the password is this one, in a time that does not tell."""
        return hmac.compare_digest(_digest(password, self.salt, self.iterations), self.digest)

    def __str__(self) -> str:
        kind = f"7${self.iterations}" if self.iterations else "6"
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"${kind}${salt}${digest}"


def hash_password(password: str, salt: bytes | None = None) -> StoredPassword:
    """A `$7$` hash with a salt drawn by the system unless given."""
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    return StoredPassword(ITERATIONS, salt, _digest(password, salt, ITERATIONS))


def parse_passwords(section: Section, name: str) -> dict[str, str]:
    """User → hash or clear password, as written.

    Raises:
        InputError: a line is not `user:password`, a user comes twice, a hash is not one.
    """
    entries: dict[str, str] = {}
    for line, row in section.lines():
        user, colon, password = row.partition(":")
        if not colon or not user or not password:
            raise at_line(
                name,
                line,
                f"{section.name} : écrivez utilisateur:mot_de_passe",
                f"{section.name}: write user:password",
            )
        if user in entries:
            raise at_line(
                name,
                line,
                f"{section.name} : l'utilisateur {user} est déjà là ; gardez une ligne",
                f"{section.name}: user {user} is already there; keep one line",
            )
        try:
            parse_hash(password)
        except ValueError as error:
            raise at_line(
                name,
                line,
                f"{section.name} : condensat incorrect pour {user} ({error}) ; refaites-le avec "
                "mosquitto_passwd ou écrivez le mot de passe en clair",
                f"{section.name}: not a valid hash for {user} ({error}); make it again with "
                "mosquitto_passwd or write the password in clear",
            ) from error
        entries[user] = password
    return entries


def stored(password: str) -> StoredPassword:
    """What is kept of a password file's entry: its hash, or the hash of its clear password."""
    return parse_hash(password) or hash_password(password)


def parse_hash(text: str) -> StoredPassword | None:
    """`$6$salt$hash` or `$7$iterations$salt$hash`; None for a clear password.

    Raises:
        ValueError: begins like a hash and is none.
    """
    if text[:3] not in ("$6$", "$7$"):
        return None
    parts = text[1:].split("$")
    if len(parts) != (3 if parts[0] == "6" else 4):
        raise ValueError("number of $")
    iterations = int(parts[1]) if parts[0] == "7" else 0
    if parts[0] == "7" and not 1 <= iterations <= ITERATIONS_MAX:
        raise ValueError(f"iterations 1..{ITERATIONS_MAX}")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[-2:])
    except binascii.Error as error:
        raise ValueError("base64") from error
    if len(digest) != _HASH_BYTES or not salt:
        raise ValueError("length")
    return StoredPassword(iterations, salt, digest)


def _digest(password: str, salt: bytes, iterations: int) -> bytes:
    if iterations == 0:
        return hashlib.sha512(password.encode() + salt).digest()
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _HASH_BYTES)
