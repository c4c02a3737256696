"""Zones where this machine allows them, flat loopback elsewhere, and the reason."""

import os
import sys
from functools import cache

from simulators.model import Line
from simulators.network.flat import FlatNetwork
from simulators.network.zones import NamespaceNetwork, refusal
from simulators.text import Text


def best_network(line: Line) -> tuple[NamespaceNetwork | FlatNetwork, Text | None]:
    """The strictest network that works here, with the reason when it is the flat one."""
    reason = namespaces_available()
    return (NamespaceNetwork(line), None) if reason is None else (FlatNetwork(line), reason)


@cache
def namespaces_available() -> Text | None:
    """None when zones can be network namespaces here, else why they cannot; tried once, in a child process.

    A warm parent that asks before it forks spares its children the trial.
    """
    if sys.platform != "linux":
        return Text(
            fr="Les zones sont des espaces de noms réseau : il faut Linux (ou le runtime docker).",
            en="Zones are network namespaces: they need Linux (or the docker runtime).",
        )
    child = os.fork()
    if child == 0:
        os._exit(_try())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        return None
    return Text(*refusal(OSError(code, os.strerror(code))))


def _try() -> int:
    """The error number met on the way into two namespaces, 0 for none."""
    from simulators.network import linux

    try:
        try:
            linux.become_own_root()
        except OSError:
            if os.geteuid() != 0:
                raise
            linux.unshare(linux.NEWNET)
        linux.raise_loopback("10.20.1.250", ["10.20.1.10"])
        linux.frame_socket().close()
        home = linux.open_namespace("net")
        linux.unshare(linux.NEWNET)
        linux.setns(home)
    except OSError as error:
        return error.errno or 1
    except BaseException:
        return 1
    return 0
