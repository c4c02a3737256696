"""What a line is: frozen specs, parsed once from `line.yaml`, and the checks that cross them."""

import difflib
import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from simulators.document import load
from simulators.errors import InputError, NotFoundError
from simulators.os_errors import unreadable
from simulators.plc.address import parse_address
from simulators.text import Text

Identifier = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
TagId = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)+$")]
IecType = Literal[
    "BOOL", "SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT",
    "BYTE", "WORD", "DWORD", "LWORD", "REAL", "LREAL", "TIME",
]  # fmt: skip
Number = int | float
_Named = TypeVar("_Named", "Asset", "Device", "Tag", "Zone")
# Above so many, an error names the nearest only.
NAMES_MAX, NAMES_NEAR = 24, 5
PLC_KINDS = ("modbus_plc", "opcua_plc")


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A security zone (IEC 62443-3-2) with its own subnet; `level` is its ISA-95 level."""

    id: Identifier
    name: Text
    subnet: str
    level: Annotated[float, msgspec.Meta(ge=0, le=5)]


class Conduit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Flows that the process needs from one zone to another (IEC 62443-3-2): who, to whom, which protocol."""

    id: Identifier
    source: Identifier
    target: Identifier
    protocol: Literal["modbus", "opcua", "mqtt"]


class Asset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece of equipment; `kind` names its file in `simulators/plant/assets`.

    `params` are the kind's own constants, `ports` joins its named ports to other assets' ports
    (`{inlet: raw_tank.outlet}`), `faults` is left to the kind.
    """

    id: Identifier
    kind: Identifier
    name: Text
    params: dict[str, Number | str | bool | list[Number]] = {}
    ports: dict[str, str] = {}


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node of the network; `kind` names its file in `simulators/devices`.

    `interfaces` gives its address in each zone that it stands in (all but the gateway stand in one).
    `config` is its default configuration: the file of that name beside the line.
    """

    id: Identifier
    kind: Identifier
    name: Text
    interfaces: dict[Identifier, str]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    program: str | None = None
    config: str | None = None
    settings: dict[str, Any] = {}

    @property
    def zone(self) -> str:
        """Its zone, the first one of the gateway."""
        return next(iter(self.interfaces))

    @property
    def address(self) -> str:
        """Its address in `zone`."""
        return self.interfaces[self.zone]


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a tag alarms (ISA-18.2): beyond a limit or in a state, longer than `delay_s`."""

    when: Literal["above", "below", "true", "false"]
    limit: Number | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=4)] = 3
    deadband: Number = 0
    delay_s: Number = 0
    text: Text


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named value of the line.

    `device` serves it: a PLC at the located `address`, a sensor or a monitor under the MQTT topic `address`.
    `signal` (`asset.quantity`) joins an input (%I) or output (%Q) to the plant; a sensor always has one.
    Engineering value = raw · `gain` + `offset`; `range` is in engineering units.
    """

    id: TagId
    name: Text
    unit: str = ""
    range: tuple[Number, Number] | None = None
    type: IecType = "REAL"
    device: Identifier
    address: str
    signal: str | None = None
    writable: bool = False
    gain: float = 1.0
    offset: float = 0.0
    states: dict[str, Text] | None = None
    alarms: list[Alarm] = []

    @property
    def asset(self) -> str | None:
        """The asset it measures or drives, None for a set point or an internal state."""
        return self.signal.partition(".")[0] if self.signal else None

    @property
    def group(self) -> str:
        """The first part of its name, which folders on displays and in the address space are named by."""
        return self.id.partition(".")[0]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole production line, as `scenarios/lines/<id>/line.yaml` writes it."""

    schema: Literal["usine-ecole/line/v1"]
    id: Identifier
    name: Text
    sector: Literal["mechanical", "agri_food", "chemistry", "electronics", "health"]
    description: Text
    step_s: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    zones: list[Zone]
    conduits: list[Conduit] = []
    assets: list[Asset]
    devices: list[Device]
    tags: list[Tag]
    disturbances: dict[str, Any] = {}
    folder: str = ""

    def device(self, device_id: str) -> Device:
        """Raises: NotFoundError: no such device; says which there are."""
        return _one(self.devices, device_id, "équipement", "device")

    def asset(self, asset_id: str) -> Asset:
        """Raises: NotFoundError: no such asset; says which there are."""
        return _one(self.assets, asset_id, "actif", "asset")

    def zone(self, zone_id: str) -> Zone:
        """Raises: NotFoundError: no such zone; says which there are."""
        return _one(self.zones, zone_id, "zone", "zone")

    def tag(self, tag_id: str) -> Tag:
        """Raises: NotFoundError: no such tag."""
        return _one(self.tags, tag_id, "variable", "tag")

    def tags_of(self, device_id: str) -> list[Tag]:
        """The tags that the device serves."""
        return [tag for tag in self.tags if tag.device == device_id]

    def devices_of(self, *kinds: str) -> list[Device]:
        """The devices of these kinds."""
        return [device for device in self.devices if device.kind in kinds]

    def text_of(self, name: str) -> str:
        """The content of a file of the line's folder (a program, a configuration).

        Raises:
            InputError: the file is not there.
        """
        path = Path(self.folder) / name
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(path, error) from error


def _one(items: Sequence[_Named], item_id: str, fr: str, en: str) -> _Named:
    for item in items:
        if item.id == item_id:
            return item
    names: list[str] = [item.id for item in items]
    if len(names) > NAMES_MAX:
        names = [*difflib.get_close_matches(item_id, names, NAMES_NEAR, 0.3), "…"]
    known = ", ".join(names) or "–"
    raise NotFoundError(
        f"{fr} {item_id} inconnu(e) ; choisissez parmi : {known}",
        f"unknown {en} {item_id}; choose one of: {known}",
    )


def load_line(path: Path) -> Line:
    """Read and check the line in `path` (`line.yaml`).

    Raises:
        InputError: names the file, the place and the remedy.
    """
    line = msgspec.structs.replace(load(path, Line), folder=str(path.parent))
    for fr, en in _problems(line):
        raise InputError(f"{path} : {fr}", f"{path}: {en}")
    return line


def _problems(line: Line) -> Iterable[tuple[str, str]]:
    """What is wrong between the parts, as (French, English)."""
    yield from _duplicates(line)
    zones = {zone.id: zone for zone in line.zones}
    networks = {}
    for zone in line.zones:
        try:
            networks[zone.id] = ipaddress.IPv4Network(zone.subnet)
        except ValueError:
            yield (f"zone {zone.id} : sous-réseau {zone.subnet} incorrect ; écrivez par exemple 10.20.1.0/24",
                   f"zone {zone.id}: subnet {zone.subnet} is not valid; write for example 10.20.1.0/24")  # fmt: skip
    for conduit in line.conduits:
        for end in (conduit.source, conduit.target):
            if end not in zones:
                yield (
                    f"conduit {conduit.id} : zone {end} inconnue",
                    f"conduit {conduit.id}: unknown zone {end}",
                )
    for device in line.devices:
        yield from _device_problems(device, networks)
    for tag in line.tags:
        yield from _tag_problems(line, tag)


def _duplicates(line: Line) -> Iterable[tuple[str, str]]:
    for kind in ("zones", "conduits", "assets", "devices", "tags"):
        counts = Counter(item.id for item in getattr(line, kind))
        for name, count in counts.items():
            if count > 1:
                yield (f"{kind} : {name} est défini {count} fois ; gardez-en un",
                       f"{kind}: {name} is defined {count} times; keep one")  # fmt: skip
    places = Counter(
        (tag.device, tag.address.upper() if tag.address[:1] == "%" else tag.address) for tag in line.tags
    )
    for (device, address), count in places.items():
        if count > 1:
            yield (f"tags : {device} {address} sert {count} variables ; donnez une adresse à chacune",
                   f"tags: {device} {address} serves {count} tags; give each an address")  # fmt: skip


def _device_problems(device: Device, networks: dict[str, ipaddress.IPv4Network]) -> Iterable[tuple[str, str]]:
    if not device.interfaces:
        yield (f"équipement {device.id} : aucune interface ; écrivez par exemple {{control: 10.20.1.10}}",
               f"device {device.id}: no interface; write for example {{control: 10.20.1.10}}")  # fmt: skip
    for zone, address in device.interfaces.items():
        if zone not in networks:
            yield (
                f"équipement {device.id} : zone {zone} inconnue",
                f"device {device.id}: unknown zone {zone}",
            )
            continue
        try:
            inside = ipaddress.IPv4Address(address) in networks[zone]
        except ValueError:
            inside = False
        if not inside:
            yield (f"équipement {device.id} : {address} n'est pas une adresse de {networks[zone]}",
                   f"device {device.id}: {address} is not an address of {networks[zone]}")  # fmt: skip
    if (device.kind in PLC_KINDS) != (device.program is not None):
        yield (f"équipement {device.id} : un automate, et lui seul, a un programme",
               f"device {device.id}: a PLC, and only a PLC, has a program")  # fmt: skip


def _tag_problems(line: Line, tag: Tag) -> Iterable[tuple[str, str]]:
    device = next((d for d in line.devices if d.id == tag.device), None)
    if device is None:
        yield (
            f"variable {tag.id} : équipement {tag.device} inconnu",
            f"tag {tag.id}: unknown device {tag.device}",
        )
        return
    if device.kind in PLC_KINDS:
        try:
            address = parse_address(tag.address)
        except InputError as error:
            yield (f"variable {tag.id} : {error.text.fr}", f"tag {tag.id}: {error.text.en}")
            return
        if address.area == "I" and tag.writable:
            yield (
                f"variable {tag.id} : une entrée (%I) ne s'écrit pas",
                f"tag {tag.id}: an input (%I) is not writable",
            )
    if tag.signal is not None:
        asset, dot, quantity = tag.signal.partition(".")
        if not (dot and quantity) or asset not in {a.id for a in line.assets}:
            yield (f"variable {tag.id} : signal {tag.signal} inconnu ; écrivez actif.grandeur",
                   f"tag {tag.id}: unknown signal {tag.signal}; write asset.quantity")  # fmt: skip
    if tag.range is not None and not tag.range[0] < tag.range[1]:
        yield (
            f"variable {tag.id} : l'étendue {tag.range} est vide",
            f"tag {tag.id}: the range {tag.range} is empty",
        )
