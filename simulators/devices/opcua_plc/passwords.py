"""Salted password hashes (scrypt, RFC 7914): `python -m simulators.devices.opcua_plc.passwords` makes one."""

import base64
import binascii
import hashlib
import hmac
import os
import sys

from simulators.document import PlaceError
from simulators.validation import Place

# 16 MiB and about 50 ms a try: OWASP's floor for interactive log-ins is of that order.
N, R, P = 2**14, 8, 1
_MAX_MEMORY_BYTES = 64 << 20


def hash_password(password: str, salt: bytes | None = None) -> str:
    """`scrypt$n$r$p$salt$hash`, salt and hash in base64; a random salt unless given."""
    salt = os.urandom(16) if salt is None else salt
    words = (base64.b64encode(part).decode() for part in (salt, _derive(password, salt, N, R, P)))
    return "$".join(("scrypt", str(N), str(R), str(P), *words))


def verify(password: str, stored: str) -> bool:
    """Whether `password` is the one behind `stored` (a hash that `check_hash` accepted)."""
    n, r, p, salt, expected = _split(stored)
    return hmac.compare_digest(_derive(password, salt, n, r, p), expected)


def check_hash(stored: str, place: Place) -> None:
    """Raises: PlaceError: not a hash that this module makes, or one too costly to check."""
    try:
        n, r, p, salt, expected = _split(stored)
        good = 2**10 <= n <= 2**16 and n & (n - 1) == 0 and 1 <= r <= 8 and 1 <= p <= 2
        good = good and len(salt) >= 8 and len(expected) == 32
    except (ValueError, binascii.Error):
        good = False
    if not good:
        raise PlaceError(
            place,
            "empreinte incorrecte ; faites-la par python -m simulators.devices.opcua_plc.passwords",
            "not a valid hash; make it with python -m simulators.devices.opcua_plc.passwords",
        )


def _split(stored: str) -> tuple[int, int, int, bytes, bytes]:
    kind, n, r, p, salt, digest = stored.split("$")
    if kind != "scrypt":
        raise ValueError(kind)
    return (
        int(n),
        int(r),
        int(p),
        base64.b64decode(salt, validate=True),
        base64.b64decode(digest, validate=True),
    )


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = password.encode(errors="surrogateescape")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY_BYTES, dklen=32)


if __name__ == "__main__":
    sys.stdout.write(hash_password(sys.stdin.readline().rstrip("\n")) + "\n")
