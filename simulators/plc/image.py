"""The process image of a PLC: every located variable, once, by its address."""

from collections.abc import Iterator

from simulators.plc.address import Address

Value = bool | int | float | str


class Image:
    """Cells by address. Programs and network servers hold indices into `cells` and read it in place.

    Addresses of different widths do not overlap (`%MW0` is not the low half of `%MD0`), as in OpenPLC.
    A cell keeps a Python value of its IEC type: `bool` for BOOL, `int` for the integers, bit strings and
    TIME (nanoseconds), `float` for REAL and LREAL.
    """

    def __init__(self) -> None:
        self.cells: list[Value] = []
        self.types: list[str] = []
        self._index: dict[Address, int] = {}

    def declare(self, address: Address, iec_type: str) -> int:
        """The index of the cell at `address`, made if absent; the first declaration's type stands."""
        index = self._index.get(address)
        if index is None:
            index = self._index[address] = len(self.cells)
            self.types.append(iec_type.upper())
            self.cells.append(_zero(iec_type.upper()))
        return index

    def retype(self, index: int, iec_type: str) -> None:
        """Give the cell another type, as a new program may; its value is zero again."""
        self.types[index] = iec_type.upper()
        self.cells[index] = _zero(iec_type.upper())

    def clear(self, index: int) -> None:
        """Put the cell back to zero."""
        self.cells[index] = _zero(self.types[index])

    def index_of(self, address: Address) -> int | None:
        """The index of the cell at `address`, None if nothing declared it."""
        return self._index.get(address)

    def items(self) -> Iterator[tuple[Address, int, str]]:
        """Address, cell index and IEC type of every cell."""
        for address, index in self._index.items():
            yield address, index, self.types[index]


def _zero(iec_type: str) -> Value:
    if iec_type == "BOOL":
        return False
    return 0.0 if iec_type in {"REAL", "LREAL"} else 0
