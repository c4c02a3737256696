"""Passwords: scrypt hashes that carry their own cost, and the policy."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from simulators.errors import InputError

LENGTH_MIN, LENGTH_MAX = 10, 200


@dataclass(frozen=True)
class Cost:
    """Of scrypt. The default is OWASP's for 16 MiB (Password Storage Cheat Sheet: N=2^14, r=8, p=5)."""

    n: int = 1 << 14
    r: int = 8
    p: int = 5


def check_policy(password: str, name: str) -> None:
    """Raises: InputError: too short, too long, or the account's own name."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise InputError(
            f"mot de passe refusé : de {LENGTH_MIN} à {LENGTH_MAX} signes",
            f"password refused: from {LENGTH_MIN} to {LENGTH_MAX} characters",
        )
    if len(set(password)) < 4 or password.strip().lower() in {name.lower(), name.lower() * 2}:
        raise InputError(
            "mot de passe refusé : trop facile à deviner ; prenez plusieurs mots",
            "password refused: too easy to guess; use several words",
        )


def hash_password(password: str, cost: Cost = Cost()) -> str:
    """`scrypt$n$r$p$salt$key`."""
    salt = secrets.token_bytes(16)
    parts = ("scrypt", str(cost.n), str(cost.r), str(cost.p), _text(salt), _text(_key(password, salt, cost)))
    return "$".join(parts)


def nobodys_hash(cost: Cost = Cost()) -> str:
    """As long to verify as any other, and no password's."""
    parts = ("scrypt", str(cost.n), str(cost.r), str(cost.p))
    return "$".join((*parts, _text(secrets.token_bytes(16)), _text(secrets.token_bytes(32))))


def verify_password(password: str, hashed: str) -> bool:
    """In constant time for a given cost."""
    _scheme, n, r, p, salt, key = hashed.split("$")
    found = _key(password, base64.b64decode(salt), Cost(int(n), int(r), int(p)))
    return hmac.compare_digest(found, base64.b64decode(key))


def _key(password: str, salt: bytes, cost: Cost) -> bytes:
    memory = 2 * 128 * cost.r * (cost.n + cost.p + 2)
    data = password[: LENGTH_MAX + 1].encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
