"""The same line at other addresses: each zone in a subnet of this lab's own, every host with its number."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from simulators.errors import InputError
from simulators.model import Device, Line

_ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d]|\.\d)")
# The beginning of addresses, as rules have it: `10.20.1.`
_BEGINNING = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){2}\.)(?=['\"\s,*\]]|$)", re.MULTILINE)


class Addressing:
    """Maps the hosts of a line's subnets to those of others, of the same length, by zone.

    An address of none of these subnets stays as it is.
    """

    def __init__(self, former: Mapping[str, str], present: Mapping[str, str]) -> None:
        """`former` and `present`: zone → subnet. Raises: InputError: a subnet is not of the same length."""
        self._moves = [
            (ipaddress.IPv4Network(subnet), ipaddress.IPv4Network(present[zone]))
            for zone, subnet in former.items()
            if zone in present
        ]
        for old, new in self._moves:
            if old.prefixlen != new.prefixlen:
                raise InputError(
                    f"{old} ne tient pas dans {new} : donnez un sous-réseau /{old.prefixlen}",
                    f"{old} does not fit in {new}: give a /{old.prefixlen} subnet",
                )

    @classmethod
    def between(cls, former: Line, present: Line) -> "Addressing":
        """From the addresses of one line to those of the same line elsewhere."""
        return cls({z.id: z.subnet for z in former.zones}, {z.id: z.subnet for z in present.zones})

    @classmethod
    def of(cls, line: Line, subnets: Mapping[str, str]) -> "Addressing":
        """From the addresses of a line to those of the same line on these subnets; zones without one stay."""
        return cls({zone.id: zone.subnet for zone in line.zones}, subnets)

    @property
    def back(self) -> "Addressing":
        """The way back."""
        return Addressing(
            {str(number): str(new) for number, (_, new) in enumerate(self._moves)},
            {str(number): str(old) for number, (old, _) in enumerate(self._moves)},
        )

    @property
    def identical(self) -> bool:
        """Whether nothing moves."""
        return all(old == new for old, new in self._moves)

    def address(self, address: str) -> str:
        """Where the host is now."""
        try:
            host = ipaddress.IPv4Address(address)
        except ValueError:
            return address
        for old, new in self._moves:
            if host in old:
                return str(new[int(host) - int(old.network_address)])
        return address

    def text(self, text: str) -> str:
        """The text with every address in it moved (a configuration, a rule, a brief)."""
        if self.identical:
            return text
        moved = _ADDRESS.sub(lambda found: self.address(found[1]), text)
        return _BEGINNING.sub(lambda found: self.address(f"{found[1]}0").removesuffix("0"), moved)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the event table, or any flat record, with the addresses in its texts moved."""
        if self.identical:
            return dict(row)
        return {key: self.text(value) if isinstance(value, str) else value for key, value in row.items()}

    def line(self, line: Line) -> Line:
        """The line itself; its files are not touched."""
        subnets = {str(old): str(new) for old, new in self._moves}
        zones = [
            msgspec.structs.replace(zone, subnet=subnets.get(zone.subnet, zone.subnet)) for zone in line.zones
        ]
        return msgspec.structs.replace(line, zones=zones, devices=[self._device(d) for d in line.devices])

    def _device(self, device: Device) -> Device:
        interfaces = {zone: self.address(address) for zone, address in device.interfaces.items()}
        settings = msgspec.json.decode(self.text(msgspec.json.encode(device.settings).decode()))
        return msgspec.structs.replace(device, interfaces=interfaces, settings=settings)


def settle(line: Line, subnets: Mapping[str, str], folder: Path) -> Path:
    """Write the line into `folder`, with its programs and configurations, at the subnets of these zones.

    Returns the path of its `line.yaml`, from which `model.load_line` reads it.

    Raises:
        InputError: a file of the line cannot be read, or a subnet does not fit.
    """
    moved = Addressing({z.id: z.subnet for z in line.zones}, subnets)
    for device in line.devices:
        for name in (device.program, device.config):
            if name:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(moved.text(line.text_of(name)), encoding="utf-8")
    path = folder / "line.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML, and what is written here is read by programs only.
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(moved.line(line), folder="")))
    return path
