"""What a line is: frozen specs, parsed once from `line.yaml`, and the checks that cross them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from simulators.document import read
from simulators.errors import InputError, NotFoundError
from simulators.os_errors import unreadable
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
    """A whole production line, as `scenarios/lines/<id>/line.yaml` writes it; `file` and `folder` are where that was.

    `texts` are the files of that folder where they came along, by their names.
    """

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
    file: str = ""
    texts: dict[str, str] = {}

    def device(self, device_id: str) -> Device:
        """Raises: NotFoundError: no such device; says which there are."""
        return _one(self.devices, device_id, ("équipement", "inconnu"), "device")

    def asset(self, asset_id: str) -> Asset:
        """Raises: NotFoundError: no such asset; says which there are."""
        return _one(self.assets, asset_id, ("actif", "inconnu"), "asset")

    def zone(self, zone_id: str) -> Zone:
        """Raises: NotFoundError: no such zone; says which there are."""
        return _one(self.zones, zone_id, ("zone", "inconnue"), "zone")

    def tag(self, tag_id: str) -> Tag:
        """Raises: NotFoundError: no such tag."""
        return _one(self.tags, tag_id, ("variable", "inconnue"), "tag")

    def tags_of(self, device_id: str) -> list[Tag]:
        """The tags that the device serves."""
        return [tag for tag in self.tags if tag.device == device_id]

    def devices_of(self, *kinds: str) -> list[Device]:
        """The devices of these kinds."""
        return [device for device in self.devices if device.kind in kinds]

    def text_of(self, name: str) -> str:
        """The content of a file of the line's folder (a program, a configuration).

        Raises:
            InputError: the file is not there, or outside of that folder.
        """
        if name in self.texts:
            return self.texts[name]
        path = Path(self.folder) / name
        if not inside(path, Path(self.folder)):
            raise InputError(
                f"{name} est hors du dossier de la ligne ; donnez un chemin à l'intérieur",
                f"{name} is outside the line's folder; give a path within it",
            )
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(path, error) from error


def inside(path: Path, folder: Path) -> bool:
    """Whether a file stands in `folder` or below, symbolic links followed."""
    return folder.resolve() in path.resolve().parents


def _one(items: Sequence[_Named], item_id: str, fr: tuple[str, str], en: str) -> _Named:
    for item in items:
        if item.id == item_id:
            return item
    names: list[str] = [item.id for item in items]
    if len(names) > NAMES_MAX:
        # Here, for a line is seldom asked for what it does not have.
        import difflib

        names = [*difflib.get_close_matches(item_id, names, NAMES_NEAR, 0.3), "…"]
    known = ", ".join(names) or "–"
    raise NotFoundError(
        f"{fr[0]} {item_id} {fr[1]} ; choisissez parmi : {known}",
        f"unknown {en} {item_id}; choose one of: {known}",
    )


def load_line(path: Path) -> Line:
    """Read and check the line in `path` (`line.yaml`).

    Raises:
        InputError: names the file, the line, the place and the remedy.
    """
    # Here, for the checks are of the specs above.
    from simulators.line_checks import checked

    return checked(read(path))
