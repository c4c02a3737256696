"""The gateway's own machine: an interface in each zone, and nothing passes but what the gateway relays."""

import ipaddress
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulators.errors import StartError, ToolMissingError
from simulators.model import Device, Line
from simulators.network import linux
from simulators.network.addresses import AddressBook
from simulators.network.ends import connected, listening
from simulators.network.taps import Taps

ARP_IGNORE = Path("/proc/sys/net/ipv4/conf/all/arp_ignore")


class RoutedNetwork:
    """What hosts of one zone send to hosts of another comes here, for the gateway is their router (contracts.Network).

    It is taken in as if this machine were the other host: a listener stands at that host's own address, in the zone
    that asks, and where none does the kernel answers as for any closed port. Connections go out to the real host
    with the asker's own address as their source. The kernel forwards nothing.
    """

    enforces_zones = True

    def __init__(self, line: Line, gateway: Device, fed: bool = True) -> None:
        """`fed`: taps tell it what they see."""
        self._line, self._gateway = line, gateway
        self._book = AddressBook(line)
        self._interfaces: dict[str, str] = {}
        own = set(gateway.interfaces.values())
        self._held = {host for host in self._book.hosts() if host not in own}
        self.taps = Taps(line, fed=fed)

    def enter(self) -> None:
        """Take the gateway's addresses and receive for all hosts; once, with the right CAP_NET_ADMIN.

        Raises:
            StartError: there is no interface in one of the gateway's zones.
            ToolMissingError: the kernel does not allow it.
        """
        found = linux.interfaces()
        subnets = {zone.id: ipaddress.IPv4Network(zone.subnet) for zone in self._line.zones}
        for zone in self._gateway.interfaces:
            inside = [name for name, host in found.items() if host.ip in subnets[zone]]
            if not inside:
                raise StartError(
                    f"{self._gateway.id} : aucune interface dans la zone {zone} ({subnets[zone]}) ; "
                    "reliez le conteneur au réseau de la zone",
                    f"{self._gateway.id}: no interface in the zone {zone} ({subnets[zone]}); "
                    "attach the container to the zone's network",
                )
            self._interfaces[zone] = inside[0]
        try:
            _answer_arp_for_own_addresses()
            for zone, interface in self._interfaces.items():
                linux.add_address(interface, self._gateway.interfaces[zone])
            linux.receive_for_others(map(str, subnets.values()))
            linux.receive(sorted(self._held))
        except OSError as error:
            raise ToolMissingError(
                f"{self._gateway.id} : routes refusées ({error}) ; il faut le droit CAP_NET_ADMIN dans son conteneur, "
                "et net.ipv4.conf.all.arp_ignore=1",
                f"{self._gateway.id}: routes refused ({error}); it needs the right CAP_NET_ADMIN in its container, "
                "and net.ipv4.conf.all.arp_ignore=1",
            ) from error

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        """A listening, non-blocking TCP socket that only the zone reaches. Raises: StartError; InputError."""
        listener = self._socket(zone, address)
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
        """A connected, non-blocking TCP socket; `bound` is told its own end before it connects. Raises: OSError; InputError."""
        client = self._socket(zone, source)
        if source not in self._held:
            # A host that the line does not know asks: the answers to it must come here too.
            linux.receive([source])
            self._held.add(source)
        return await connected(client, source, (address, port), bound)

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        """The same address and port. Raises: InputError: not of the line."""
        self._book.check(zone, address)
        return address, port

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on this machine, which is in every zone. Raises: OSError; InputError."""
        self._book.check_zone(zone)
        options.setdefault("preexec_fn", linux.die_with_parent)
        return subprocess.Popen(list(command), **options)

    def _socket(self, zone: str, address: str) -> socket.socket:
        self._book.check(zone, address)
        new = socket.socket()
        new.setblocking(False)
        try:
            linux.stand_in(new, self._interfaces[zone])
        except BaseException:
            new.close()
            raise
        return new


def _answer_arp_for_own_addresses() -> None:
    """In a host's own zone, the host itself answers. Raises: OSError: this cannot be set, and is not."""
    if ARP_IGNORE.read_text(encoding="ascii").strip() == "0":
        ARP_IGNORE.write_text("1", encoding="ascii")
