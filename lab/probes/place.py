"""Places in a zone of a lab (`lab.probes.contract.Where`): inside its namespace, or by the forwards where there are none."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulators.errors import InputError
from simulators.model import Line
from simulators.network import linux
from simulators.network.addresses import AddressBook, workstation

LOOPBACK = "127.0.0.1"


@dataclass
class Zoned:
    """Inside a zone's namespace: addresses are the line's own."""

    line: Line
    zone: str

    def address(self, device: str, port: int | None = None) -> tuple[str, int]:
        spec = self.line.device(device)
        chosen = port if port is not None else spec.port
        if chosen is None:
            raise _no_port(device)
        return spec.interfaces.get(self.zone, spec.address), chosen

    def check(self, host: str) -> str:
        if AddressBook(self.line).zone_of(host) is None:
            raise _foreign(self.line, host)
        return host

    def claim(self, source: str) -> str:
        own = workstation(self.line, self.zone)
        address = self.check(source or own)
        linux.route_host(own, address)
        return address


@dataclass
class Seated(Zoned):
    """On a machine of its own in the zone, which has one address there."""

    own: str

    def claim(self, source: str) -> str:
        address = self.check(source or self.own)
        if address != self.own:
            raise InputError(
                f"{address} n'est pas l'adresse de cette machine ({self.own})",
                f"{address} is not the address of this machine ({self.own})",
            )
        return address


@dataclass
class Flat:
    """On the host's loopback: a device is its forward, and only its own port leads to it.

    `endpoints` is what the lab's verb of that name answers.
    """

    line: Line
    zone: str
    endpoints: Sequence[dict[str, Any]]

    def address(self, device: str, port: int | None = None) -> tuple[str, int]:
        spec = self.line.device(device)
        if spec.port is None and port is None:
            raise _no_port(device)
        for end in self.endpoints:
            if end["device"] == device and port in {None, spec.port}:
                return str(end["host"]), int(end["port"])
        raise InputError(
            f"{device} : port {port or spec.port} hors d'atteinte, les zones ne sont pas séparées sur cette machine",
            f"{device}: port {port or spec.port} cannot be reached, zones are not enforced on this machine",
        )

    def check(self, host: str) -> str:
        if host != LOOPBACK:
            raise _foreign(self.line, host)
        return host

    def claim(self, source: str) -> str:
        return self.check(source or LOOPBACK)


def _no_port(device: str) -> InputError:
    return InputError(
        f"{device} n'écoute aucun port ; donnez-en un", f"{device} listens on no port; give one"
    )


def _foreign(line: Line, host: str) -> InputError:
    subnets = ", ".join(str(ipaddress.IPv4Network(zone.subnet)) for zone in line.zones)
    return InputError(
        f"{host} n'est pas une adresse du labo ({subnets}) ; une sonde ou une attaque n'en sort pas",
        f"{host} is not an address of the lab ({subnets}); no probe and no attack leaves it",
    )
