"""Values of a program's variables as plain data: what survives a restart, and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulators.plc.image import Image
from simulators.plc.st.program import Instance
from simulators.plc.st.runtime import gather, scatter
from simulators.plc.st.types import (
    Array,
    Block,
    Elementary,
    Enumeration,
    Structure,
    Subrange,
    Text,
    Type,
    base,
)
from simulators.plc.st.unit import Variable

Values = dict[str, Any]
_SKIPPED = ("VAR_IN_OUT", "VAR_TEMP", "VAR_EXTERNAL")
FORMAT = "usine-ecole/retained/v1"


class _Walk:
    """Goes through an instance's variables; `everything` or only those declared RETAIN."""

    def __init__(self, instance: Instance, image: Image, *, everything: bool) -> None:
        self.instance, self.image, self.everything = instance, image, everything

    def units(self) -> list[tuple[str, Any, list[Variable], bool]]:
        """Name, object, variables and whether all are kept, of the globals and of each program instance."""
        program = self.instance.program
        found = [("", self.instance.space, program.variables.get("", []), self.everything)]
        for attribute, block, retained in program.instances:
            owner = getattr(self.instance.space, attribute)
            variables = program.variables[block.name.lower()]
            found.append((attribute, owner, variables, self.everything or retained))
        return found

    def kept(self, variables: list[Variable], *, all_of_them: bool) -> list[tuple[Variable, bool]]:
        """The variables to look into, and whether all that they hold is kept."""
        chosen = []
        for variable in variables:
            if variable.constant is not None or variable.section in _SKIPPED:
                continue
            whole = all_of_them or variable.retain
            if whole or _may_hold(variable.type):
                chosen.append((variable, whole))
        return chosen

    def value(self, owner: Any, variable: Variable) -> Any:
        if variable.spread:
            return gather(self.image.cells, self._cells(variable))
        if variable.located is not None:
            return self.image.cells[self.instance.indices[variable.located]]
        return getattr(owner, "v_" + variable.name.lower())

    def _cells(self, variable: Variable) -> tuple[int, ...]:
        return tuple(self.instance.indices[number] for number in variable.spread)

    def put(self, owner: Any, variable: Variable, value: Any) -> None:
        if variable.spread:
            scatter(self.image.cells, self._cells(variable), value)
        elif variable.located is not None:
            self.image.cells[self.instance.indices[variable.located]] = value
        else:
            setattr(owner, "v_" + variable.name.lower(), value)

    def freeze(self, of: Type, value: Any, *, whole: bool) -> Any:
        """`value` as JSON-able data."""
        if isinstance(of, Array):
            return [self.freeze(of.element, item, whole=whole) for item in value]
        if isinstance(of, Structure):
            return {
                n: self.freeze(f.type, getattr(value, "v_" + n), whole=whole)
                for n, f in of.fields.items()
                if whole or _may_hold(f.type)
            }
        if isinstance(of, Block):
            if of.python.startswith("B_std_"):
                return {slot: getattr(value, slot) for slot in _slots(value)}
            variables = self.kept(self.instance.program.variables[of.name.lower()], all_of_them=whole)
            return {v.name.lower(): self.freeze(v.type, self.value(value, v), whole=w) for v, w in variables}
        return value

    def thaw(self, of: Type, current: Any, data: Any, *, whole: bool) -> Any:
        """What `current` becomes with `data`; what does not fit leaves it as it is."""
        if isinstance(of, Array):
            if isinstance(data, list) and len(data) == of.size:
                current[:] = [
                    self.thaw(of.element, c, d, whole=whole) for c, d in zip(current, data, strict=True)
                ]
        elif isinstance(of, Structure):
            for name, field in of.fields.items() if isinstance(data, dict) else ():
                slot = "v_" + name
                if name in data:
                    setattr(
                        current, slot, self.thaw(field.type, getattr(current, slot), data[name], whole=whole)
                    )
        elif isinstance(of, Block):
            if isinstance(data, dict):
                self._thaw_block(of, current, data, whole=whole)
        elif _fits(base(of), data, of):
            return float(data) if isinstance(current, float) else data
        return current

    def _thaw_block(self, of: Block, current: Any, data: dict[str, Any], *, whole: bool) -> None:
        if of.python.startswith("B_std_"):
            for slot in _slots(current):
                if slot in _MOMENTS and not self.everything:
                    continue
                if type(data.get(slot)) is type(getattr(current, slot)):
                    setattr(current, slot, data[slot])
            return
        for variable, deep in self.kept(self.instance.program.variables[of.name.lower()], all_of_them=whole):
            name = variable.name.lower()
            if name in data:
                value = self.thaw(variable.type, self.value(current, variable), data[name], whole=deep)
                self.put(current, variable, value)


def freeze(instance: Instance, image: Image, *, everything: bool = False) -> Values:
    """The values of the RETAIN variables (or of `everything`), by unit and name."""
    walk = _Walk(instance, image, everything=everything)
    found: Values = {}
    for name, owner, variables, whole in walk.units():
        values = {
            v.name.lower(): walk.freeze(v.type, walk.value(owner, v), whole=w)
            for v, w in walk.kept(variables, all_of_them=whole)
        }
        if values:
            found[name] = values
    return found


def thaw(instance: Instance, image: Image, values: Values, *, everything: bool = False) -> None:
    """Put back what `freeze` gave, by name, where the types still fit; the rest keeps its initial value."""
    walk = _Walk(instance, image, everything=everything)
    for name, owner, variables, whole in walk.units():
        data = values.get(name)
        if not isinstance(data, dict):
            continue
        for variable, deep in walk.kept(variables, all_of_them=whole):
            key = variable.name.lower()
            if key in data:
                value = walk.thaw(variable.type, walk.value(owner, variable), data[key], whole=deep)
                walk.put(owner, variable, value)


def load(path: Path) -> Values:
    """The values in the file.

    Raises:
        ValueError: the file is not what `store` writes.
        OSError: it cannot be read.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("values"), dict):
        raise ValueError(path.name)
    values: Values = data["values"]
    return values


def store(path: Path, values: Values) -> None:
    """Write the file whole or not at all. Raises: OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({"format": FORMAT, "values": values}), encoding="utf-8")
    draft.replace(path)


def _slots(value: Any) -> list[str]:
    return sorted(slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ()))


# Moments of simulated time, which starts again with the lab: kept by checkpoints only.
_MOMENTS = ("start", "last")


def _may_hold(of: Type) -> bool:
    """May a variable of this type contain RETAIN variables of its own?"""
    if isinstance(of, Array):
        return _may_hold(of.element)
    if isinstance(of, Structure):
        return any(_may_hold(f.type) for f in of.fields.values())
    return isinstance(of, Block) and not of.python.startswith("B_std_")


def _fits(of: Type, data: Any, declared: Type) -> bool:
    if isinstance(of, Text):
        return isinstance(data, str) and len(data) <= of.length
    if isinstance(of, Enumeration):
        return type(data) is int and data in of.labels.values()
    if not isinstance(of, Elementary):
        return False
    if of.kind == "bool":
        return isinstance(data, bool)
    if of.kind == "real":
        return isinstance(data, int | float) and not isinstance(data, bool)
    limits = declared if isinstance(declared, Subrange) else of
    return type(data) is int and limits.low <= data <= limits.high
