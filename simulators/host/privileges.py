"""From root of a container to an ordinary user that keeps a few named rights."""

import contextlib
import ctypes
import os
import struct
from collections.abc import Collection, Iterator

# capabilities(7), <linux/capability.h>
NET_ADMIN, NET_RAW = 12, 13
_VERSION_3 = 0x20080522
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_PR_CAPBSET_DROP, _CAPABILITIES_MAX = 24, 64
USER_VARIABLE = "USINE_USER"
STUDENT = 10_001  # of the workstation's image


def become(user: int, group: int, keep: Collection[int] = ()) -> None:
    """Leave root for `user` and `group`, with the capabilities `keep` only, which the programs it starts have too.

    Harmless where the process is not root, or is to stay root: it then has no more than it had.

    Raises:
        OSError: the process may not.
    """
    if os.geteuid() != 0 or user == 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in set(range(_CAPABILITIES_MAX)) - set(keep):
        # Refused: of a number that this kernel does not know, or to who has nothing left to bound.
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    bits = sum(1 << capability for capability in keep)
    # Effective, permitted, inheritable: the low 32 bits of each, then the high ones.
    sets = [bits & 0xFFFFFFFF] * 3 + [bits >> 32] * 3
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0))
    _check(libc.capset(header, ctypes.create_string_buffer(struct.pack("=6I", *sets))))
    for capability in keep:
        _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


@contextlib.contextmanager
def acting_as(user: int, group: int) -> Iterator[None]:
    """Touch files as that user would, then be root again; where the process is not root, as itself. Raises: OSError."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def student(owner: int) -> int:
    """The user, and group, of who works at a workstation: another than the one that owns its files on the host."""
    return STUDENT if owner != STUDENT else STUDENT + 1


def wanted_user() -> tuple[int, int]:
    """The user and group that `$USINE_USER` (`1000:1000`) names; the process's own where it is not set."""
    user, _, group = os.environ.get(USER_VARIABLE, "").partition(":")
    if not user.isdecimal():
        return os.geteuid(), os.getegid()
    return int(user), int(group) if group.isdecimal() else int(user)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
