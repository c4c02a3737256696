"""The units behind one address: the PLC itself, and read-only views of some of its tags."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from simulators.contracts import Context, Plc
from simulators.devices.modbus_plc.config import Config
from simulators.devices.modbus_plc.status import Status
from simulators.devices.modbus_plc.tables import Bits, Cell, Registers, Written
from simulators.document import PlaceError
from simulators.plc.address import Table, modbus_place, parse_address
from simulators.plc.image import Image
from simulators.validation import Place

_WORDS = {
    "REAL": 2,
    "DINT": 2,
    "UDINT": 2,
    "DWORD": 2,
    "TIME": 2,
    "LREAL": 4,
    "LINT": 4,
    "ULINT": 4,
    "LWORD": 4,
}
# On TCP the address alone names the device: 255, and 0, mean "you" (Modbus Messaging on TCP/IP, 3.1.3).
_SELF, _PLC = frozenset({0, 255}), 1


class Unit:
    """Four tables, and the PLC's status if it is the PLC."""

    def __init__(
        self, image: Image, cells: Mapping[Table, Sequence[Cell]], status: Status | None, writable: bool
    ) -> None:
        self.bits: dict[Table, Bits] = {
            table: Bits(image, cells.get(table, ())) for table in ("coil", "discrete_input")
        }
        self.registers: dict[Table, Registers] = {
            table: Registers(image, cells.get(table, ())) for table in ("input_register", "holding_register")
        }
        self._status = status
        self._writable = writable

    def read_bits(self, table: Table, start: int, count: int) -> bytes | None:
        return self.bits[table].read(start, count)

    def read_registers(self, table: Table, start: int, count: int) -> bytes | None:
        data = self.registers[table].read(start, count)
        if data is None and self._status is not None:
            read = self._status.read_inputs if table == "input_register" else self._status.read_mode
            return read(start, count)
        return data

    def write_bits(self, start: int, count: int, packed: bytes) -> Written:
        return self.bits["coil"].write(start, count, packed) if self._writable else Written.NO_ADDRESS

    def write_registers(self, start: int, data: bytes) -> Written:
        if not self._writable:
            return Written.NO_ADDRESS
        written = self.registers["holding_register"].write(start, data)
        if written is Written.NO_ADDRESS and self._status is not None:
            return self._status.write_mode(start, data)
        return written


def build(context: Context, plc: Plc, config: Config) -> dict[int, Unit]:
    """The units of the configuration, by number; 0 and 255 are the PLC's own aliases.

    Raises:
        PlaceError: a view names a tag that is not this PLC's.
    """
    units = {
        number: _view(context, plc, number, view.tags) if view.tags else _whole(plc, config)
        for number, view in config.units.items()
    }
    if _PLC in units:
        units.update(dict.fromkeys(_SELF - units.keys(), units[_PLC]))
    return units


def canonical(unit: int, units: Mapping[int, Unit]) -> int:
    """The unit that rules and logs speak of: 1 for its aliases."""
    return _PLC if unit in _SELF and units.get(unit) is units.get(_PLC) else unit


def _whole(plc: Plc, config: Config) -> Unit:
    cells: dict[Table, list[Cell]] = defaultdict(list)
    for address, index, iec_type in plc.image.items():
        if address.width != "B":
            place = modbus_place(address)
            cells[place.table].append(Cell(place.start, place.count, index, iec_type))
    return Unit(plc.image, cells, Status(plc, config.mode_register == "writable"), writable=True)


def _view(context: Context, plc: Plc, number: int, tags: Sequence[str]) -> Unit:
    cells: list[Cell] = []
    start = 0
    for place, name in enumerate(tags):
        cell = _cell_of(context, plc, ("units", number, "tags", place), name, start)
        cells.append(cell)
        start += cell.count
    return Unit(plc.image, {"input_register": cells, "holding_register": cells}, None, writable=False)


def _cell_of(context: Context, plc: Plc, place: Place, name: str, start: int) -> Cell:
    own = {tag.id: tag for tag in context.line.tags_of(context.spec.id)}
    if name not in own:
        raise PlaceError(
            place,
            f"{name} n'est pas une variable de cet automate ; choisissez parmi : {', '.join(sorted(own))}",
            f"{name} is not a tag of this PLC; choose among: {', '.join(sorted(own))}",
        )
    index = plc.image.declare(parse_address(own[name].address), own[name].type)
    return Cell(start, _WORDS.get(plc.image.types[index], 1), index, plc.image.types[index])
