"""Initial values of variables: constants, array and structure initialisers."""

from __future__ import annotations

import math

from simulators.plc.st import tree
from simulators.plc.st.code import Code, rounded
from simulators.plc.st.made_types import ARRAY_LIMIT, MadeTypes, default_initial, repeat
from simulators.plc.st.scope import Scope
from simulators.plc.st.types import (
    Array,
    Block,
    Structure,
    Type,
    is_kind,
)
from simulators.plc.st.unit import suggestion


class Initials(MadeTypes):
    """Gives initial values as Python text."""

    def initial(self, of: Type, init: tree.Init, scope: Scope, name: str) -> tuple[str, Code | None]:
        """The Python text of an initial value, and its code when it is one constant."""
        if is_kind(of, "error") and isinstance(init, tree.ArrayInit | tree.StructInit):
            return default_initial(of), None
        if isinstance(init, tree.ArrayInit):
            return self._array_initial(of, init, scope, name), None
        if isinstance(init, tree.StructInit):
            return self._struct_initial(of, init, scope), None
        lowering = self.expressions(scope)
        code = lowering.label_in(init, of) or lowering.value(init, of)
        fitted = lowering.fit(
            code, of, init.place, _of("valeur initiale", "de", name), _of("initial value", "of", name)
        )
        if fitted.wrong:
            return default_initial(of), None
        if fitted.constant is None:
            self._error(init.place, "une valeur initiale est une constante", "an initial value is a constant")
            return default_initial(of), None
        fitted = rounded(fitted)
        return fitted.text, fitted

    def _array_initial(self, of: Type, init: tree.ArrayInit, scope: Scope, name: str) -> str:
        if not isinstance(of, Array):
            self._error(
                init.place, f"[…] initialise un tableau, pas {of}", f"[…] initialises an array, not {of}"
            )
            return default_initial(of)
        parts: list[str] = []
        count = self._items(of, init, scope, name, parts, len(of.bounds))
        self._filled(of, init, of.size, count, parts)
        return f"[{', '.join(parts)}]"

    def _filled(self, of: Array, init: tree.ArrayInit, size: int, count: int, parts: list[str]) -> int:
        """Add to `parts`, which are `count` values, what `size` elements need more; gives `size`."""
        if count > size:
            self._error(
                init.place, f"{count} valeurs pour {size} éléments", f"{count} values for {size} elements"
            )
        elif count < size:
            parts.append(f"*{repeat(of.element, default_initial(of.element), size - count)}")
        return size

    def _items(
        self, of: Array, init: tree.ArrayInit, scope: Scope, name: str, parts: list[str], dimensions: int
    ) -> int:
        """Add the texts of the items to `parts`, nested brackets of further dimensions flattened; how many."""
        total = 0
        for times, item in init.items:
            if times > ARRAY_LIMIT:
                return total + times
            if isinstance(item, tree.ArrayInit) and dimensions > 1:
                inner: list[str] = []
                row = math.prod(high - low + 1 for low, high in of.bounds[1 - dimensions :])
                count = self._filled(
                    of, item, row, self._items(of, item, scope, name, inner, dimensions - 1), inner
                )
                many = f"*[_e for _ in range({times}) for _e in [{', '.join(inner)}]]"
                parts.append(many if times > 1 else ", ".join(inner))
                total += count * times
                continue
            text = (
                default_initial(of.element)
                if item is None
                else self.initial(of.element, item, scope, name)[0]
            )
            parts.append(text if times == 1 else f"*{repeat(of.element, text, times)}")
            total += times
        return total

    def _struct_initial(self, of: Type, init: tree.StructInit, scope: Scope) -> str:
        members = {n: f.type for n, f in of.fields.items()} if isinstance(of, Structure) else {}
        if isinstance(of, Block):
            members = {n: p.type for n, p in of.parameters.items() if p.section != "VAR_IN_OUT"}
        if not isinstance(of, Structure | Block):
            self._error(init.place, f"(nom := …) initialise une structure, pas {of}",
                        f"(name := …) initialises a structure, not {of}")  # fmt: skip
            return default_initial(of)
        pairs = []
        given: set[str] = set()
        for place, member, value in init.items:
            if member.lower() in given:
                self._error(place, f"{member} est donné deux fois", f"{member} is given twice")
            given.add(member.lower())
            if member.lower() not in members:
                fr, en = suggestion(member, members)
                self._error(place, f"{of} n'a pas de membre {member}{fr}", f"{of} has no member {member}{en}")
                continue
            text = self.initial(members[member.lower()], value, scope, member)[0]
            pairs.append(f"('v_{member.lower()}', {text})")
        return f"rt_made({default_initial(of)}, ({', '.join(pairs)}{',' if pairs else ''}))"


def _of(words: str, of: str, name: str) -> str:
    return f"{words} {of} {name}" if name else words
