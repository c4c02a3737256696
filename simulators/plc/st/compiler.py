"""Compiles a source's tree into the lines of a Python module."""

from __future__ import annotations

from simulators.plc.st import tree
from simulators.plc.st.blocks import BLOCKS
from simulators.plc.st.calls import is_scalar
from simulators.plc.st.configuration import Configurations
from simulators.plc.st.conversions import conversion
from simulators.plc.st.functions import NAMES
from simulators.plc.st.scope import Line
from simulators.plc.st.types import (
    NAMED,
    Array,
    Structure,
    Type,
)

POU_LIMIT = 200


class Compiler(Configurations):
    """One compilation."""

    def compile(self) -> None:
        """Fill `lines` and `tasks`; errors go to the report."""
        self._register()
        # Labels of enumerations first, then constants, which types may use, then the rest.
        self._declare_types(enumerations=True)
        self._declare_globals(constant=True)
        self._declare_types(enumerations=False)
        self._declare_globals(constant=False)
        for pou in self.unit.pous.values():
            self._weigh(pou.name, pou.place)
        self._configure()
        self._emit_globals()
        self._emit_structures()

    # Names

    def _register(self) -> None:
        for declaration in self.source.types:
            if self._free(declaration.name, declaration.place):
                self.unit.type_trees[declaration.name.lower()] = declaration
        for pou in self.source.pous[:POU_LIMIT]:
            if self._free(pou.name, pou.place):
                self.unit.pous[pou.name.lower()] = pou
        if len(self.source.pous) > POU_LIMIT:
            place = self.source.pous[POU_LIMIT].place
            self._error(
                place, f"plus de {POU_LIMIT} unités de programme", f"more than {POU_LIMIT} program units"
            )

    def _free(self, name: str, place: tree.Place) -> bool:
        lower = name.lower()
        standard = (
            lower in NAMED or lower in BLOCKS or name.upper() in NAMES or conversion(name.upper()) is not None
        )
        if standard:
            self._error(place, f"{name} est un nom de la norme ; choisissez-en un autre",
                        f"{name} is a name of the standard; choose another")  # fmt: skip
        elif lower in self.unit.pous or lower in self.unit.type_trees:
            self._error(place, f"{name} est déclaré deux fois", f"{name} is declared twice")
        else:
            return True
        return False

    def _declare_types(self, *, enumerations: bool) -> None:
        for declaration in self.unit.type_trees.values():
            if isinstance(declaration.spec, tree.EnumSpec) == enumerations:
                self.type_named(declaration.name)

    def _declare_globals(self, *, constant: bool) -> None:
        blocks = list(self.source.blocks)
        for configuration in self.source.configurations:
            blocks += configuration.blocks
        scope = self.global_scope()
        scope.names = self.unit.globals
        chosen = [block for block in blocks if block.constant == constant]
        self.unit.variables.setdefault("", []).extend(self.variables(chosen, scope, "_g"))

    # Emission of what the units need

    def _emit_globals(self) -> None:
        scope = self.global_scope()
        scope.indent = 0
        variables = self.unit.variables.get("", [])
        self._class(scope, "G", variables)
        slots = scope.lines[1]
        names = [f"'v_{v.name.lower()}'" for v in variables if v.constant is None and v.located is None]
        names += [f"'{attribute}'" for attribute, _, _ in self._instances]
        slots.text = f"__slots__ = ({', '.join(names)}{',' if names else ''})"
        scope.indent = 1
        scope.add("def programs(self):")
        scope.indent = 2
        for attribute, block, _ in self._instances:
            scope.add(f"self.{attribute} = {block.python}()")
        scope.add("pass")
        self.lines += scope.lines

    def _emit_structures(self) -> None:
        for structure in self.unit.structures:
            names = ", ".join(f"'v_{name}'" for name in structure.fields)
            lines = [f"class S_{structure.name.lower()}:", f" __slots__ = ({names}{',' if names else ''})"]
            lines.append(" def __init__(self):")
            lines += [f"  self.v_{name} = {f.initial}" for name, f in structure.fields.items()] or ["  pass"]
            lines.append(" def set(self, other):")
            lines += [f"  {_copy_line(name, f.type)}" for name, f in structure.fields.items()] or ["  pass"]
            self.lines += [Line(len(text) - len(text.lstrip()), text.lstrip(), 1) for text in lines]


def _copy_line(name: str, of: Type) -> str:
    if isinstance(of, Structure) or (isinstance(of, Array) and not is_scalar(of.element)):
        return f"rt_copy_into(self.v_{name}, other.v_{name})"
    if isinstance(of, Array):
        return f"self.v_{name}[:] = other.v_{name}"
    return f"self.v_{name} = other.v_{name}"
