"""Where a PLC's tags lie in Modbus, read in as few requests as possible (Modbus Application Protocol V1.1b3)."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulators.devices.scada.scaling import Raw
from simulators.model import Tag
from simulators.plc.address import ModbusPlace, Table, modbus_place, parse_address

READ_FUNCTION: dict[Table, int] = {
    "coil": 1,
    "discrete_input": 2,
    "holding_register": 3,
    "input_register": 4,
}
REGISTERS_MAX, BITS_MAX = 125, 2000
# Asking for some registers that nobody wants costs less than one more request.
REGISTERS_GAP, BITS_GAP = 16, 64
# Registers hold a TIME in milliseconds, the PLC's image in nanoseconds.
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """A tag in its place."""

    tag: Tag
    place: ModbusPlace
    layout: struct.Struct | None
    """Of a number, None of a bit."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one request reads."""

    table: Table
    start: int
    count: int
    items: tuple[Item, ...]

    @property
    def request(self) -> bytes:
        """The request's PDU."""
        return struct.pack(">BHH", READ_FUNCTION[self.table], self.start, self.count)

    @property
    def answer_bytes(self) -> int:
        """How many bytes of data the answer must hold."""
        return (self.count + 7) // 8 if self.table in {"coil", "discrete_input"} else 2 * self.count

    def values(self, data: bytes) -> Iterator[tuple[Tag, Raw]]:
        """The raw values in an answer's `answer_bytes` bytes of data."""
        for item in self.items:
            at = item.place.start - self.start
            if item.layout is None:
                yield item.tag, bool(data[at >> 3] >> (at & 7) & 1)
            else:
                raw = item.layout.unpack_from(data, 2 * at)[0]
                yield item.tag, raw * _NS_PER_MS if item.tag.type == "TIME" else raw

    def exact(self) -> list["Block"]:
        """The same without gaps: for a device that refuses registers it does not have."""
        return _blocks(self.items, 0, 0)


def item_of(tag: Tag) -> Item:
    """Raises: InputError: the tag's address has no place in Modbus."""
    place = modbus_place(parse_address(tag.address))
    bit = place.table in {"coil", "discrete_input"}
    return Item(tag, place, None if bit else struct.Struct(">" + _code(tag.type, place.count)))


def blocks_of(tags: Iterable[Tag]) -> list[Block]:
    """The requests that read all `tags`.

    Raises:
        InputError: an address has no place in Modbus.
    """
    return _blocks([item_of(tag) for tag in tags], REGISTERS_GAP, BITS_GAP)


def write_request(item: Item, raw: Raw) -> bytes:
    """The PDU that writes one tag: function 5 for a coil, 6 for one register, 16 for several."""
    start = item.place.start
    if item.layout is None:
        return struct.pack(">BHH", 5, start, 0xFF00 if raw else 0)
    data = item.layout.pack(int(raw) // _NS_PER_MS if item.tag.type == "TIME" else raw)
    if len(data) == 2:
        return struct.pack(">BH", 6, start) + data
    return struct.pack(">BHHB", 16, start, len(data) // 2, len(data)) + data


def _code(iec_type: str, registers: int) -> str:
    """The `struct` code of a type in so many registers, high word first."""
    if iec_type in {"REAL", "LREAL"} and registers > 1:
        return "f" if registers == 2 else "d"
    code = {1: "h", 2: "i", 4: "q"}[registers]
    return code if iec_type in {"SINT", "INT", "DINT", "LINT", "TIME"} else code.upper()


def _blocks(items: Sequence[Item], registers_gap: int, bits_gap: int) -> list[Block]:
    blocks = []
    for table in READ_FUNCTION:
        mine = sorted((i for i in items if i.place.table == table), key=lambda item: item.place.start)
        bits = table in {"coil", "discrete_input"}
        limit, gap = (BITS_MAX, bits_gap) if bits else (REGISTERS_MAX, registers_gap)
        run: list[Item] = []
        for item in mine:
            end = item.place.start + item.place.count
            if run and (item.place.start - _end(run) > gap or end - run[0].place.start > limit):
                blocks.append(_block(table, run))
                run = []
            run.append(item)
        if run:
            blocks.append(_block(table, run))
    return blocks


def _block(table: Table, run: Sequence[Item]) -> Block:
    start = run[0].place.start
    return Block(table, start, _end(run) - start, tuple(run))


def _end(run: Sequence[Item]) -> int:
    return max(item.place.start + item.place.count for item in run)
