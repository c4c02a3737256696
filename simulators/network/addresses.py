"""Which host of the line an address is, and the workstation that stands in every zone."""

import ipaddress

from simulators.errors import InputError
from simulators.model import Line

WORKSTATION = 250  # the student's own machine: the host of this number in each zone


def workstation(line: Line, zone: str) -> str:
    """The address of the student's workstation in the zone (`10.20.1.250`)."""
    return str(ipaddress.IPv4Network(line.zone(zone).subnet)[WORKSTATION])


class AddressBook:
    """The line's addresses: the zone of each, and the device that holds it."""

    def __init__(self, line: Line) -> None:
        self._subnets = {zone.id: ipaddress.IPv4Network(zone.subnet) for zone in line.zones}
        self._devices = {
            address: device.id for device in line.devices for address in device.interfaces.values()
        }
        self._hosts = [*self._devices, *(workstation(line, zone.id) for zone in line.zones)]

    def hosts(self) -> list[str]:
        """Every device's addresses, and the workstation's in each zone."""
        return list(self._hosts)

    def zone_of(self, address: str) -> str | None:
        """The zone in whose subnet the address is, None if it is no address of the line."""
        try:
            host = ipaddress.IPv4Address(address)
        except ValueError:
            return None
        return next((zone for zone, subnet in self._subnets.items() if host in subnet), None)

    def owner(self, address: str) -> str:
        """The device at the address, else the address itself."""
        return self._devices.get(address, address)

    def check_zone(self, zone: str) -> None:
        """Raises: InputError: no such zone; says which there are."""
        if zone not in self._subnets:
            known = ", ".join(self._subnets)
            raise InputError(
                f"zone {zone} inconnue ; choisissez parmi : {known}",
                f"unknown zone {zone}; choose one of: {known}",
            )

    def check(self, zone: str, address: str) -> None:
        """Raises: InputError: no such zone, or not an address of the line."""
        self.check_zone(zone)
        if self.zone_of(address) is None:
            subnets = ", ".join(map(str, self._subnets.values()))
            raise InputError(
                f"{address} n'est pas une adresse de la ligne ({subnets}) ; corrigez l'adresse",
                f"{address} is not an address of the line ({subnets}); correct the address",
            )


def taken(owner: str, place: str) -> tuple[str, str]:
    """(French, English) words for a port that something else holds."""
    return (
        f"{owner} : {place} est déjà pris ; arrêtez le programme qui l'occupe ou changez de port",
        f"{owner}: {place} is already taken; stop the program that holds it or change the port",
    )
