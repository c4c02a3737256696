"""Program units: functions become Python functions, programs and function blocks Python classes."""

from __future__ import annotations

from simulators.plc.st import tree
from simulators.plc.st.blocks import BLOCKS
from simulators.plc.st.declare import Declarations
from simulators.plc.st.errors import Report
from simulators.plc.st.scope import Line, Scope
from simulators.plc.st.statements import Statements
from simulators.plc.st.times import SPLITS
from simulators.plc.st.types import (
    VOID,
    Block,
    Parameter,
    Type,
    cells,
)
from simulators.plc.st.unit import Function, Unit, Variable

WEIGHT_LIMIT = 200_000


class Units(Declarations):
    """Compiles each unit when it is first needed, so that what calls it knows its weight."""

    def __init__(self, report: Report) -> None:
        self.unit = Unit(report)
        self.lines: list[Line] = []
        self._weights: dict[str, int] = {}
        self._scopes: dict[str, Scope] = {}

    def global_scope(self) -> Scope:
        return Scope(self, "GLOBAL", "")

    def expressions(self, scope: Scope) -> Statements:
        return Statements(scope)

    def block_named(self, name: str, place: tree.Place) -> Block | None:
        """The function block type `name`, its interface declared."""
        lower = name.lower()
        if lower in BLOCKS and lower not in self.unit.pous:
            return BLOCKS[lower]
        pou = self.unit.pous.get(lower)
        if pou is None or pou.kind != "FUNCTION_BLOCK":
            return None
        return self._interface(pou, place)

    def _interface(self, pou: tree.Pou, place: tree.Place) -> Block | None:
        lower = pou.name.lower()
        known = self.unit.blocks.get(lower) or self.unit.programs.get(lower)
        if known is not None:
            return known
        if not self.unit.enter(pou.name, place):
            return Block(pou.name, {}, "B_" + lower)
        scope = Scope(self, pou.kind, pou.name)
        variables = self.variables(pou.blocks, scope, "self")
        self._scopes[lower] = scope
        block = Block(pou.name, _parameters(variables), ("P_" if pou.kind == "PROGRAM" else "B_") + lower)
        block.cells = 1 + sum(cells(v.type) if v.section != "VAR_IN_OUT" else 1 for v in variables)
        self._check_size(block, pou.place)
        self.unit.variables[lower] = variables
        (self.unit.programs if pou.kind == "PROGRAM" else self.unit.blocks)[lower] = block
        self.unit.leave()
        return block

    def function(self, name: str, place: tree.Place) -> Function | None:
        """The function `name` of the source, compiled so that its weight is known, or of the standard with outputs."""
        pou = self.unit.pous.get(name.lower())
        if pou is None:
            return SPLITS.get(name.lower())
        if pou.kind != "FUNCTION":
            return None
        function = self._signature(pou)
        function.weight = self._weigh(name, place)
        return function

    def _signature(self, pou: tree.Pou) -> Function:
        lower = pou.name.lower()
        if lower in self.unit.functions:
            return self.unit.functions[lower]
        scope = Scope(self, "FUNCTION", pou.name)
        returns: Type | None = None
        initial = "0"
        if pou.returns is not None:
            returns, initial = self.resolve(pou.returns, scope)
        variables = self.variables(pou.blocks, scope, "")
        if lower in scope.names:
            self._error(scope.names[lower].place, f"{pou.name} est déjà le nom de la fonction",
                        f"{pou.name} is the name of the function already")  # fmt: skip
        elif returns is not None:
            result = Variable(pou.name, returns, "VAR_OUTPUT", f"v_{lower}", initial, pou.place)
            scope.names[lower] = result
        self.unit.variables[lower] = variables
        self._scopes[lower] = scope
        function = Function(
            pou.name, "F_" + lower, returns if returns is not None else VOID, _parameters(variables)
        )
        self.unit.functions[lower] = function
        return function

    def block_weight(self, block: Block, place: tree.Place) -> int:
        if block.python.startswith("B_std_"):
            return block.weight
        return self._weigh(block.name, place)

    def _weigh(self, name: str, place: tree.Place) -> int:
        """Compile the body of the unit `name` if it is not, and give its weight."""
        lower = name.lower()
        if lower in self._weights:
            return self._weights[lower]
        pou = self.unit.pous[lower]
        if pou.kind == "FUNCTION":
            self._signature(pou)
        else:
            self._interface(pou, place)
        if lower not in self._scopes or not self.unit.enter(name, place):
            return 0
        self.connect(self._scopes[lower])
        lines, weight = self._body(pou, self._scopes[lower])
        self.unit.leave()
        if weight > WEIGHT_LIMIT:
            self._error(pou.place, f"{pou.name} peut exécuter plus de {WEIGHT_LIMIT} instructions sans boucle ; découpez",
                        f"{pou.name} may execute more than {WEIGHT_LIMIT} statements without a loop; split it")  # fmt: skip
            weight = 0
        self._weights[lower] = weight
        self.lines += lines
        return weight

    def _body(self, pou: tree.Pou, scope: Scope) -> tuple[list[Line], int]:
        variables = self.unit.variables[pou.name.lower()]
        if pou.kind == "FUNCTION":
            return self._function_body(pou, scope, variables)
        return self._class_body(pou, scope, variables)

    def _function_body(
        self, pou: tree.Pou, scope: Scope, variables: list[Variable]
    ) -> tuple[list[Line], int]:
        function = self.unit.functions[pou.name.lower()]
        inputs = [v.text for v in variables if v.section in ("VAR_INPUT", "VAR_IN_OUT")]
        scope.indent = 0
        scope.source_line = pou.place[0]
        scope.add(f"def {function.python}({', '.join(inputs)}):")
        scope.indent = 1
        own = scope.names.get(pou.name.lower())
        for variable in [*variables, *([own] if own is not None else [])]:
            if variable.section not in ("VAR_INPUT", "VAR_IN_OUT") and variable.constant is None:
                scope.add(f"{variable.text} = {variable.initial}")
                scope.weight += cells(variable.type) // 16
        result = own.text if own is not None else "None"
        returned = [f"v_{p.name.lower()}" for p in function.returned()]
        if returned:
            result = f"({', '.join([result, *returned])})"
        Statements(scope, result).body(pou.body)
        scope.add(f"return {result}")
        return scope.lines, scope.weight

    def _class_body(self, pou: tree.Pou, scope: Scope, variables: list[Variable]) -> tuple[list[Line], int]:
        block = self.unit.blocks.get(pou.name.lower()) or self.unit.programs[pou.name.lower()]
        scope.indent = 0
        scope.source_line = pou.place[0]
        self._class(scope, block.python, [v for v in variables if v.section != "VAR_TEMP"])
        scope.indent = 1
        scope.add("def run(self, T):")
        scope.indent = 2
        before = len(scope.lines)
        for variable in variables:
            if variable.edge:
                self._watch(scope, variable)
            if variable.section == "VAR_TEMP" and variable.constant is None:
                scope.add(f"{variable.text} = {variable.initial}")
                scope.weight += cells(variable.type) // 16
        Statements(scope).body(pou.body)
        if len(scope.lines) == before:
            scope.add("pass")
        return scope.lines, scope.weight

    def _watch(self, scope: Scope, variable: Variable) -> None:
        """What R_TRIG and F_TRIG do, for an input declared with an edge."""
        name = variable.name.lower()
        now = f"self.v_{name}" if variable.edge == "R_EDGE" else f"not self.v_{name}"
        scope.add(f"{variable.text} = {now} and not self.v_0{name}")
        scope.add(f"self.v_0{name} = {now}")
        scope.weight += 2

    def _class(self, scope: Scope, python: str, variables: list[Variable]) -> None:
        """Add a class that holds `variables`."""
        kept = [v for v in variables if v.constant is None]
        names = ", ".join(f"'v_{v.name.lower()}'" for v in kept if v.located is None)
        scope.add(f"class {python}:")
        scope.indent += 1
        scope.add(f"__slots__ = ({names}{',' if names else ''})")
        scope.add("def __init__(self):")
        with scope.indented():
            for variable in kept:
                scope.source_line = variable.place[0]
                scope.add(_first_value(variable, self.unit))


def _parameters(variables: list[Variable]) -> dict[str, Parameter]:
    return {
        v.name.lower(): Parameter(v.name, v.type, v.section, v.initial)
        for v in variables
        if v.section in ("VAR_INPUT", "VAR_OUTPUT", "VAR_IN_OUT")
    }


def _first_value(variable: Variable, unit: Unit) -> str:
    if variable.spread:
        is_input = unit.located[variable.spread[0]].address[1] == "I"
        if is_input and not variable.has_initial:
            return "pass"
        return f"rt_scatter(_c, {variable.text}, {variable.initial})"
    if variable.located is None:
        text = "None" if variable.section == "VAR_IN_OUT" else variable.initial
        return f"self.v_{variable.name.lower()} = {text}"
    if unit.located[variable.located].address[1] == "I" and not variable.has_initial:
        return "pass"
    return f"{variable.text} = {variable.initial}"
