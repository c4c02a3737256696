"""The line's zones as networks of their own, joined by wires to the machine of the gateway, as containers are."""

import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from simulators.model import Line
from simulators.network import linux
from simulators.network.addresses import workstation
from simulators.network.ends import connected, listening
from simulators.network.routed import RoutedNetwork

OWN = 253  # the gateway's address before it takes those of the line


class Apart:
    """A namespace a zone, whose one wire leads to the gateway's namespace; both sides of a scene in one process.

    Hosts of a zone speak from the zone's namespace; the gateway, at addresses that are not of the zone, by
    `RoutedNetwork`.
    """

    enforces_zones = True

    def __init__(self, line: Line) -> None:
        self._line = line
        self._subnets = {zone.id: IPv4Network(zone.subnet) for zone in line.zones}
        self._zones: dict[str, int] = {}
        self._home = -1
        self._holders: list[subprocess.Popen[bytes]] = []
        self.routed = RoutedNetwork(line, line.device("gateway"))
        self.taps = self.routed.taps

    def enter(self) -> None:
        """Make the namespaces and their wires, and let the gateway take its addresses. Raises: OSError."""
        try:
            linux.become_own_root()
        except OSError:
            if os.geteuid() != 0:
                raise
            linux.unshare(linux.NEWNET)
        self._home = linux.open_namespace("net")
        for number, zone in enumerate(self._line.zones):
            self._join(number, zone.id)
        self.routed.enter()

    def _join(self, number: int, zone: str) -> None:
        linux.unshare(linux.NEWNET)
        self._zones[zone] = linux.open_namespace("net")
        holder = subprocess.Popen(["sleep", "60"], preexec_fn=linux.die_with_parent)
        self._holders.append(holder)
        linux.setns(self._home)
        subnet, gateway = self._subnets[zone], self._line.device("gateway").interfaces[zone]
        _ip(f"link add gw{number} type veth peer name eth0 netns {holder.pid}")
        _ip(f"address add {subnet[OWN]}/{subnet.prefixlen} dev gw{number}")
        _ip(f"link set gw{number} up")
        with linux.inside(self._zones[zone], self._home):
            _ip("link set lo up")
            _ip(f"address add {workstation(self._line, zone)}/{subnet.prefixlen} dev eth0")
            for device in self._line.devices:
                if device.kind != "gateway" and zone in device.interfaces:
                    linux.add_address("eth0", device.interfaces[zone])
            _ip("link set eth0 up")
            linux.send_by(gateway)

    def _hold(self, zone: str, address: str) -> None:
        """There is a host at the address."""
        with linux.inside(self._zones[zone], self._home):
            linux.add_address("eth0", address)

    def _inside(self, zone: str, address: str) -> bool:
        return IPv4Address(address) in self._subnets[zone]

    def _socket(self, zone: str) -> socket.socket:
        with linux.inside(self._zones[zone], self._home):
            new = socket.socket()
        new.setblocking(False)
        return new

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        if not self._inside(zone, address):
            return self.routed.listen(zone, address, port)
        self._hold(zone, address)
        listener = self._socket(zone)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return listening(listener, (address, port), address, f"{address}:{port}")

    async def connect(
        self,
        zone: str,
        source: str,
        address: str,
        port: int,
        bound: Callable[[tuple[str, int]], None] | None = None,
    ) -> socket.socket:
        if not self._inside(zone, source):
            return await self.routed.connect(zone, source, address, port, bound)
        self._hold(zone, source)
        client = self._socket(zone)
        return await connected(client, source, (address, port))

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        return self.routed.place(zone, address, port)

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        with linux.inside(self._zones[zone], self._home):
            return subprocess.Popen(list(command), **options)

    def close(self) -> None:
        for holder in self._holders:
            holder.kill()
            holder.wait()


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True)
