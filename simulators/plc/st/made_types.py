"""Types that a program makes: enumerations, subranges, arrays, structures, and the initial values they start with."""

from __future__ import annotations

from simulators.plc.st import tree
from simulators.plc.st.blocks import BLOCKS
from simulators.plc.st.calls import is_scalar
from simulators.plc.st.code import Code
from simulators.plc.st.scope import Scope
from simulators.plc.st.statements import Statements
from simulators.plc.st.types import (
    ERROR,
    INT,
    NAMED,
    STRING_LIMIT,
    Array,
    Block,
    Elementary,
    Enumeration,
    Field,
    Structure,
    Subrange,
    Text,
    Type,
    cells,
    is_kind,
)
from simulators.plc.st.unit import CELL_LIMIT, Unit, suggestion

ARRAY_LIMIT = 32_768


class MadeTypes:
    """Resolves types. `block_named` is given by the compiler, which knows the units."""

    unit: Unit

    def block_named(self, _name: str, _place: tree.Place) -> Block | None:
        raise NotImplementedError

    def initial(self, _of: Type, _init: tree.Init, _scope: Scope, _name: str) -> tuple[str, Code | None]:
        raise NotImplementedError

    def expressions(self, scope: Scope) -> Statements:
        raise NotImplementedError

    def global_scope(self) -> Scope:
        """A scope that sees constants and labels only."""
        raise NotImplementedError

    def _error(self, place: tree.Place, fr: str, en: str) -> None:
        self.unit.report.add(place, fr, en)

    def type_named(self, name: str) -> Type | None:
        """The type called `name`, None if nothing is."""
        lower = name.lower()
        if lower in NAMED:
            return NAMED[lower]
        if lower in self.unit.types:
            return self.unit.types[lower]
        declaration = self.unit.type_trees.get(lower)
        return self._declared(declaration) if declaration is not None else None

    def _declared(self, node: tree.TypeDeclaration) -> Type:
        lower = node.name.lower()
        if not self.unit.enter(node.name, node.place):
            return ERROR
        scope = self.global_scope()
        of: Type
        if isinstance(node.spec, tree.StructSpec):
            of = self._structure(node, node.spec)
            initial = f"S_{lower}()"
        else:
            of, initial = self.resolve(node.spec, scope, node.name)
            if node.init is not None:
                initial = self.initial(of, node.init, scope, node.name)[0]
                if isinstance(of, Enumeration):
                    of.initial = int(initial)
        self.unit.leave()
        self.unit.types[lower] = of
        self.unit.type_initials[lower] = initial
        return of

    def _structure(self, node: tree.TypeDeclaration, spec: tree.StructSpec) -> Structure:
        structure = Structure(node.name)
        scope = self.global_scope()
        for declaration in spec.fields:
            of, default = self.resolve(declaration.spec, scope)
            if declaration.edge is not None or declaration.address is not None:
                place = (declaration.edge or declaration.address or declaration.names[0])[0]
                self._error(place, "un champ de structure n'a ni front ni adresse",
                            "a field of a structure has no edge and no address")  # fmt: skip
            if declaration.init is not None:
                default = self.initial(of, declaration.init, scope, "")[0]
            for place, name in declaration.names:
                if name.lower() in structure.fields:
                    self._error(place, f"{name} est déclaré deux fois", f"{name} is declared twice")
                structure.fields[name.lower()] = Field(name, of, default)
        self._check_size(structure, node.place)
        self.unit.structures.append(structure)
        return structure

    def resolve(self, spec: tree.TypeSpec, scope: Scope, name: str = "") -> tuple[Type, str]:
        """The type that `spec` writes, and the Python text of its initial value."""
        if isinstance(spec, tree.NamedType):
            return self._named(spec)
        if isinstance(spec, tree.SubrangeType):
            return self._subrange(spec, scope)
        if isinstance(spec, tree.SizedString):
            return self._sized(spec, scope)
        if isinstance(spec, tree.EnumSpec):
            return self._enumeration(spec, scope, name)
        if isinstance(spec, tree.ArraySpec):
            return self._array(spec, scope)
        self._error(spec.place, "STRUCT se déclare dans un bloc TYPE", "STRUCT is declared in a TYPE block")
        return ERROR, "0"

    def _named(self, spec: tree.NamedType) -> tuple[Type, str]:
        of = self.type_named(spec.name)
        if of is not None:
            return of, self.unit.type_initials.get(spec.name.lower(), default_initial(of))
        block = self.block_named(spec.name, spec.place)
        if block is not None:
            return block, f"{block.python}()"
        if self.unit.is_broken(spec.name):
            return ERROR, "0"
        known = [t.upper() for t in NAMED] + list(BLOCKS) + [t.name for t in self.unit.type_trees.values()]
        fr, en = suggestion(spec.name, known + [p.name for p in self.unit.pous.values()])
        self._error(spec.place, f"type {spec.name} inconnu{fr}", f"unknown type {spec.name}{en}")
        return ERROR, "0"

    def _subrange(self, spec: tree.SubrangeType, scope: Scope) -> tuple[Type, str]:
        of = self.type_named(spec.name)
        low, high = self._integer(spec.low, scope), self._integer(spec.high, scope)
        unknown = of is None and self.unit.is_broken(spec.name)
        if low is None or high is None or unknown or (of is not None and is_kind(of, "error")):
            return ERROR, "0"
        within = of if isinstance(of, Subrange) else None
        of = within.base if within is not None else of
        if not is_kind(of or ERROR, "int") or not isinstance(of, Elementary):
            self._error(spec.place, f"un intervalle s'applique à un entier, pas à {spec.name}",
                        f"a subrange is of an integer, not of {spec.name}")  # fmt: skip
            return ERROR, "0"
        around = within or of
        if not around.low <= low <= high <= around.high:
            self._error(
                spec.place,
                f"intervalle {low}..{high} impossible pour {around}",
                f"range {low}..{high} is impossible for {around}",
            )
            return ERROR, "0"
        return Subrange(of, low, high), str(low)

    def _sized(self, spec: tree.SizedString, scope: Scope) -> tuple[Type, str]:
        length = self._integer(spec.length, scope)
        if spec.name.lower() not in ("string", "wstring"):
            self._error(spec.place, f"{spec.name} ne prend pas de longueur ; STRING[n] oui",
                        f"{spec.name} takes no length; STRING[n] does")  # fmt: skip
            return ERROR, "0"
        if length is None or not 1 <= length <= STRING_LIMIT:
            self._error(
                spec.place,
                f"longueur de chaîne de 1 à {STRING_LIMIT}",
                f"string length from 1 to {STRING_LIMIT}",
            )
            return ERROR, "0"
        return Text(length), "''"

    def _enumeration(self, spec: tree.EnumSpec, scope: Scope, name: str) -> tuple[Type, str]:
        labels: dict[str, int] = {}
        taken: set[int] = set()
        following = 0
        of_base = self.type_named(spec.base.name) if spec.base is not None else INT
        if not isinstance(of_base, Elementary) or of_base.kind not in ("int", "bits"):
            assert spec.base is not None
            self._error(spec.base.place, f"une énumération est faite d'entiers ou de bits, pas de {spec.base.name}",
                        f"an enumeration is made of integers or bits, not of {spec.base.name}")  # fmt: skip
            of_base = INT
        for place, label, value_node in spec.items:
            known = True
            if value_node is not None:
                value = self._integer(value_node, scope)
                known, following = value is not None, value if value is not None else following
                if not of_base.low <= following <= of_base.high:
                    low, high = of_base.low, of_base.high
                    self._error(
                        place,
                        f"{label} : une valeur de {low} à {high}",
                        f"{label}: a value from {low} to {high}",
                    )
                    following = 0
            if label.lower() in labels or (known and following in taken):
                self._error(
                    place, f"{label} : nom ou valeur déjà pris", f"{label}: name or value already taken"
                )
            labels[label.lower()] = following
            taken.add(following)
            following += 1
        of = Enumeration(
            name or "(" + ", ".join(item[1] for item in spec.items[:3]) + ")",
            labels,
            next(iter(labels.values())),
            of_base,
        )
        for label, number in labels.items():
            self.unit.labels.setdefault(label, []).append((of, number))
        return of, str(of.initial)

    def _array(self, spec: tree.ArraySpec, scope: Scope) -> tuple[Type, str]:
        element, initial = self.resolve(spec.element, scope)
        if is_kind(element, "error"):
            return ERROR, "0"
        bounds: list[tuple[int, int]] = []
        total = 1
        for low_node, high_node in spec.bounds:
            low, high = self._integer(low_node, scope), self._integer(high_node, scope)
            if low is None or high is None:
                return ERROR, "0"
            if low > high:
                self._error(low_node.place, f"bornes vides {low}..{high}", f"empty bounds {low}..{high}")
                return ERROR, "0"
            bounds.append((low, high))
            total *= high - low + 1
            if total > ARRAY_LIMIT:
                self._error(spec.place, f"tableau de plus de {ARRAY_LIMIT} éléments ; réduisez-le",
                            f"array of more than {ARRAY_LIMIT} elements; make it smaller")  # fmt: skip
                return ERROR, "0"
        of = Array(tuple(bounds), element)
        if not self._check_size(of, spec.place):
            return ERROR, "0"
        return of, repeat(element, initial, total)

    def _check_size(self, of: Type, place: tree.Place) -> bool:
        if cells(of) <= CELL_LIMIT:
            return True
        self._error(place, f"{of.__class__.__name__} : plus de {CELL_LIMIT} valeurs ; réduisez les tableaux",
                    f"{of.__class__.__name__}: more than {CELL_LIMIT} values; make the arrays smaller")  # fmt: skip
        return False

    def _integer(self, node: tree.Expression, scope: Scope) -> int | None:
        code = self.expressions(scope).value(node)
        if code.wrong:
            return None
        if not isinstance(code.constant, int) or isinstance(code.constant, bool):
            self._error(node.place, "une constante entière est attendue", "a constant integer is expected")
            return None
        return code.constant


def default_initial(of: Type) -> str:
    """The Python text of the initial value that the standard gives to a type."""
    if isinstance(of, Elementary):
        return {"bool": "False", "real": "0.0"}.get(of.kind, "0")
    if isinstance(of, Text):
        return "''"
    if isinstance(of, Enumeration):
        return str(of.initial)
    if isinstance(of, Subrange):
        return str(of.low)
    if isinstance(of, Array):
        return repeat(of.element, default_initial(of.element), of.size)
    return f"{of.python}()" if isinstance(of, Block) else f"S_{of.name.lower()}()"


def repeat(of: Type, text: str, times: int) -> str:
    """The text of a list of `times` such values."""
    return f"[{text}] * {times}" if is_scalar(of) else f"[{text} for _ in range({times})]"
