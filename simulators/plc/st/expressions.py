"""Expressions of Structured Text → Python text, with their types and the bounds of their values."""

from __future__ import annotations

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    WRONG,
    Code,
    call,
    constant,
)
from simulators.plc.st.convert import implicit, natural, remedy
from simulators.plc.st.functions import standard
from simulators.plc.st.literals import BadLiteralError, number, string, typed
from simulators.plc.st.operators import Operators
from simulators.plc.st.places import Place
from simulators.plc.st.scope import Scope
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    BOOL,
    Block,
    Enumeration,
    Subrange,
    Text,
    Type,
    is_kind,
)


class Expressions(Operators):
    """Lowers expressions of one unit; calls of user functions are added by `Calls`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def user_call(self, node: tree.Call) -> Code:
        raise NotImplementedError

    def value(self, node: tree.Expression, wanted: Type | None = None) -> Code:
        """The code of an expression; what is wrong in it is reported, and WRONG comes back.

        `wanted` is the type of what takes it, which overloaded functions and untyped literals go by.
        """
        if isinstance(node, tree.Literal):
            return self._literal(node)
        if isinstance(node, tree.Binary):
            return self._binary(node, wanted)
        if isinstance(node, tree.Unary):
            return self._unary(node, wanted)
        if isinstance(node, tree.Call):
            return self._call(node, wanted)
        if isinstance(node, tree.Member):
            enumerated = self.enumerated(node)
            if enumerated is not None:
                return enumerated
        if isinstance(node, tree.Name) and self.scope.lookup(node.name) is None:
            labels = self.scope.unit.labels.get(node.name.lower())
            if labels:
                return self._label(node, labels, wanted)
        place = self.place(node)
        return WRONG if place.wrong else place.read()

    def label_in(self, node: tree.Expression, of: Type) -> Code | None:
        """The label of the enumeration `of` that `node` names, where nothing else can be meant."""
        if not isinstance(of, Enumeration) or not isinstance(node, tree.Name) or self.scope.lookup(node.name):
            return None
        number = of.labels.get(node.name.lower())
        return None if number is None else constant(of, number)

    def _label(self, node: tree.Name, labels: list[tuple[Enumeration, int]], wanted: Type | None) -> Code:
        if len(labels) > 1 and isinstance(wanted, Enumeration) and wanted.is_unnamed:
            mine = self.label_in(node, wanted)  # no prefix could say it
            if mine is not None:
                return mine
        if len(labels) > 1:
            owners = ", ".join(f"{of}#{node.name}" for of, _ in labels if not of.is_unnamed)
            self.scope.error(node.place, f"{node.name} est ambigu ; écrivez l'un de : {owners}",
                             f"{node.name} is ambiguous; write one of: {owners}")  # fmt: skip
            return WRONG
        return constant(*labels[0])

    def _literal(self, node: tree.Literal) -> Code:
        if node.kind in ("TRUE", "FALSE"):
            return constant(BOOL, node.kind == "TRUE")
        try:
            if node.kind == "NUMBER":
                return constant(*number(node.text))
            if node.kind == "STRING":
                text = string(node.text)
                return constant(Text(len(text)), text)
            found = typed(node.text)
        except BadLiteralError as error:
            self.scope.error(node.place, error.fr, error.en)
            return WRONG
        if found is not None:
            return constant(*found)
        prefix, _, label = node.text.partition("#")
        enumerated = self.label_of(prefix, label, node.place)
        if enumerated is None and self.scope.unit.is_broken(prefix):
            return WRONG
        if enumerated is None:
            self.scope.error(node.place, f"{node.text} : {prefix} n'est ni un type élémentaire ni une énumération",
                             f"{node.text}: {prefix} is neither an elementary type nor an enumeration")  # fmt: skip
            return WRONG
        return enumerated

    # Calls

    def _call(self, node: tree.Call, wanted: Type | None = None) -> Code:
        if isinstance(node.callee, tree.Name) and not self._hidden(node.callee.name):
            name = node.callee.name
            if name.lower() not in self.scope.unit.pous:
                result = standard(self, name, node, wanted)
                if result is not None:
                    return result
        return self.user_call(node)

    def _hidden(self, name: str) -> bool:
        """Does a variable take the name of a function? One that cannot be called leaves it to the function."""
        found = self.scope.lookup(name)
        return found is not None and isinstance(found.type, Block)

    # Assignment compatibility

    def fit(self, code: Code, to: Type, place: tree.Place, fr: str, en: str) -> Code:
        """`code` as a value of `to`; `fr` and `en` say what takes it, when it cannot."""
        if code.wrong or is_kind(to, "error"):
            return WRONG
        result = implicit(code, to)
        if result is None:
            self._misfit(code, to, place, fr, en)
            return WRONG
        if isinstance(to, Subrange):
            return self._within(result, to, place)
        return result

    def _misfit(self, code: Code, to: Type, place: tree.Place, fr: str, en: str) -> None:
        if code.constant is not None and code.type in (ANY_INT, ANY_REAL):
            self.scope.error(place, f"{fr} : {code.text} n'est pas une valeur de {to}",
                             f"{en}: {code.text} is not a value of {to}")  # fmt: skip
            return
        code = natural(code)
        name = remedy(code.type, to)
        self.scope.error(
            place,
            f"{fr} : attendu {to}, trouvé {code.type}" + (f" ; convertissez avec {name}(…)" if name else ""),
            f"{en}: expected {to}, found {code.type}" + (f"; convert with {name}(…)" if name else ""),
        )

    def _within(self, code: Code, to: Subrange, place: tree.Place) -> Code:
        if to.low <= code.low and code.high <= to.high:
            return code
        if code.constant is not None:
            self.scope.error(place, f"{code.text} est hors de {to}", f"{code.text} is outside {to}")
            return WRONG
        return Code(
            call("rt_within", code, str(to.low), str(to.high)), code.type, ATOM, None, to.low, to.high
        )

    def condition(self, node: tree.Expression, fr: str, en: str) -> Code:
        """A Boolean expression."""
        return self.fit(self.value(node, BOOL), BOOL, node.place, fr, en)

    def target(self, node: tree.Expression) -> Place:
        """Where an assignment may write; what may not be written is reported."""
        place = self.place(node)
        if place.read_only is not None:
            self.scope.error(node.place, *place.read_only)
        return place
