"""The Modbus tables over the image: every read and write goes straight to the cells, nothing is copied.

Declared cells stand in blocks. A gap of up to `GAP_REGISTERS` registers between two of them belongs to their
block and reads as 0, and bits are mapped by whole bytes, as in real PLCs; beyond the blocks there is nothing.
Only declared cells can be written.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from simulators.devices.modbus_plc.encoding import decode, encode
from simulators.plc.image import Image, Value

GAP_REGISTERS = 16
GAP_BITS = 64


class Written(Enum):
    """What became of a write."""

    DONE = 0
    NO_ADDRESS = 2
    BAD_VALUE = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """`count` bits or registers from `start` are the image's cell `index`."""

    start: int
    count: int
    index: int
    iec_type: str


class _Blocks:
    def __init__(self, spans: Iterable[tuple[int, int]], gap: int) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start - self._ends[-1] <= gap:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def cover(self, start: int, count: int) -> bool:
        block = bisect_right(self._starts, start) - 1
        return block >= 0 and start + count <= self._ends[block]


class Bits:
    """Coils or discrete inputs."""

    def __init__(self, image: Image, cells: Iterable[Cell]) -> None:
        self._image = image
        self._index = {cell.start: cell.index for cell in cells}
        self._blocks = _Blocks(((8 * (bit // 8), 8 * (bit // 8) + 8) for bit in self._index), GAP_BITS)

    def read(self, start: int, count: int) -> bytes | None:
        """Bits from `start`, packed low bit first; None where nothing is mapped."""
        if not self._blocks.cover(start, count):
            return None
        values, packed = self._image.cells, 0
        for place in range(count):
            index = self._index.get(start + place)
            if index is not None and values[index]:
                packed |= 1 << place
        return packed.to_bytes((count + 7) // 8, "little")

    def write(self, start: int, count: int, packed: bytes) -> Written:
        """All bits, or none where one is not a cell."""
        places = range(start, start + count)
        if any(place not in self._index for place in places):
            return Written.NO_ADDRESS
        bits = int.from_bytes(packed, "little")
        for place in places:
            self._image.cells[self._index[place]] = bool(bits >> (place - start) & 1)
        return Written.DONE


class Registers:
    """Input or holding registers."""

    def __init__(self, image: Image, cells: Iterable[Cell]) -> None:
        self._image = image
        self._cells = sorted(cells, key=lambda cell: cell.start)
        self._starts = [cell.start for cell in self._cells]
        self._blocks = _Blocks(((c.start, c.start + c.count) for c in self._cells), GAP_REGISTERS)

    def read(self, start: int, count: int) -> bytes | None:
        """Registers from `start`, big-endian; None where nothing is mapped."""
        if not self._blocks.cover(start, count):
            return None
        data = bytearray(2 * count)
        for cell in self._touched(start, count):
            words = encode(cell.iec_type, cell.count, self._image.cells[cell.index])
            first, last = max(start, cell.start), min(start + count, cell.start + cell.count)
            data[2 * (first - start) : 2 * (last - start)] = words[
                2 * (first - cell.start) : 2 * (last - cell.start)
            ]
        return bytes(data)

    def write(self, start: int, data: bytes) -> Written:
        """All registers, or none. Half of a 32-bit cell replaces that half and keeps the other."""
        count = len(data) // 2
        touched = self._touched(start, count)
        inside = (min(start + count, c.start + c.count) - max(start, c.start) for c in touched)
        if sum(inside) != count:
            return Written.NO_ADDRESS
        fresh: dict[int, Value] = {}
        for cell in touched:
            value = self._merged(cell, start, data)
            if value is None:
                return Written.BAD_VALUE
            fresh[cell.index] = value
        for index, value in fresh.items():
            self._image.cells[index] = value
        return Written.DONE

    def _touched(self, start: int, count: int) -> Sequence[Cell]:
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = bisect_right(self._starts, start + count - 1)
        return [cell for cell in self._cells[first:last] if cell.start + cell.count > start]

    def _merged(self, cell: Cell, start: int, data: bytes) -> Value | None:
        words = bytearray(encode(cell.iec_type, cell.count, self._image.cells[cell.index]))
        for place in range(cell.count):
            source = 2 * (cell.start + place - start)
            if 0 <= source < len(data):
                words[2 * place : 2 * place + 2] = data[source : source + 2]
        return decode(cell.iec_type, bytes(words))
