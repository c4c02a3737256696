"""What the lowering of one program unit works with: its names, its temporaries, where its lines go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from simulators.plc.st import tree
from simulators.plc.st.types import Block, Type
from simulators.plc.st.unit import Function, Unit, Variable


class Resolver(Protocol):
    """Finds what is declared elsewhere in the source, compiling it first if need be."""

    unit: Unit

    def function(self, name: str, place: tree.Place) -> Function | None: ...

    def block_weight(self, block: Block, place: tree.Place) -> int:
        """Statements that a call of it may execute, outside loops."""
        ...

    def type_named(self, name: str) -> Type | None: ...

    def locate(self, address: str, place: tree.Place, of: Type | None) -> Variable | None:
        """The variable at a direct address."""
        ...


@dataclass(slots=True)
class Line:
    """A line of generated Python and the source line it stands for."""

    indent: int
    text: str
    source: int


@dataclass(slots=True, eq=False)
class Scope:
    """One unit's names (lower-case), and the text generated for its body."""

    resolver: Resolver
    kind: str
    name: str
    names: dict[str, Variable] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    indent: int = 2
    weight: int = 0
    source_line: int = 0
    known: dict[str, tuple[int, int]] = field(default_factory=dict)
    externals: list[tuple[tree.Declaration, tree.Place, str]] = field(default_factory=list)
    _temporaries: int = 0

    @property
    def unit(self) -> Unit:
        return self.resolver.unit

    def add(self, text: str) -> None:
        """One more line of Python."""
        self.lines.append(Line(self.indent, text, self.source_line))

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Lines added inside are one level deeper; `pass` if there is none."""
        self.indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.add("pass")
        self.indent -= 1

    def temporary(self) -> str:
        """A new name for a local."""
        self._temporaries += 1
        return f"_{self._temporaries}"

    def lookup(self, name: str) -> Variable | None:
        """The variable of that name: the unit's own, else a global."""
        lower = name.lower()
        return self.names.get(lower) or self.unit.globals.get(lower)

    def visible(self) -> list[str]:
        """Every name that could have been meant."""
        names = [v.name for v in self.names.values()] + [v.name for v in self.unit.globals.values()]
        return names + list(self.unit.labels) + list(self.unit.functions)

    def error(self, place: tree.Place, fr: str, en: str) -> None:
        """Report what is wrong at `place`."""
        self.unit.report.add(place, fr, en)
