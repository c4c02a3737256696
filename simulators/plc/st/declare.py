"""Declarations of variables, and the addresses that some of them stand at."""

from __future__ import annotations

import re

from simulators.errors import InputError
from simulators.plc.address import parse_address, reachable
from simulators.plc.st import tree
from simulators.plc.st.calls import is_scalar
from simulators.plc.st.initials import Initials
from simulators.plc.st.scope import Scope
from simulators.plc.st.types import (
    BOOL,
    ERROR,
    NAMED,
    Array,
    Block,
    Elementary,
    Enumeration,
    Type,
    base,
    cells,
    holds_block,
    is_kind,
)
from simulators.plc.st.unit import CELL_LIMIT, Located, Variable, suggestion

_WIDTHS = {"X": 1, "B": 8, "W": 16, "D": 32, "L": 64}
_DIRECT = {"X": "BOOL", "B": "BYTE", "W": "WORD", "D": "DWORD", "L": "LWORD"}


class Declarations(Initials):
    """Declares the variables of the units."""

    def variables(self, blocks: list[tree.VarBlock], scope: Scope, owner: str) -> list[Variable]:
        """Declare the variables of `blocks` in `scope`; `owner` is the text before a variable's name."""
        found: list[Variable] = []
        total = 0
        for block in sorted(blocks, key=lambda b: not b.constant):
            if block.retain and block.section in ("VAR_IN_OUT", "VAR_EXTERNAL", "VAR_TEMP"):
                self._error(block.place, f"RETAIN ne s'applique pas à {block.section}",
                            f"RETAIN does not apply to {block.section}")  # fmt: skip
            for declaration in block.declarations:
                of, default = (
                    self.resolve(declaration.spec, scope) if block.section != "VAR_EXTERNAL" else (ERROR, "0")
                )
                for place, name in declaration.names:
                    made = self._variable(block, declaration, (place, name), (of, default), scope, owner)
                    if made is not None:
                        found.append(made)
                        if declaration.edge is not None:
                            found += self._edge(made, declaration.edge, scope)
                        total += cells(made.type) if made.section != "VAR_IN_OUT" else 1
        if total > CELL_LIMIT:
            self._error(blocks[0].place, f"plus de {CELL_LIMIT} valeurs déclarées ; réduisez les tableaux",
                        f"more than {CELL_LIMIT} values declared; make the arrays smaller")  # fmt: skip
        return found

    def _variable(
        self,
        block: tree.VarBlock,
        node: tree.Declaration,
        named: tuple[tree.Place, str],
        typed: tuple[Type, str],
        scope: Scope,
        owner: str,
    ) -> Variable | None:
        place, name = named
        lower = name.lower()
        if lower in scope.names or (scope.kind == "GLOBAL" and lower in self.unit.globals):
            self._error(place, f"{name} est déclaré deux fois", f"{name} is declared twice")
            return None
        if block.section == "VAR_EXTERNAL":
            scope.names[lower] = Variable(name, ERROR, "VAR_EXTERNAL", "0", "0", place)
            if lower in self.unit.globals:
                self._external(node, place, name, scope)
            else:
                # A global variable of a block type may come before those that the block uses.
                scope.externals.append((node, place, name))
            return None
        of, initial = typed
        code = None
        if node.init is not None:
            initial, code = self.initial(of, node.init, scope, name)
            if block.section in ("VAR_IN_OUT",):
                self._error(place, f"{name} : une entrée-sortie n'a pas de valeur initiale",
                            f"{name}: an in-out has no initial value")  # fmt: skip
        local = scope.kind == "FUNCTION" or block.section == "VAR_TEMP"
        text = f"v_{lower}" if local else f"{owner}.v_{lower}"
        made = Variable(name, of, block.section, text, initial, place, retain=block.retain)
        made.has_initial = node.init is not None
        if block.constant:
            made.is_constant = True
            if node.init is None and not is_kind(of, "error"):
                self._error(
                    place, f"{name} : une CONSTANT a besoin d'une valeur", f"{name}: a CONSTANT needs a value"
                )
            made.constant = code if is_scalar(of) else None
        lent = block.section in ("VAR_INPUT", "VAR_IN_OUT") and not isinstance(of, Block)
        if scope.kind == "FUNCTION" and holds_block(of) and not lent:
            self._error(place, f"{name} : une FUNCTION n'a pas de mémoire ; mettez ce bloc dans un FUNCTION_BLOCK",
                        f"{name}: a FUNCTION has no memory; put this block in a FUNCTION_BLOCK")  # fmt: skip
        if node.address is not None:
            self._located(made, node, block, scope)
        scope.names[lower] = made
        return made

    def _edge(self, made: Variable, edge: tuple[tree.Place, str], scope: Scope) -> list[Variable]:
        """Make an input show its edges to the body; what it needs to remember (table 41 of the standard)."""
        place, word = edge
        if made.section != "VAR_INPUT" or made.type is not BOOL or scope.kind == "FUNCTION":
            self._error(place, f"{word} s'emploie sur une entrée BOOL d'un FUNCTION_BLOCK ou d'un PROGRAM",
                        f"{word} is used on a BOOL input of a FUNCTION_BLOCK or PROGRAM")  # fmt: skip
            return []
        # No name of a program starts with a digit.
        memory = Variable(f"0{made.name}", BOOL, "VAR", f"self.v_0{made.name.lower()}", "False", made.place)
        made.text, made.edge = f"e_{made.name.lower()}", word
        return [memory]

    def connect(self, scope: Scope) -> None:
        """Find the global variables of VAR_EXTERNAL that were not known at their declaration."""
        for node, place, name in scope.externals:
            self._external(node, place, name, scope)
        scope.externals.clear()

    def _external(self, node: tree.Declaration, place: tree.Place, name: str, scope: Scope) -> None:
        found = self.unit.globals.get(name.lower())
        if found is None:
            if not self.unit.is_broken(name):
                fr, en = suggestion(name, [g.name for g in self.unit.globals.values()])
                self._error(
                    place, f"{name} n'est dans aucun VAR_GLOBAL{fr}", f"{name} is in no VAR_GLOBAL{en}"
                )
            return
        of, _ = self.resolve(node.spec, scope)
        if not is_kind(of, "error") and not is_kind(found.type, "error") and of != found.type:
            self._error(place, f"{name} est {found.type} dans VAR_GLOBAL, pas {of}",
                        f"{name} is {found.type} in VAR_GLOBAL, not {of}")  # fmt: skip
        scope.names[name.lower()] = found

    # Located variables

    def _located(self, made: Variable, node: tree.Declaration, block: tree.VarBlock, scope: Scope) -> None:
        assert node.address is not None
        place, address = node.address
        if (
            scope.kind not in ("PROGRAM", "GLOBAL")
            or block.section not in ("VAR", "VAR_GLOBAL")
            or block.constant
        ):
            self._error(place, "AT s'emploie dans VAR d'un PROGRAM ou dans VAR_GLOBAL",
                        "AT is used in VAR of a PROGRAM or in VAR_GLOBAL")  # fmt: skip
            return
        if len(node.names) > 1:
            self._error(place, "une adresse est à une seule variable", "an address is for one variable")
            return
        if isinstance(made.type, Array):
            self._spread(made, made.type, address, place)
            return
        found = self.locate(address, place, made.type)
        if found is not None:
            made.text, made.located = found.text, found.located

    def _spread(self, made: Variable, of: Array, address: str, place: tree.Place) -> None:
        """An array takes as many addresses as it has elements, from `address` on."""
        numbers: list[int] = []
        for count in range(of.size):
            found = self.locate(address, place, of.element, count)
            if found is None or found.located is None:
                return
            numbers.append(found.located)
        made.text, made.located, made.spread = f"_a{len(self.unit.spreads)}", numbers[0], tuple(numbers)
        self.unit.spreads.append(made.spread)

    def locate(self, address: str, place: tree.Place, of: Type | None, further: int = 0) -> Variable | None:
        """The variable at a direct address, or so many `further` on; `of` None: used without a declaration."""
        try:
            parsed = parse_address(address).after(further)
            reachable(parsed)
        except InputError as error:
            self._error(place, error.text.fr, error.text.en)
            return None
        number = self.unit.located_index.get(str(parsed))
        known = self.unit.located[number] if number is not None else None
        if of is None:
            of = NAMED[known.iec_type.lower() if known else _DIRECT[parsed.width].lower()]
            direct = True
        else:
            direct = False
            if not self._width_fits(of, parsed.width, address, place):
                return None
        iec_type = _image_type(of)
        if known is not None and not known.direct and not direct and known.iec_type != iec_type:
            self._error(place, f"{parsed} est déjà déclaré {known.iec_type} (ligne {known.place[0]})",
                        f"{parsed} is already declared {known.iec_type} (line {known.place[0]})")  # fmt: skip
            return None
        if known is None:
            number = self.unit.located_index[str(parsed)] = len(self.unit.located)
            self.unit.located.append(Located(str(parsed), iec_type, place, direct))
        return Variable(address, of, "VAR", f"_c[_i{number}]", "0", place, located=number)

    def _width_fits(self, of: Type, width: str, address: str, place: tree.Place) -> bool:
        plain = base(of)
        if is_kind(plain, "error"):
            return False
        plain = plain.base if isinstance(plain, Enumeration) else plain
        bits = plain.bits if isinstance(plain, Elementary) else -1
        if bits == _WIDTHS[width] or (is_kind(plain, "time") and width == "D"):
            return True
        fitting = next((w for w, b in _WIDTHS.items() if b == bits), None)
        fr = (
            f" ; écrivez par exemple {re.sub('[XBWDL]', fitting, address.upper(), count=1)}"
            if fitting and fitting != "X"
            else ""
        )
        en = (
            f"; write for example {re.sub('[XBWDL]', fitting, address.upper(), count=1)}"
            if fitting and fitting != "X"
            else ""
        )
        self._error(place, f"{address} a {_WIDTHS[width]} bit(s), ce que {of} n'a pas{fr}",
                    f"{address} has {_WIDTHS[width]} bit(s), which {of} has not{en}")  # fmt: skip
        return False


def _image_type(of: Type) -> str:
    plain = base(of)
    return str(plain.base if isinstance(plain, Enumeration) else plain)
