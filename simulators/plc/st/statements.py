"""Statements of Structured Text → lines of Python."""

from __future__ import annotations

from simulators.plc.st import tree
from simulators.plc.st.calls import Calls
from simulators.plc.st.code import (
    COMPARE,
    LOOSE,
    NOT,
    SUM,
    WRONG,
    Code,
    canonical,
    constant,
    wrap,
)
from simulators.plc.st.places import Place
from simulators.plc.st.scope import Line, Scope
from simulators.plc.st.times import SPLITS
from simulators.plc.st.types import Block, Elementary, Enumeration, Subrange, Type, base, is_kind

UPFRONT_LIMIT = 5_000
_CHOOSES = ("int", "bits", "bool", "time", "date", "tod", "dt")


class Statements(Calls):
    """Lowers the body of one unit; `result` is what RETURN gives back."""

    def __init__(self, scope: Scope, result: str = "") -> None:
        super().__init__(scope)
        self.result = result
        self.controls = []
        self._loops: list[tree.Repeat | None] = []

    def body(self, statements: list[tree.Statement]) -> None:
        """Add the lines of `statements`."""
        for statement in statements:
            self.scope.source_line = statement.place[0]
            self.scope.weight += 1
            self._statement(statement)

    def _block(self, statements: list[tree.Statement]) -> None:
        with self.scope.indented():
            self.body(statements)

    def _statement(self, node: tree.Statement) -> None:
        if isinstance(node, tree.Assign):
            self._assign(node)
        elif isinstance(node, tree.CallStatement):
            self._call_statement(node.call)
        elif isinstance(node, tree.If):
            self._if(node.branches, node.otherwise, first=True)
        elif isinstance(node, tree.Case):
            self._case(node)
        elif isinstance(node, tree.For):
            self._for(node)
        elif isinstance(node, tree.While):
            self._while(node)
        elif isinstance(node, tree.Repeat):
            self._repeat(node)
        else:
            self._jump(node)

    def _assign(self, node: tree.Assign) -> None:
        before = len(self.scope.lines)
        place = self.target(node.target)
        # The lines that the target needs come behind those of the value, which is calculated first.
        late = self.scope.lines[before:]
        del self.scope.lines[before:]
        code = self.value(node.value, place.type)
        self.scope.lines += late
        self.store(place, code, node.value.place, "affectation", "assignment")

    def _call_statement(self, call: tree.Call) -> None:
        if isinstance(call.callee, tree.Name):
            name = call.callee.name
            if self.scope.lookup(name) is None or name.lower() == self.scope.name.lower():
                is_user = name.lower() in self.scope.unit.pous or name.lower() in SPLITS
                code = self.function_call(call) if is_user else self._call(call)
                if code is not None:
                    self.scope.add(code.text)
                return
        place = self.place(call.callee)
        if place.wrong:
            self._look_at(call)
            return
        if not isinstance(place.type, Block):
            self.scope.error(call.place, f"{place.type} ne s'appelle pas ; un bloc fonctionnel est attendu",
                             f"{place.type} cannot be called; a function block is expected")  # fmt: skip
            return
        self.invoke(place, call)

    # Choices

    def _if(
        self,
        branches: list[tuple[tree.Expression, list[tree.Statement]]],
        otherwise: list[tree.Statement],
        *,
        first: bool,
    ) -> None:
        condition_node, statements = branches[0]
        before = len(self.scope.lines)
        self.scope.source_line = condition_node.place[0]
        condition = self.condition(condition_node, "condition de IF", "condition of IF").text
        hoisted = self.scope.lines[before:]
        if hoisted and not first:
            # Lines that the condition needs run only where the branches before it are not taken.
            del self.scope.lines[before:]
            self.scope.add("else:")
            with self.scope.indented():
                self.scope.lines += [Line(line.indent + 1, line.text, line.source) for line in hoisted]
                self._branch("if", condition, statements, branches[1:], otherwise)
            return
        self._branch("if" if first else "elif", condition, statements, branches[1:], otherwise)

    def _branch(
        self,
        word: str,
        condition: str,
        statements: list[tree.Statement],
        rest: list[tuple[tree.Expression, list[tree.Statement]]],
        otherwise: list[tree.Statement],
    ) -> None:
        self.scope.add(f"{word} {condition}:")
        self._block(statements)
        if rest:
            self._if(rest, otherwise, first=False)
        elif otherwise:
            self.scope.add("else:")
            self._block(otherwise)

    def _case(self, node: tree.Case) -> None:
        selector = canonical(self.value(node.selector))
        if not selector.wrong and not (
            is_kind(selector.type, *_CHOOSES) or isinstance(selector.type, Enumeration)
        ):
            self.scope.error(
                node.selector.place,
                f"CASE attend un entier, des bits, une durée, une date ou une énumération, pas {selector.type}",
                f"CASE expects an integer, bits, a time, a date or an enumeration, not {selector.type}",
            )
            selector = WRONG
        if selector.constant is None and not selector.text.isidentifier():
            name = self.scope.temporary()
            self.scope.add(f"{name} = {selector.text}")
            selector = Code(name, selector.type, low=selector.low, high=selector.high)
        seen: list[tuple[int, int, tree.Place]] = []
        word = "if"
        for place, labels, statements in node.branches:
            self.scope.source_line = place[0]
            test = self._labels(selector, labels, seen, place)
            self.scope.add(f"{word} {test}:")
            self._block(statements)
            word = "elif"
        self._otherwise(word, node.otherwise)
        self._overlaps(seen)

    def _otherwise(self, word: str, statements: list[tree.Statement]) -> None:
        if statements and word == "if":
            self.body(statements)
        elif statements:
            self.scope.add("else:")
            self._block(statements)

    def _labels(
        self,
        selector: Code,
        labels: list[tree.Label],
        seen: list[tuple[int, int, tree.Place]],
        place: tree.Place,
    ) -> str:
        if not labels:
            self.scope.error(place, "une étiquette est attendue avant cette instruction ; par exemple 1:",
                             "a label is expected before this statement; for example 1:")  # fmt: skip
        values: list[int] = []
        tests: list[str] = []
        text = selector.at(COMPARE + 1)
        for label in labels:
            low = self._label_value(selector, label.low)
            high = self._label_value(selector, label.high) if label.high is not None else low
            if low is None or high is None:
                continue
            if low > high:
                self.scope.error(
                    label.low.place, f"intervalle vide {low}..{high}", f"empty range {low}..{high}"
                )
                continue
            seen.append((low, high, label.low.place))
            if low == high:
                values.append(low)
            else:
                tests.append(f"{low} <= {text} <= {high}")
        if len(values) == 1:
            tests.append(f"{text} == {values[0]}")
        elif values:
            tests.append(f"{text} in ({', '.join(map(str, values))})")
        return " or ".join(tests) or "False"

    def _label_value(self, selector: Code, node: tree.Expression) -> int | None:
        code = self.label_in(node, selector.type) or self.value(node, selector.type)
        if selector.wrong or code.wrong:
            return None
        fitted = self.fit(code, selector.type, node.place, "étiquette de CASE", "label of CASE")
        if fitted.wrong:
            return None
        if not isinstance(fitted.constant, int):
            self.scope.error(
                node.place, "une étiquette de CASE est une constante", "a label of CASE is a constant"
            )
            return None
        return fitted.constant

    def _overlaps(self, seen: list[tuple[int, int, tree.Place]]) -> None:
        reached: int | None = None
        for low, high, place in sorted(seen):
            if reached is not None and low <= reached:
                self.scope.error(place, f"l'étiquette {low} est déjà prise plus haut",
                                 f"the label {low} is already taken above")  # fmt: skip
            reached = high if reached is None else max(reached, high)

    # Loops

    def _charge(self) -> tuple[Line, Line]:
        """The two lines that count a loop against the scan's budget; the amount is filled in afterwards."""
        self.scope.add("")
        charge = self.scope.lines[-1]
        self.scope.add("if _b[0] < 0: _over()")
        return charge, self.scope.lines[-1]

    def _for(self, node: tree.For) -> None:
        control = self.target(node.control)
        of = base(control.type)
        if (
            control.wrong
            or not is_kind(of, "int")
            or not isinstance(of, Elementary)
            or control.text in self.controls
        ):
            if not control.wrong:
                self.scope.error(node.control.place, f"la variable de contrôle d'un FOR est un entier libre, pas {of}",
                                 f"the control variable of a FOR is a free integer, not {of}")  # fmt: skip
            self._only_check(node.body)
            return
        start = self._bound(node.start, of, "début", "start")
        end = self._bound(node.end, of, "fin", "end")
        step = self._bound(node.step, of, "pas", "step") if node.step is not None else constant(of, 1)
        if start.wrong or end.wrong or step.wrong:
            self._only_check(node.body)
            return
        if step.constant == 0:
            self.scope.error(
                node.place, "le pas d'un FOR ne peut pas être 0", "the step of a FOR cannot be 0"
            )
            return
        self._for_loop(node, control, of, start, end, step)

    def _only_check(self, statements: list[tree.Statement]) -> None:
        """Report what is wrong in the body of a loop that cannot be made."""
        self._loops.append(None)
        self._block(statements)
        self._loops.pop()

    def _bound(self, node: tree.Expression, of: Type, fr: str, en: str) -> Code:
        return self.fit(self.value(node, of), of, node.place, f"{fr} de FOR", f"{en} of FOR")

    def _for_loop(
        self, node: tree.For, control: Place, of: Elementary, start: Code, end: Code, step: Code
    ) -> None:
        loop_range, trips = self._range(start, end, step)
        name = ""
        if trips is None:
            name = self.scope.temporary()
            self.scope.add(f"{name} = {loop_range}")
        before_charge = self._charge()
        self.scope.add(f"for {control.text} in {name or loop_range}:")
        outer = self.scope.weight
        self.scope.weight = 1
        self.controls.append(control.text)
        self._known(control, start, end, step)
        with self.scope.indented():
            inner_charge = self._charge()
            if isinstance(control.type, Subrange) and not _stays_within(control.type, start, end):
                self.scope.add(f"rt_within({control.text}, {control.type.low}, {control.type.high})")
            self._loops.append(None)
            self.body(node.body)
            self._loops.pop()
        self.controls.pop()
        self.scope.known.pop(control.text, None)
        weight, self.scope.weight = self.scope.weight, outer + 1
        if trips is not None and trips * weight <= UPFRONT_LIMIT:
            before_charge[0].text = f"_b[0] -= {trips * weight}"
            self._drop(*inner_charge)
            inner_charge[0].text = "pass"
        else:
            inner_charge[0].text = f"_b[0] -= {weight}"
            self._drop(*before_charge)
        if not isinstance(control.type, Subrange):  # one step past the end may be outside
            self._after_for(control, of, start, step, trips, name)

    def _drop(self, *lines: Line) -> None:
        for line in lines:
            line.text = ""

    def _range(self, start: Code, end: Code, step: Code) -> tuple[str, int | None]:
        """The Python range, and its length where it is known."""
        if not isinstance(step.constant, int):
            name = self.scope.temporary()
            self.scope.add(f"{name} = {step.text}")
            return f"range({start.text}, {end.at(SUM)} + (1 if {name} > 0 else -1), {name})", None
        beyond = 1 if step.constant > 0 else -1
        if isinstance(start.constant, int) and isinstance(end.constant, int):
            trips = range(start.constant, end.constant + beyond, step.constant)
            return repr(trips), len(trips)
        last = f"{end.at(SUM)} {'+' if beyond > 0 else '-'} 1"
        steps = "" if step.constant == 1 else f", {step.constant}"
        return f"range({start.text}, {last}{steps})", None

    def _known(self, control: Place, start: Code, end: Code, step: Code) -> None:
        """Inside the loop the control variable stays within the bounds, if nothing else can write it."""
        own = control.root is not None and control.root.located is None and not control.text.startswith("_g")
        if not own or not isinstance(step.constant, int) or control.root is None:
            return
        if control.root.section == "VAR_IN_OUT":
            return
        first, last = (start, end) if step.constant > 0 else (end, start)
        self.scope.known[control.text] = (first.low, max(first.low, last.high))

    def _after_for(
        self, control: Place, of: Elementary, start: Code, step: Code, trips: int | None, name: str
    ) -> None:
        """Leave the control variable one step past the end, as a counting loop does."""
        self.scope.add("else:")
        with self.scope.indented():
            if trips is not None and isinstance(start.constant, int) and isinstance(step.constant, int):
                self.scope.add(f"{control.text} = {wrap(start.constant + trips * step.constant, of)}")
                return
            past = Code(
                f"{name}.start + len({name}) * {name}.step", of, SUM, None, of.low - 1, of.high + (1 << 64)
            )
            self.scope.add(f"{control.text} = {canonical(past).at(LOOSE)}")

    def _while(self, node: tree.While) -> None:
        self.scope.add("while True:")
        head = self.scope.lines[-1]
        outer, self.scope.weight = self.scope.weight, 1
        with self.scope.indented():
            before = len(self.scope.lines)
            condition = self.condition(node.condition, "condition de WHILE", "condition of WHILE")
            if len(self.scope.lines) == before:
                head.text = f"while {condition.text}:"
            else:
                self.scope.add(f"if not {condition.at(NOT)}: break")
            charge, _ = self._charge()
            self._loops.append(None)
            self.body(node.body)
            self._loops.pop()
        charge.text = f"_b[0] -= {self.scope.weight}"
        self.scope.weight = outer + 1

    def _repeat(self, node: tree.Repeat) -> None:
        self.scope.add("while True:")
        outer, self.scope.weight = self.scope.weight, 1
        with self.scope.indented():
            charge, _ = self._charge()
            self._loops.append(node)
            self.body(node.body)
            self._loops.pop()
            self._until(node)
        charge.text = f"_b[0] -= {self.scope.weight}"
        self.scope.weight = outer + 1

    def _until(self, node: tree.Repeat) -> None:
        self.scope.source_line = node.until.place[0]
        condition = self.condition(node.until, "condition de UNTIL", "condition of UNTIL")
        self.scope.add(f"if {condition.text}: break")

    def _jump(self, node: tree.Jump) -> None:
        if node.word == "RETURN":
            self.scope.add(f"return {self.result}".rstrip())
            return
        if not self._loops:
            self.scope.error(
                node.place, f"{node.word} s'emploie dans une boucle", f"{node.word} is used in a loop"
            )
            return
        if node.word == "EXIT":
            self.scope.add("break")
            return
        repeat = self._loops[-1]
        if repeat is not None:
            self._until(repeat)
        self.scope.add("continue")


def _stays_within(of: Subrange, start: Code, end: Code) -> bool:
    return of.low <= min(start.low, end.low) and max(start.high, end.high) <= of.high
