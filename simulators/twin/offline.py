"""The digital twin: plant and PLC programs, offline, as fast as they can go.

Devices and network are left out: what a tag reads is what its PLC or its sensor holds.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from simulators.errors import InputError
from simulators.model import PLC_KINDS, Line, Tag
from simulators.plant.engine import Plant
from simulators.plc.address import parse_address
from simulators.plc.image import Value
from simulators.plc.scan import ScanCycle

Fault = tuple[float, str, str, float]  # seconds, asset, mode, severity (0 mends)
Action = tuple[float, str, Value]  # seconds, writable tag or disturbance (`panel.recipe`), value


class Row(NamedTuple):
    """Every tag at one moment, in the line's order; `truths` is None where nothing physical is behind a tag."""

    t_s: float
    readings: list[Value]
    truths: list[Value | None]
    faults: str
    """What was wrong, as `pump.wear=0.5;raw_tank.sensor_stuck:level_pct=1`: the label."""


def run(
    line: Line,
    hours: float,
    seed: int,
    faults: Sequence[Fault] = (),
    interval_s: float = 1.0,
    actions: Sequence[Action] = (),
) -> Iterator[Row]:
    """Run the line for `hours`, from its start, with a row every `interval_s` of simulated time.

    Raises:
        InputError: a duration, a fault or an action does not fit; nothing is run.
    """
    if not (0.0 < hours <= 24.0 * 365.0 and line.step_s <= interval_s <= hours * 3600.0):
        raise InputError(
            f"durée {hours} h, intervalle {interval_s} s : donnez plus de 0 h et un intervalle de {line.step_s} s au moins",
            f"{hours} h, interval {interval_s} s: give more than 0 h and an interval of {line.step_s} s at least",
        )
    twin = Twin(line, seed)
    twin.plan(faults, actions)
    return _rows(twin, round(hours * 3600.0 / line.step_s), max(1, round(interval_s / line.step_s)))


def _rows(twin: "Twin", steps: int, every: int) -> Iterator[Row]:
    for step in range(1, steps + 1):
        twin.step()
        if step % every == 0:
            yield twin.row()


class Twin:
    """A plant with its PLCs, stepped together as the host of a lab steps them."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self.plant = Plant(line, seed)
        self.plcs = {
            device.id: ScanCycle(
                device.id,
                line.tags_of(device.id),
                self.plant,
                line.text_of(device.program or ""),
                step_s=line.step_s,
            )
            for device in line.devices_of(*PLC_KINDS)
        }
        self._cells = {tag.id: self._cell(tag) for tag in line.tags}
        self._physical = [tag.signal for tag in line.tags if tag.signal is not None]
        self._scans = [plc.scan for plc in self.plcs.values()]
        self._due: list[tuple[float, Callable[[], None]]] = []

    def plan(self, faults: Sequence[Fault], actions: Sequence[Action]) -> None:
        """Do these when their time comes.

        Raises:
            InputError: one of them cannot be done on this line.
        """
        rehearsal = Plant(self.line, 0)
        for t_s, asset, mode, severity in faults:
            rehearsal.fault(asset, mode, severity)
            self._due.append((t_s, lambda a=asset, m=mode, s=severity: self.plant.fault(a, m, s)))  # type: ignore[misc]
        for t_s, name, value in actions:
            if name[:1].islower():
                rehearsal.disturb(name, value)
            else:
                self._writable(name)
            self._due.append((t_s, lambda n=name, v=value: self.act(n, v)))  # type: ignore[misc]
        self._due.sort(key=lambda item: -item[0])

    def act(self, name: str, value: Value) -> None:
        """Set a writable tag, as SCADA would, or a disturbance."""
        if name[:1].islower():
            self.plant.disturb(name, value)
            return
        tag = self._writable(name)
        cells, index = self._place(tag)
        if tag.type == "BOOL":
            cells[index] = bool(value)
        elif tag.type in ("REAL", "LREAL"):
            cells[index] = float(value)
        else:
            cells[index] = round((float(value) - tag.offset) / tag.gain)

    def _writable(self, name: str) -> Tag:
        tag = self.line.tag(name)
        if not tag.writable:
            known = ", ".join(item.id for item in self.line.tags if item.writable)
            raise InputError(
                f"variable {name} : lecture seule ; choisissez parmi : {known}",
                f"tag {name}: read-only; choose one of: {known}",
            )
        return tag

    def step(self) -> None:
        """One step of the plant, one scan of each PLC."""
        due, plant = self._due, self.plant
        while due and due[-1][0] <= plant.t_s:
            due.pop()[1]()
        plant.step()
        t_s = plant.t_s
        for scan in self._scans:
            scan(t_s)

    def row(self) -> Row:
        """Every tag now."""
        plant = self.plant
        truths = iter(plant.truth(self._physical))
        return Row(
            plant.t_s,
            [cell() for cell in self._cells.values()],
            [next(truths) if tag.signal is not None else None for tag in self.line.tags],
            ";".join(
                f"{asset}.{mode}={severity:.3g}"
                for asset, modes in plant.faults().items()
                for mode, severity in modes.items()
            ),
        )

    def reading(self, tag_id: str) -> Value:
        """What a tag reads now."""
        return self._cells[tag_id]()

    def _place(self, tag: Tag) -> tuple[list[Value], int]:
        image = self.plcs[tag.device].image
        index = image.index_of(parse_address(tag.address))
        assert index is not None  # the PLC declares every tag that it serves
        return image.cells, index

    def _cell(self, tag: Tag) -> Callable[[], Value]:
        """How to read a tag, in engineering units."""
        if tag.device not in self.plcs:
            if tag.signal is None:
                # What a monitor would work out of what it hears: the twin has no network.
                nothing: Value = False if tag.type == "BOOL" else 0.0
                return lambda: nothing
            signals = [tag.signal]
            return lambda: self.plant.read(signals)[0]
        cells, index = self._place(tag)
        if tag.gain == 1.0 and tag.offset == 0.0:
            return lambda: cells[index]
        gain, offset = tag.gain, tag.offset
        return lambda: float(cells[index]) * gain + offset
