"""Directly represented addresses of IEC 61131-3 (`%IX0.3`, `%QW3`, `%MD2`) and where Modbus finds them."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from simulators.errors import InputError

Area = Literal["I", "Q", "M"]
Width = Literal["X", "B", "W", "D", "L"]
Table = Literal["coil", "discrete_input", "input_register", "holding_register"]

_PATTERN = re.compile(r"%([IQM])([XBWDL]?)(\d{1,5})(?:\.(\d))?", re.IGNORECASE)
_REGISTERS = {"W": 1, "D": 2, "L": 4}
# First register or bit of each area and width. %IX, %QX, %IW, %QW, %MW, %MD and %ML stand where OpenPLC has
# them; the others, which OpenPLC does not serve, follow in the free ranges.
_ORIGIN: dict[tuple[str, str], tuple[Table, int]] = {
    ("I", "X"): ("discrete_input", 0),
    ("Q", "X"): ("coil", 0),
    ("M", "X"): ("coil", 8192),
    ("I", "W"): ("input_register", 0),
    ("I", "D"): ("input_register", 2048),
    ("I", "L"): ("input_register", 4096),
    ("Q", "W"): ("holding_register", 0),
    ("M", "W"): ("holding_register", 1024),
    ("M", "D"): ("holding_register", 2048),
    ("M", "L"): ("holding_register", 4096),
    ("Q", "D"): ("holding_register", 8192),
    ("Q", "L"): ("holding_register", 12288),
}


@dataclass(frozen=True, slots=True)
class Address:
    """A located variable's place: area, width, index and, for bits, the bit in the byte."""

    area: Area
    width: Width
    index: int
    bit: int = 0

    def __str__(self) -> str:
        return f"%{self.area}{self.width}{self.index}" + (f".{self.bit}" if self.width == "X" else "")

    def after(self, count: int) -> "Address":
        """The address so many bits or values of its width further on."""
        if self.width == "X":
            index, bit = divmod(8 * self.index + self.bit + count, 8)
            return replace(self, index=index, bit=bit)
        return replace(self, index=self.index + count)


@dataclass(frozen=True, slots=True)
class ModbusPlace:
    """Where a Modbus master finds an address: table, zero-based start, registers or bits taken."""

    table: Table
    start: int
    count: int


def parse_address(text: str) -> Address:
    """`%QX1.2` → Address. A missing width means a bit, as the standard says.

    Raises:
        InputError: not an address.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match:
        area, width, index, bit = match.groups()
        width = (width or "X").upper()
        if (bit is None) == (width != "X") and int(bit or 0) < 8:
            return Address(area.upper(), width, int(index), int(bit or 0))  # type: ignore[arg-type]
    raise InputError(
        f"{text} : adresse inconnue ; écrivez par exemple %IX0.3, %QW3 ou %MD2",
        f"{text}: not an address; write for example %IX0.3, %QW3 or %MD2",
    )


def modbus_place(address: Address) -> ModbusPlace:
    """Where Modbus serves `address`; 32- and 64-bit values take registers high word first.

    Raises:
        InputError: bytes (`%IB0`) have no place in Modbus.
    """
    try:
        table, origin = _ORIGIN[address.area, address.width]
    except KeyError:
        raise InputError(
            f"{address} : un octet n'a pas de place en Modbus ; utilisez un mot (W)",
            f"{address}: a byte has no place in Modbus; use a word (W)",
        ) from None
    if address.width == "X":
        return ModbusPlace(table, origin + 8 * address.index + address.bit, 1)
    count = _REGISTERS[address.width]
    return ModbusPlace(table, origin + count * address.index, count)


def reachable(address: Address) -> None:
    """Check that a Modbus master can reach `address` without meeting another area.

    Raises:
        InputError: it lies beyond its area's part of the table.
    """
    if address.width == "B":
        return
    place = modbus_place(address)
    origin = _ORIGIN[address.area, address.width][1]
    after = [start for table, start in _ORIGIN.values() if table == place.table and start > origin]
    limit = min(after, default=65536)
    if place.start + place.count > limit:
        last = (limit - origin) // (8 if address.width == "X" else place.count) - 1
        raise InputError(
            f"{address} : hors de portée ; %{address.area}{address.width} va de 0 à {last}",
            f"{address}: out of reach; %{address.area}{address.width} goes from 0 to {last}",
        )
