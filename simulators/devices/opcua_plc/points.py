"""A PLC's tags as OPC UA variables: `ns=2;s=Filler.SetPoint` under Objects/<line>/<group>, kept level with the image.

A variable carries the cell as the program has it; where a tag has a gain or an offset, its EURange is in those raw
units too, so that a client finds one scale only.
"""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter

from asyncua import ua
from asyncua.server.address_space import AttributeValue
from asyncua.ua.object_ids import ObjectIds

from simulators.devices.opcua_plc.alarms import AlarmWatch
from simulators.devices.opcua_plc.iec import WIRE, WireType
from simulators.devices.opcua_plc.names import below, date, dated, ours, standard
from simulators.devices.opcua_plc.nodes import Space, Words
from simulators.devices.opcua_plc.units import engineering_units
from simulators.model import Line, Tag
from simulators.plc.address import parse_address
from simulators.plc.image import Image, Value
from simulators.text import Text

_Ids = ObjectIds


class Point:
    """A tag, its cell in the image and its variable in the address space."""

    __slots__ = (
        "_at_unix_s",
        "_cell",
        "_shown",
        "access",
        "alarms",
        "index",
        "nodeid",
        "range",
        "tag",
        "wire",
    )

    def __init__(self, tag: Tag, index: int, access: int) -> None:
        self.tag = tag
        self.index = index
        self.access = access
        self.nodeid = ours(tag.id)
        self.wire: WireType = WIRE[tag.type]
        self.range = raw_range(tag)
        self._cell: Value = 0
        self._at_unix_s = 0.0
        self._shown: ua.DataValue | None = None
        self.alarms: list[tuple[AlarmWatch, AttributeValue]] = []

    def engineering(self, cell: Value) -> Value:
        tag = self.tag
        if isinstance(cell, (bool, str)) or (tag.gain == 1 and tag.offset == 0):
            return cell
        return cell * tag.gain + tag.offset

    def show(self, cell: Value, at_unix_s: float) -> None:
        """The variable is `cell` from now on; it is only made for the wire when somebody asks for it."""
        self._cell, self._at_unix_s, self._shown = cell, at_unix_s, None

    def shown(self, *_asked: object) -> ua.DataValue:
        """The variable's value; the same object until it changes."""
        if self._shown is None:
            variant = ua.Variant(self.wire.shown(self._cell), self.wire.variant, None, False)
            self._shown = dated(variant, date(self._at_unix_s))
        return self._shown


class Points:
    """All points of a server, and what of the image they last showed."""

    def __init__(self, points: Sequence[Point], image: Image, unix_s: Callable[[float], float]) -> None:
        self.by_node = {point.nodeid: point for point in points}
        self._points = list(points)
        self._image = image
        self._unix_s = unix_s
        self._pick = _picker([point.index for point in points])
        self._last: tuple[Value, ...] | None = None
        self._waiting: list[Point] = []
        self.t_s = 0.0

    def publish(self, t_s: float) -> None:
        """Show every cell that changed since the last time, dated `t_s`."""
        self.t_s = t_s
        current = self._pick(self._image.cells)
        if current != self._last:
            last = self._last or (None,) * len(current)
            at = self._unix_s(t_s)
            for point, cell, before in zip(self._points, current, last, strict=True):
                if cell is not before and cell != before:
                    point.show(cell, at)
                    if point.alarms:
                        self._alarm(point, cell, t_s)
            self._last = current
        if self._waiting:
            for point in tuple(self._waiting):
                self._alarm(point, self._image.cells[point.index], t_s)

    def write(self, point: Point, wire_value: Value) -> None:
        """Put what a client wrote in the image, where the program and every reader find it at once."""
        self._image.cells[point.index] = point.wire.cell(wire_value)
        self.publish(self.t_s)

    def _alarm(self, point: Point, cell: Value, t_s: float) -> None:
        value = point.engineering(cell)
        for watch, held in point.alarms:
            if watch.evaluate(value, t_s):
                at = date(self._unix_s(t_s))
                active = ua.Variant(watch.active, ua.VariantType.Boolean, None, False)
                held.value = dated(active, at)
        waiting = any(watch.waiting for watch, _ in point.alarms)
        if waiting != (point in self._waiting):
            (self._waiting.append if waiting else self._waiting.remove)(point)


def build_points(
    space: Space, line: Line, tags: Sequence[Tag], image: Image, access: dict[str, int]
) -> list[Point]:
    """Make the folders and variables of `tags`; `access` gives each tag's mask (1 read, 2 write)."""
    root = ours(line.id)
    space.folder(root, standard(_Ids.ObjectsFolder), line.id, Words(line.name, line.description))
    for group in dict.fromkeys(tag.group for tag in tags):
        name = _group_name(line, group)
        space.folder(ours(group), root, group, Words(name, Text(fr="", en="")))
    return [_point(space, tag, image, access[tag.id]) for tag in tags]


def _point(space: Space, tag: Tag, image: Image, access: int) -> Point:
    point = Point(tag, image.declare(parse_address(tag.address), tag.type), access)
    group, _, browse = tag.id.partition(".")
    analog = tag.range is not None and tag.type != "BOOL"
    value = ua.Variant(point.wire.shown(image.cells[point.index]), point.wire.variant)
    held = space.variable(
        point.nodeid, ours(group), browse, Words(tag.name, description(tag)),
        value, point.wire.datatype, access,
        definition=_Ids.AnalogItemType if analog else _Ids.BaseDataVariableType,
    )  # fmt: skip
    held.value_callback = point.shown
    if analog and point.range:
        span = ua.Variant(ua.Range(*point.range), ua.VariantType.ExtensionObject)
        space.property(point.nodeid, "EURange", span, _Ids.Range)
    if tag.unit:
        unit = ua.Variant(engineering_units(tag.unit), ua.VariantType.ExtensionObject)
        space.property(point.nodeid, "EngineeringUnits", unit, _Ids.EUInformation)
    point.alarms = _alarms(space, point)
    return point


def _alarms(space: Space, point: Point) -> list[tuple[AlarmWatch, AttributeValue]]:
    watches = []
    for number, alarm in enumerate(point.tag.alarms, 1):
        browse = f"Alarms.{number}"
        nodeid = ours(f"{point.tag.id}.{browse}")
        words = Words(alarm.text, Text(fr=f"Priorité {alarm.priority}", en=f"Priority {alarm.priority}"))
        inactive = ua.Variant(False, ua.VariantType.Boolean)
        held = space.variable(nodeid, point.nodeid, browse, words, inactive, ua.VariantType.Boolean.value)
        text = ua.Variant(ua.LocalizedText(alarm.text.fr, "fr"), ua.VariantType.LocalizedText)
        space.property(nodeid, "Text", text, ua.VariantType.LocalizedText.value, ns0=False)
        space.words[below(nodeid, "Text")] = Words(alarm.text, Text(fr="", en=""))
        watches.append((AlarmWatch(alarm), held))
    return watches


def raw_range(tag: Tag) -> tuple[float, float] | None:
    """The tag's range in the units of its cell, low first."""
    if tag.range is None:
        return None
    low, high = sorted((bound - tag.offset) / (tag.gain or 1.0) for bound in tag.range)
    return float(low), float(high)


def description(tag: Tag) -> Text:
    """Unit, range and states, for whoever browses."""
    return Text(fr=_described(tag, "fr"), en=_described(tag, "en"))


def _described(tag: Tag, language: str) -> str:
    parts = [tag.name.in_language(language) + (f" ({tag.unit})" if tag.unit else "")]
    if tag.range:
        low, high = tag.range
        parts.append(f"{low:g} … {high:g}")
    colon = " : " if language == "fr" else ": "
    for value, text in (tag.states or {}).items():
        parts.append(f"{value}{colon}{text.in_language(language)}")
    return ", ".join(parts)


def _group_name(line: Line, group: str) -> Text:
    """The name of the asset of the group's name (`RawTank` → `raw_tank`), else the group itself."""
    asset_id = re.sub(r"(?<!^)(?=[A-Z])", "_", group).lower()
    return next((asset.name for asset in line.assets if asset.id == asset_id), Text(fr=group, en=group))


def _picker(indices: list[int]) -> Callable[[list[Value]], tuple[Value, ...]]:
    if not indices:
        return lambda _cells: ()
    if len(indices) == 1:
        only = indices[0]
        return lambda cells: (cells[only],)
    return itemgetter(*indices)
