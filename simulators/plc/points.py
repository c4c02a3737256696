"""Where the process image meets the plant: tags with a %I or %Q address and a signal."""

import math
from collections.abc import Callable, Sequence

from simulators.contracts import FieldIO
from simulators.model import Tag
from simulators.plc.address import parse_address
from simulators.plc.image import Image, Value
from simulators.plc.st.runtime import single
from simulators.plc.st.types import NAMED, Elementary

Convert = Callable[[Value], Value]


class Points:
    """The inputs and outputs of one PLC. Raw value = (engineering value − offset) / gain."""

    def __init__(self, tags: Sequence[Tag], field: FieldIO, image: Image) -> None:
        self._field = field
        self._image = image
        self._inputs: list[tuple[int, Convert]] = []
        self._outputs: list[tuple[int, Convert]] = []
        self._input_signals: list[str] = []
        self._output_signals: list[str] = []
        self.fixed: set[int] = set()
        for tag in tags:
            self._add(tag)

    def _add(self, tag: Tag) -> None:
        address = parse_address(tag.address)
        index = self._image.declare(address, tag.type)
        self.fixed.add(index)
        if tag.signal is None:
            return
        if address.area == "I":
            self._inputs.append((index, _to_raw(tag)))
            self._input_signals.append(tag.signal)
        elif address.area == "Q":
            self._outputs.append((index, _to_engineering(tag)))
            self._output_signals.append(tag.signal)

    def read(self) -> None:
        """Refresh the inputs of the image."""
        cells = self._image.cells
        for (index, convert), value in zip(self._inputs, self._field.read(self._input_signals), strict=True):
            cells[index] = convert(value)

    def write(self) -> None:
        """Drive the actuators with the outputs of the image."""
        cells = self._image.cells
        self._field.write(self._output_signals, [convert(cells[index]) for index, convert in self._outputs])

    def make_safe(self) -> None:
        """Put every output to its safe state: FALSE, or a raw 0."""
        for index, _ in self._outputs:
            self._image.clear(index)


def _to_raw(tag: Tag) -> Convert:
    """Engineering → raw, within the tag's type as an input card would keep it."""
    gain, offset = tag.gain or 1.0, tag.offset
    of = NAMED[tag.type.lower()]
    assert isinstance(of, Elementary)
    if of.kind == "bool":
        return bool
    if of.kind == "real":
        rounding: Callable[[float], float] = single if of.bits == 32 else float
        if gain == 1.0 and offset == 0.0:
            return lambda value: rounding(float(value))
        return lambda value: rounding((float(value) - offset) / gain)
    low, high = of.low, of.high

    def to_integer(value: Value) -> Value:
        raw = (float(value) - offset) / gain
        if math.isnan(raw):
            return 0
        return low if raw <= low else high if raw >= high else round(raw)

    return to_integer


def _to_engineering(tag: Tag) -> Convert:
    gain, offset = tag.gain, tag.offset
    if tag.type == "BOOL":
        return bool

    def to_engineering(value: Value) -> Value:
        raw = float(value)
        # An output card cannot put out infinity or "not a number", which a network write may have left behind.
        return (raw if raw - raw == 0.0 else 0.0) * gain + offset

    return to_engineering
