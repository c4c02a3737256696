"""What a whole source declares: types, labels, global variables, program units; found by lower-case name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from simulators.plc.st import tree
from simulators.plc.st.code import Code
from simulators.plc.st.errors import Report
from simulators.plc.st.types import Block, Enumeration, Parameter, Structure, Type

CELL_LIMIT = 131_072
NESTED_CALL_LIMIT = 24


@dataclass(slots=True, eq=False)
class Variable:
    """A variable. `text` reads it in generated Python, `initial` makes its first value.

    `located` is the number of its address in `Unit.located`, the first one of an array whose elements are at `spread`.
    """

    name: str
    type: Type
    section: str
    text: str
    initial: str
    place: tree.Place
    constant: Code | None = None
    is_constant: bool = False
    retain: bool = False
    located: int | None = None
    spread: tuple[int, ...] = ()
    has_initial: bool = False
    edge: str = ""


@dataclass(slots=True, eq=False)
class Located:
    """An address that the program binds; `iec_type` is the name that the image keeps."""

    address: str
    iec_type: str
    place: tree.Place
    direct: bool


@dataclass(slots=True, eq=False)
class Function:
    """A user's function: outputs and in-outs come back in a tuple behind the result."""

    name: str
    python: str
    returns: Type | None
    parameters: dict[str, Parameter]
    weight: int = 0

    def returned(self) -> list[Parameter]:
        """The parameters that a call gives back."""
        return [p for p in self.parameters.values() if p.section in ("VAR_OUTPUT", "VAR_IN_OUT")]


@dataclass(slots=True, eq=False)
class Unit:
    """The declarations of one source, and the text generated so far."""

    report: Report
    pous: dict[str, tree.Pou] = field(default_factory=dict)
    type_trees: dict[str, tree.TypeDeclaration] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    type_initials: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[tuple[Enumeration, int]]] = field(default_factory=dict)
    globals: dict[str, Variable] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    programs: dict[str, Block] = field(default_factory=dict)
    structures: list[Structure] = field(default_factory=list)
    variables: dict[str, list[Variable]] = field(default_factory=dict)
    located: list[Located] = field(default_factory=list)
    located_index: dict[str, int] = field(default_factory=dict)
    spreads: list[tuple[int, ...]] = field(default_factory=list)
    in_progress: list[str] = field(default_factory=list)
    broken: Set[str] = frozenset()

    def is_broken(self, name: str) -> bool:
        """May a declaration with syntax errors, told already, be that of `name`? Then nothing is known of it."""
        return name.lower() in self.broken

    def enter(self, name: str, place: tree.Place) -> bool:
        """Start on a declaration that may need others; False (reported) if it needs itself, or too many."""
        if name.lower() in self.in_progress:
            path = " → ".join([*self.in_progress[self.in_progress.index(name.lower()) :], name.lower()])
            self.report.add(place, f"{name} se contient ou s'appelle lui-même ({path}) ; la norme l'interdit",
                            f"{name} contains or calls itself ({path}); the standard forbids it")  # fmt: skip
            return False
        if len(self.in_progress) >= NESTED_CALL_LIMIT:
            self.report.add(place, f"déclarations emboîtées sur plus de {NESTED_CALL_LIMIT} niveaux",
                            f"declarations nested deeper than {NESTED_CALL_LIMIT} levels")  # fmt: skip
            return False
        self.in_progress.append(name.lower())
        return True

    def leave(self) -> None:
        """Done with what `enter` started."""
        self.in_progress.pop()


def suggestion(name: str, known: Iterable[str]) -> tuple[str, str]:
    """`; vouliez-vous dire X ?`, in both languages, empty if nothing is close."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower)[:2000], n=1, cutoff=0.7)
    if not close:
        return "", ""
    return f" ; vouliez-vous dire {by_lower[close[0]]} ?", f"; did you mean {by_lower[close[0]]}?"
