"""Each zone a network namespace of the lab's own process: nothing crosses but through the gateway."""

import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from simulators.errors import StartError, ToolMissingError
from simulators.model import Line
from simulators.network import linux
from simulators.network.addresses import AddressBook, workstation
from simulators.network.ends import connected, listening
from simulators.network.taps import Taps
from simulators.os_errors import os_words


class NamespaceNetwork:
    """One namespace per zone, with only a loopback that answers for every host (contracts.Network).

    The process rests in one more namespace, whose loopback is down: a socket made without naming its zone
    reaches nothing. Two zones may thus both have 10.20.1.10: the PLC itself in its own zone, and the gateway
    that stands for it in the others. A program that chooses no source address has the workstation's.
    """

    enforces_zones = True

    def __init__(self, line: Line) -> None:
        self._book = AddressBook(line)
        self._zones: dict[str, int] = {zone.id: -1 for zone in line.zones}
        self._own = {zone.id: workstation(line, zone.id) for zone in line.zones}
        self._held: dict[str, set[str]] = {zone.id: set(self._book.hosts()) for zone in line.zones}
        self._home = self._user = -1
        self.taps = Taps(line, self._frame_socket)

    def enter(self) -> None:
        """Leave the host's network for the line's zones; once, right after the fork, before any thread.

        The user becomes root of these namespaces only. Root where user namespaces are forbidden keeps its
        rights over the host and gets the zones all the same.

        Raises:
            ToolMissingError: this machine does not allow it.
        """
        try:
            self._leave_host()
            self._home = linux.open_namespace("net")
            for zone in self._zones:
                linux.unshare(linux.NEWNET)
                own = self._own[zone]
                linux.raise_loopback(own, sorted(self._held[zone] - {own}))
                self._zones[zone] = linux.open_namespace("net")
            linux.setns(self._home)
        except OSError as error:
            raise ToolMissingError(*refusal(error)) from error

    def _leave_host(self) -> None:
        try:
            linux.become_own_root()
            self._user = linux.open_namespace("user")
        except OSError:
            if os.geteuid() != 0:
                raise
            linux.unshare(linux.NEWNET)

    def fds(self, zone: str) -> tuple[int | None, int]:
        """The user (None: the host's own) and network namespaces of the zone, to enter it from outside."""
        return (None if self._user < 0 else self._user), self._namespace(zone)

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        """A listening, non-blocking TCP socket. Raises: StartError: taken; InputError: not of the line."""
        self._hold(zone, address)
        listener = self._socket(zone)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return listening(listener, (address, port), self._book.owner(address), f"{address}:{port} ({zone})")

    async def connect(
        self,
        zone: str,
        source: str,
        address: str,
        port: int,
        bound: Callable[[tuple[str, int]], None] | None = None,
    ) -> socket.socket:
        """A connected, non-blocking TCP socket; `bound` is told its own end before it connects.

        Raises:
            OSError: refused or not reachable.
            InputError: `source` is not of the line.
        """
        self._hold(zone, source)
        client = self._socket(zone)
        return await connected(client, source, (address, port), bound)

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        """The same address and port, which the zone now has. Raises: InputError: not of the line."""
        self._hold(zone, address)
        return address, port

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program inside the zone; it ends with this process at the latest. Raises: OSError."""
        options.setdefault("preexec_fn", linux.die_with_parent)
        with linux.inside(self._namespace(zone), self._home):
            return subprocess.Popen(list(command), **options)

    def _namespace(self, zone: str) -> int:
        namespace = self._zones.get(zone, -1)
        if namespace < 0:
            raise StartError(
                f"la zone {zone} n'existe pas ; appelez enter() et choisissez parmi {', '.join(self._zones)}",
                f"the zone {zone} does not exist; call enter() and choose one of {', '.join(self._zones)}",
            )
        return namespace

    def _hold(self, zone: str, address: str) -> None:
        """Let the zone have the address, if it is one of the line."""
        self._book.check(zone, address)
        if address not in self._held[zone]:
            with linux.inside(self._namespace(zone), self._home):
                linux.route_host(self._own[zone], address)
            self._held[zone].add(address)

    def _socket(self, zone: str) -> socket.socket:
        with linux.inside(self._namespace(zone), self._home):
            new = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        new.setblocking(False)
        return new

    def _frame_socket(self, zone: str) -> socket.socket:
        try:
            with linux.inside(self._namespace(zone), self._home):
                return linux.frame_socket()
        except OSError as error:
            why = os_words(error)
            raise StartError(
                f"zone {zone} : capture impossible ({why.fr}) ; il faut Linux 4.20 et le droit CAP_NET_RAW",
                f"zone {zone}: cannot capture ({why.en}); it needs Linux 4.20 and the right CAP_NET_RAW",
            ) from error


def refusal(error: OSError) -> tuple[str, str]:
    """(French, English) words for a machine that does not allow namespaces."""
    settings = (
        "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
        "kernel.apparmor_restrict_unprivileged_userns=0"
    )
    why = os_words(error)
    return (
        f"les espaces de noms réseau sont refusés ({why.fr}) ; lancez en root, ou autorisez-les : {settings}",
        f"network namespaces are refused ({why.en}); run as root, or allow them: {settings}",
    )
