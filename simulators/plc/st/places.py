"""Variables in the body of a unit: names, members, subscripts and direct addresses, to read or to write."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.plc.st import tree
from simulators.plc.st.code import ATOM, PRODUCT, SUM, Code, boolean, call, constant, variable
from simulators.plc.st.scope import Scope
from simulators.plc.st.types import (
    BOOL,
    ERROR,
    Array,
    Block,
    Elementary,
    Enumeration,
    Structure,
    Subrange,
    Type,
    base,
    is_kind,
)
from simulators.plc.st.unit import Variable, suggestion


@dataclass(slots=True)
class Place:
    """Somewhere that a value is kept: `text` both reads and, left of an `=`, writes it. `bit`: of a bit string.

    Of an array at addresses (`is_spread`) `text` gives the cells of its elements.
    """

    text: str
    type: Type
    low: int = 0
    high: int = 0
    root: Variable | None = None
    bit: int | None = None
    read_only: tuple[str, str] | None = None

    @property
    def wrong(self) -> bool:
        return is_kind(self.type, "error")

    @property
    def is_spread(self) -> bool:
        return self.root is not None and bool(self.root.spread)

    def read(self) -> Code:
        """The code of its value."""
        if self.is_spread:
            return Code(call("rt_gather", "_c", self.text), self.type)
        if self.bit is not None:
            return boolean(f"{self.text} >> {self.bit} & 1 == 1", 4)
        if self.root is not None and self.root.constant is not None:
            return self.root.constant
        code = variable(self.text, base(self.type))
        if isinstance(self.type, Subrange) or (self.low, self.high) != (0, 0):
            return Code(code.text, code.type, ATOM, None, self.low, self.high)
        return code


NOWHERE = Place("_", ERROR)


class Places:
    """Resolves variables of the tree; needs `value` for the indices."""

    scope: Scope

    def value(self, _expression: tree.Expression, _wanted: Type | None = None) -> Code:
        raise NotImplementedError

    def place(self, node: tree.Expression) -> Place:
        """Where the variable `node` is kept; errors are reported and give NOWHERE."""
        if isinstance(node, tree.Name):
            return self._name(node)
        if isinstance(node, tree.Direct):
            return self._direct(node)
        if isinstance(node, tree.Member):
            return self._member(node)
        if isinstance(node, tree.Subscript):
            return self._subscript(node)
        self.scope.error(node.place, "une variable est attendue ici, pas une expression",
                         "a variable is expected here, not an expression")  # fmt: skip
        return NOWHERE

    def _name(self, node: tree.Name) -> Place:
        found = self.scope.lookup(node.name)
        if found is None and self.scope.unit.is_broken(node.name):
            return NOWHERE
        if found is None:
            fr, en = suggestion(node.name, self.scope.visible())
            self.scope.error(
                node.place,
                f"{node.name} n'est pas déclaré{fr or ' ; déclarez-le dans un bloc VAR'}",
                f"{node.name} is not declared{en or '; declare it in a VAR block'}",
            )
            return NOWHERE
        return self.of_variable(found)

    def of_variable(self, found: Variable) -> Place:
        """The place of a variable."""
        of = found.type
        # What is at an address can be written from outside, within its elementary type only.
        bounding = of if found.located is None else base(of)
        low, high = (bounding.low, bounding.high) if isinstance(bounding, Subrange | Elementary) else (0, 0)
        low, high = self.scope.known.get(found.text, (low, high))
        return Place(found.text, of, low, high, found, read_only=_read_only(found, self.scope))

    def _direct(self, node: tree.Direct) -> Place:
        if self.scope.kind != "PROGRAM":
            self.scope.error(node.place, f"{node.address} : les adresses directes s'emploient dans un PROGRAM",
                             f"{node.address}: direct addresses are used in a PROGRAM")  # fmt: skip
            return NOWHERE
        found = self.scope.resolver.locate(node.address, node.place, None)
        return self.of_variable(found) if found else NOWHERE

    def _member(self, node: tree.Member) -> Place:
        enumerated = self.enumerated(node)
        if enumerated is not None:
            return Place(enumerated.text, enumerated.type, enumerated.low, enumerated.high,
                         read_only=("une constante ne s'affecte pas", "a constant cannot be assigned"))  # fmt: skip
        owner = self.place(node.base)
        if owner.wrong:
            return NOWHERE
        if node.name[0].isdigit():
            return self._bit(node, owner)
        found = _member_of(owner.type, node.name.lower())
        if found is None:
            members = _members(owner.type)
            fr, en = suggestion(node.name, members)
            if members and not fr:
                fr, en = f" ; il a : {', '.join(members)}", f"; it has: {', '.join(members)}"
            self.scope.error(
                node.place,
                f"{owner.type} n'a pas de membre {node.name}{fr}",
                f"{owner.type} has no member {node.name}{en}",
            )
            return NOWHERE
        of, section = found
        if section == "VAR_IN_OUT":
            self.scope.error(node.place, f"{node.name} est une entrée-sortie de {owner.type} ; elle se relie à l'appel",
                             f"{node.name} is an in-out of {owner.type}; it is connected at the call")  # fmt: skip
            return NOWHERE
        read_only = owner.read_only
        if isinstance(owner.type, Block):
            read_only = None
            if section == "VAR_OUTPUT":
                read_only = (f"{node.name} est une sortie de {owner.type} ; elle se lit seulement",
                             f"{node.name} is an output of {owner.type}; it can only be read")  # fmt: skip
        low, high = (of.low, of.high) if isinstance(of, Subrange | Elementary) else (0, 0)
        return Place(f"{owner.text}.v_{node.name.lower()}", of, low, high, read_only=read_only)

    def enumerated(self, node: tree.Member) -> Code | None:
        """`Colour.Red` where Colour is an enumeration and no variable."""
        if not isinstance(node.base, tree.Name):
            return None
        found = self.scope.lookup(node.base.name)
        if found is not None and not isinstance(found.type, Enumeration):
            return None
        return self.label_of(node.base.name, node.name, node.place)

    def label_of(self, type_name: str, label: str, place: tree.Place) -> Code | None:
        """The constant `type_name#label`, None if `type_name` is no enumeration."""
        of = self.scope.resolver.type_named(type_name)
        labels = getattr(of, "labels", None)
        if of is None or labels is None:
            return None
        if label.lower() not in labels:
            fr, en = suggestion(label, labels)
            self.scope.error(place, f"{of} n'a pas de valeur {label}{fr}", f"{of} has no value {label}{en}")
            return constant(ERROR, 0)
        return constant(of, labels[label.lower()])

    def _bit(self, node: tree.Member, owner: Place) -> Place:
        of = base(owner.type)
        if not is_kind(of, "bits") or owner.bit is not None:
            self.scope.error(node.place, f"{of} n'a pas de bits ; .{node.name} s'emploie sur BYTE, WORD, DWORD, LWORD",
                             f"{of} has no bits; .{node.name} is for BYTE, WORD, DWORD, LWORD")  # fmt: skip
            return NOWHERE
        assert isinstance(of, Elementary)
        if not node.name.isdigit() or len(node.name) > 2 or int(node.name) >= of.bits:
            self.scope.error(node.place, f"{of} n'a pas de bit {node.name} ; de 0 à {of.bits - 1}",
                             f"{of} has no bit {node.name}; 0 to {of.bits - 1}")  # fmt: skip
            return NOWHERE
        return Place(owner.text, BOOL, 0, 1, bit=int(node.name), read_only=owner.read_only)

    def _subscript(self, node: tree.Subscript) -> Place:
        owner = self.place(node.base)
        if owner.wrong:
            return NOWHERE
        of = owner.type
        if not isinstance(of, Array):
            self.scope.error(node.place, f"{of} n'est pas un tableau", f"{of} is not an array")
            return NOWHERE
        if len(node.indices) != len(of.bounds):
            self.scope.error(node.place, f"{of} prend {len(of.bounds)} indice(s), {len(node.indices)} donné(s)",
                             f"{of} takes {len(of.bounds)} index(es), {len(node.indices)} given")  # fmt: skip
            return NOWHERE
        parts = [self._offset(index, *bounds) for index, bounds in zip(node.indices, of.bounds, strict=True)]
        if any(part is None for part in parts):
            return NOWHERE
        text = _flat([part for part in parts if part is not None], of)
        element = of.element
        bounding = base(element) if owner.is_spread else element
        low, high = (bounding.low, bounding.high) if isinstance(bounding, Subrange | Elementary) else (0, 0)
        whole = f"_c[{owner.text}[{text}]]" if owner.is_spread else f"{owner.text}[{text}]"
        return Place(whole, element, low, high, read_only=owner.read_only)

    def _offset(self, node: tree.Expression, low: int, high: int) -> Code | None:
        """An index counted from 0, checked at run time unless it is proved to be inside."""
        index = self.value(node)
        if index.wrong:
            return None
        if not is_kind(index.type, "int"):
            self.scope.error(node.place, f"un indice est un entier, pas {index.type}",
                             f"an index is an integer, not {index.type}")  # fmt: skip
            return None
        if isinstance(index.constant, int):
            if not low <= index.constant <= high:
                self.scope.error(node.place, f"indice {index.constant} hors de {low}..{high}",
                                 f"index {index.constant} is outside {low}..{high}")  # fmt: skip
                return None
            return Code(str(index.constant - low), index.type)
        if low <= index.low and index.high <= high:
            return Code(_less(index, low), index.type, ATOM if low == 0 and index.precedence == ATOM else SUM)
        return Code(call("rt_at", index, str(low), str(high)), index.type)


def _less(index: Code, low: int) -> str:
    if low == 0:
        return index.text
    return f"{index.at(SUM)} - {low}" if low > 0 else f"{index.at(SUM)} + {-low}"


def _flat(parts: list[Code], of: Array) -> str:
    """The position in the flat list; the last index moves fastest."""
    text = parts[0]
    for part, (low, high) in zip(parts[1:], of.bounds[1:], strict=True):
        text = Code(f"{text.at(PRODUCT)} * {high - low + 1} + {part.at(PRODUCT)}", part.type, SUM)
    return text.text


def _member_of(of: Type, name: str) -> tuple[Type, str] | None:
    if isinstance(of, Structure) and name in of.fields:
        return of.fields[name].type, ""
    if isinstance(of, Block) and name in of.parameters:
        return of.parameters[name].type, of.parameters[name].section
    return None


def _members(of: Type) -> list[str]:
    if isinstance(of, Structure):
        return [f.name for f in of.fields.values()]
    return (
        [p.name for p in of.parameters.values() if p.section != "VAR_IN_OUT"] if isinstance(of, Block) else []
    )


def _read_only(found: Variable, scope: Scope) -> tuple[str, str] | None:
    if found.is_constant:
        return f"{found.name} est CONSTANT", f"{found.name} is CONSTANT"
    if found.located is not None and scope.unit.located[found.located].address[1] == "I":
        return (
            f"{found.name} est une entrée (%I) ; elle se lit seulement",
            f"{found.name} is an input (%I); read only",
        )
    if found.section == "VAR_INPUT" and isinstance(found.type, Array | Structure):
        return (f"{found.name} est une entrée composée ; copiez-la dans une variable VAR pour la modifier",
                f"{found.name} is a composite input; copy it to a VAR to change it")  # fmt: skip
    return None
