"""Entering a zone of a local lab: its network namespace, with the orchestrator's files out of sight."""

import ctypes
import os
from dataclasses import dataclass

from lab.paths import default_paths
from simulators.errors import NotFoundError
from simulators.network import linux
from simulators.os_errors import os_words

NEWNS = 0x00020000
MS_REC, MS_PRIVATE, MS_RDONLY = 0x4000, 0x40000, 0x1


@dataclass(frozen=True)
class ZoneEntry:
    """The lab's process and, of its descriptors, those of the namespaces; `user` None where there is none."""

    pid: int
    user: int | None
    net: int


def enter(entry: ZoneEntry) -> None:
    """Move this process into the zone; it cannot come back.

    The state folder, with the control channel's token, is hidden behind an empty one.

    Raises:
        NotFoundError: the lab ended, or belongs to another user.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    hidden = default_paths().home
    try:
        descriptors = [
            (os.open(f"/proc/{entry.pid}/fd/{number}", os.O_RDONLY), kind)
            for number, kind in ((entry.user, linux.NEWUSER), (entry.net, linux.NEWNET))
            if number is not None
        ]
        for descriptor, kind in descriptors:
            linux.setns(descriptor, kind)
            os.close(descriptor)
        linux.unshare(NEWNS)
        _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        _check(libc.mount(b"tmpfs", bytes(hidden), b"tmpfs", MS_RDONLY, b"size=4k"))
    except OSError as error:
        why = os_words(error)
        raise NotFoundError(
            f"impossible d'entrer dans la zone ({why.fr}) ; le labo tourne-t-il toujours ? voyez « lab ps »",
            f"the zone cannot be entered ({why.en}); does the lab still run? see 'lab ps'",
        ) from error


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
