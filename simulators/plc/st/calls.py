"""Assignments, calls of functions and invocations of function blocks."""

from __future__ import annotations

from dataclasses import replace

from simulators.plc.st import tree
from simulators.plc.st.blocks import BLOCKS
from simulators.plc.st.code import LOOSE, WRONG, Code, rounded, variable
from simulators.plc.st.conversions import BCD_NAMES
from simulators.plc.st.convert import implicit
from simulators.plc.st.expressions import Expressions
from simulators.plc.st.functions import NAMES
from simulators.plc.st.places import NOWHERE, Place
from simulators.plc.st.types import (
    BOOL,
    VOID,
    Array,
    Block,
    Elementary,
    Enumeration,
    Parameter,
    Structure,
    Subrange,
    Text,
    Type,
    base,
    holds_block,
    is_kind,
)
from simulators.plc.st.unit import Function, suggestion

_SCALAR = (Elementary, Subrange, Text, Enumeration)


def is_scalar(of: Type) -> bool:
    """Is it one Python value, copied by assignment?"""
    return isinstance(of, _SCALAR)


class Calls(Expressions):
    """Adds to expressions what executes: stores and calls, as lines of the scope."""

    controls: list[str]

    # Storing

    def store(self, place: Place, code: Code, at: tree.Place, fr: str, en: str) -> None:
        """Add the lines that keep `code` in `place`."""
        fitted = self.fit(code, place.type, at, fr, en)
        if place.wrong or fitted.wrong:
            return
        if place.text in self.controls:
            self.scope.error(at, "la variable de contrôle d'un FOR ne s'affecte pas dans la boucle",
                             "the control variable of a FOR is not assigned inside the loop")  # fmt: skip
            return
        of = place.type
        if place.is_spread:
            self.scope.add(f"rt_scatter(_c, {place.text}, {fitted.text})")
        elif isinstance(of, Array | Structure | Block):
            self._copy(place.text, of, fitted, at)
        elif place.bit is not None:
            self.scope.add(f"{place.text} = rt_set_bit({place.text}, {place.bit}, {fitted.text})")
        elif is_kind(of, "real") and not fitted.exact and isinstance(of, Elementary) and of.bits == 32:
            self.scope.add(f"_f[0] = {fitted.text}")
            self.scope.add(f"{place.text} = _f[0]")
        else:
            self.scope.add(f"{place.text} = {rounded(fitted).text}")

    def _copy(self, text: str, of: Type, code: Code, at: tree.Place) -> None:
        if holds_block(of):
            self.scope.error(at, "une instance de bloc fonctionnel ne se copie pas",
                             "a function block instance cannot be copied")  # fmt: skip
        elif isinstance(of, Array) and is_scalar(of.element):
            self.scope.weight += of.size // 16
            self.scope.add(f"{text}[:] = {code.text}")
        else:
            self.scope.weight += of.size if isinstance(of, Array) else 2
            self.scope.add(f"rt_copy_into({text}, {code.text})")

    # Functions

    def user_call(self, node: tree.Call) -> Code:
        """A call in an expression; its outputs are stored by lines before it."""
        result = self.function_call(node)
        if result is None:
            return WRONG
        if result.type is VOID:
            self.scope.error(
                node.place, "cette fonction ne rend pas de valeur", "this function gives no value"
            )
        return result

    def function_call(self, node: tree.Call) -> Code | None:
        """The result of a call of a user's function (type VOID if it gives none)."""
        function = self._callee(node)
        if function is None:
            self._look_at(node)
            return None
        self.scope.weight += function.weight + 2
        bound = self._bind(node, function.name, function.parameters)
        if bound is None:
            return None
        texts, stores = [], []
        for parameter in function.parameters.values():
            argument = bound.get(parameter.name.lower())
            if parameter.section == "VAR_INPUT":
                texts.append(self._input_text(parameter, argument))
            elif parameter.section == "VAR_IN_OUT":
                place = self._in_out(parameter, argument, node.place)
                texts.append(self._lent(parameter, place))
                if is_scalar(parameter.type) and argument is not None:
                    stores.append((parameter, place, argument))
            elif argument is not None:
                stores.append((parameter, self.target(argument.value), argument))
        return self._called(function, texts, stores)

    def _called(
        self, function: Function, texts: list[str], stores: list[tuple[Parameter, Place, tree.Argument]]
    ) -> Code:
        text = f"{function.python}({', '.join(texts)})"
        returned = function.returned()
        of = base(function.returns) if function.returns is not None else VOID
        if returned and not stores:
            text += "[0]"
        elif returned:
            name = self.scope.temporary()
            self.scope.add(f"{name} = {text}")
            order = [parameter.name for parameter in returned]
            for parameter, place, argument in stores:
                of_output = base(parameter.type)
                code = variable(f"{name}[{order.index(parameter.name) + 1}]", of_output)
                if isinstance(parameter.type, Subrange):
                    code = replace(code, low=parameter.type.low, high=parameter.type.high)
                self._store_output(place, code, argument)
            text = f"{name}[0]"
        code = variable(text, of)
        return Code(text, of, low=code.low, high=code.high)

    def _store_output(self, place: Place, code: Code, argument: tree.Argument) -> None:
        if argument.way == "negated_output":
            code = self.negated(code) or WRONG
        name = argument.name
        self.store(place, code, argument.place, f"sortie {name}", f"output {name}")

    def _callee(self, node: tree.Call) -> Function | None:
        if not isinstance(node.callee, tree.Name):
            self.scope.error(node.place, "seule une fonction s'appelle dans une expression",
                             "only a function is called in an expression")  # fmt: skip
            return None
        name = node.callee.name
        found = self.scope.lookup(name)
        if found is not None and name.lower() != self.scope.name.lower():
            self.scope.error(
                node.place,
                f"{name} n'est pas une fonction ; un bloc fonctionnel s'appelle par une instruction : {name}(…);",
                f"{name} is not a function; a function block is called by a statement: {name}(…);",
            )
            return None
        function = self.scope.resolver.function(name, node.place)
        if function is None:
            self._unknown(name, node.place)
        return function

    def _unknown(self, name: str, place: tree.Place) -> None:
        if self.scope.unit.is_broken(name):
            return
        if name.lower() in BLOCKS or name.lower() in self.scope.unit.pous:
            self.scope.error(
                place,
                f"{name} est un type de bloc ou de programme ; déclarez-en une instance : VAR x : {name}; END_VAR",
                f"{name} is a block or program type; declare an instance of it: VAR x : {name}; END_VAR",
            )
            return
        bcd = BCD_NAMES if "BCD" in name.upper() else ()
        fr, en = suggestion(name, [*NAMES, *bcd, *(p.name for p in self.scope.unit.pous.values())])
        self.scope.error(
            place,
            f"{name} n'est ni une fonction ni une instance de bloc déclarée{fr}",
            f"{name} is neither a function nor a declared block instance{en}",
        )

    def _look_at(self, node: tree.Call) -> None:
        """Report what is wrong in the arguments of a call that cannot be made."""
        for argument in node.arguments:
            if argument.way in ("positional", "input"):
                self.value(argument.value)

    # Binding arguments to parameters

    def _bind(
        self, node: tree.Call, owner: str, parameters: dict[str, Parameter]
    ) -> dict[str, tree.Argument] | None:
        """Arguments by lower-case parameter name; None (reported) if they do not fit."""
        positional = [p for p in parameters.values() if p.section in ("VAR_INPUT", "VAR_IN_OUT")]
        bound: dict[str, tree.Argument] = {}
        for position, argument in enumerate(node.arguments):
            if argument.way == "positional":
                if position >= len(positional):
                    self.scope.error(
                        argument.place,
                        f"{owner} prend {len(positional)} entrée(s), {len(node.arguments)} donnée(s)",
                        f"{owner} takes {len(positional)} input(s), {len(node.arguments)} given",
                    )
                    return None
                name = positional[position].name.lower()
            else:
                name = argument.name.lower()
                if not self._named(argument, owner, parameters):
                    return None
            if name in bound:
                self.scope.error(argument.place, f"{name} est donné deux fois", f"{name} is given twice")
                return None
            bound[name] = argument
        return bound

    def _named(self, argument: tree.Argument, owner: str, parameters: dict[str, Parameter]) -> bool:
        parameter = parameters.get(argument.name.lower())
        wanted = ("VAR_INPUT", "VAR_IN_OUT") if argument.way == "input" else ("VAR_OUTPUT",)
        if parameter is not None and parameter.section in wanted:
            return True
        names = [p.name for p in parameters.values() if p.section in wanted]
        fr, en = suggestion(argument.name, names)
        known = ", ".join(names) or "–"
        word_fr, word_en = ("entrée", "input") if argument.way == "input" else ("sortie", "output")
        self.scope.error(
            argument.place,
            f"{owner} n'a pas cette {word_fr} : {argument.name}" + (fr or f" ; il a : {known}"),
            f"{owner} has no {word_en} {argument.name}" + (en or f"; it has: {known}"),
        )
        return False

    def _input_text(self, parameter: Parameter, argument: tree.Argument | None) -> str:
        if argument is None:
            return parameter.default
        name = parameter.name
        of = parameter.type
        code = self.fit(self.value(argument.value, of), of, argument.place, f"entrée {name}", f"input {name}")
        return rounded(code).at(LOOSE)

    def _in_out(self, parameter: Parameter, argument: tree.Argument | None, at: tree.Place) -> Place:
        name = parameter.name
        if argument is None:
            self.scope.error(at, f"l'entrée-sortie {name} doit être reliée à une variable",
                             f"the in-out {name} must be connected to a variable")  # fmt: skip
            return NOWHERE
        place = self.target(argument.value)
        if place.is_spread:
            self.scope.error(argument.place, f"entrée-sortie {name} : un tableau à des adresses se copie d'abord dans une variable",
                             f"in-out {name}: an array at addresses is first copied to a variable")  # fmt: skip
            return NOWHERE
        texts = isinstance(place.type, Text) and isinstance(parameter.type, Text)
        same = texts or base(place.type) == base(parameter.type)
        if not place.wrong and not same and not is_kind(parameter.type, "error"):
            self.scope.error(argument.place, f"entrée-sortie {name} : attendu {parameter.type}, trouvé {place.type}",
                             f"in-out {name}: expected {parameter.type}, found {place.type}")  # fmt: skip
            return NOWHERE
        return place

    def _lent(self, parameter: Parameter, place: Place) -> str:
        """What an in-out gets: a copy of one value, or the array or structure itself."""
        if place.wrong or not is_scalar(parameter.type):
            return place.text
        return (implicit(place.read(), parameter.type) or place.read()).at(LOOSE)

    # Function blocks

    def invoke(self, instance: Place, node: tree.Call) -> None:
        """Add the lines of `instance(…)`."""
        block = instance.type
        assert isinstance(block, Block)
        if self.scope.kind == "FUNCTION":
            self.scope.error(
                node.place,
                "une FUNCTION n'appelle pas de bloc fonctionnel ; faites-en un FUNCTION_BLOCK",
                "a FUNCTION does not call a function block; make it a FUNCTION_BLOCK",
            )
            return
        enable, node = self._enable(node)
        self.scope.weight += self.scope.resolver.block_weight(block, node.place) + 2
        bound = self._bind(node, block.name, block.parameters)
        if bound is None:
            return
        if enable is None:
            self._invoke(instance, block, bound, node)
            return
        with self.scope.indented():
            self._invoke(instance, block, bound, node)

    def _enable(self, node: tree.Call) -> tuple[str | None, tree.Call]:
        """EN and ENO, which every block has: `EN := FALSE` skips the call."""
        special = {a.name.lower(): a for a in node.arguments if a.name.lower() in ("en", "eno")}
        if not special:
            return None, node
        others = [a for a in node.arguments if a.name.lower() not in ("en", "eno")]
        name = self.scope.temporary()
        enable = special.get("en")
        condition = self.condition(enable.value, "EN", "EN").text if enable else "True"
        self.scope.add(f"{name} = {condition}")
        if "eno" in special:
            out = special["eno"]
            self._store_output(self.target(out.value), variable(name, BOOL), out)
        self.scope.add(f"if {name}:")
        return name, tree.Call(node.place, node.callee, others)

    def _invoke(
        self, instance: Place, block: Block, bound: dict[str, tree.Argument], node: tree.Call
    ) -> None:
        text = instance.text
        if len(bound) > 1:
            text = self.scope.temporary()
            self.scope.add(f"{text} = {instance.text}")
        after: list[tuple[Parameter, Place, tree.Argument]] = []
        for parameter in block.parameters.values():
            argument = bound.get(parameter.name.lower())
            inside = Place(f"{text}.v_{parameter.name.lower()}", parameter.type)
            if parameter.section == "VAR_IN_OUT":
                place = self._in_out(parameter, argument, node.place)
                self.scope.add(f"{inside.text} = {self._lent(parameter, place)}")
                if is_scalar(parameter.type) and argument is not None:
                    after.append((parameter, place, argument))
            elif argument is not None and parameter.section == "VAR_INPUT":
                name = parameter.name
                code = self.value(argument.value, parameter.type)
                self.store(inside, code, argument.place, f"entrée {name}", f"input {name}")
            elif argument is not None:
                after.append((parameter, self.target(argument.value), argument))
        self.scope.add(f"{text}.run(T)")
        for parameter, place, argument in after:
            code = variable(f"{text}.v_{parameter.name.lower()}", base(parameter.type))
            self._store_output(place, code, argument)
