"""The CONFIGURATION: which program instances run, in which task."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.plc.st import tree
from simulators.plc.st.errors import Report
from simulators.plc.st.places import Place
from simulators.plc.st.scope import Line
from simulators.plc.st.statements import Statements
from simulators.plc.st.types import (
    BOOL,
    TIME,
    Block,
)
from simulators.plc.st.unit import suggestion
from simulators.plc.st.units import Units


@dataclass(slots=True)
class TaskPlan:
    """When some program instances run. `interval_ns` 0: every scan; `single` names the Python function of a trigger."""

    name: str
    interval_ns: int
    priority: int
    single: str = ""
    runs: list[str] = field(default_factory=list)


class Configurations(Units):
    """Plans the tasks. `lines` is the Python module, `tasks` what runs when."""

    def __init__(self, source: tree.Source, report: Report) -> None:
        super().__init__(report)
        self.source = source
        self.unit.broken = source.broken
        self.tasks: list[TaskPlan] = []
        self._instances: list[tuple[str, Block, bool]] = []

    def _configure(self) -> None:
        programs = [p for p in self.unit.pous.values() if p.kind == "PROGRAM"]
        configurations = self.source.configurations
        if not self.source.is_whole and not configurations:
            return  # what is missing may be in a declaration with syntax errors
        if not programs and self.source.is_whole:
            self._error((1, 1), "aucun PROGRAM ; un automate en exécute au moins un",
                        "no PROGRAM; a PLC runs at least one")  # fmt: skip
            return
        if len(configurations) > 1:
            self._error(
                configurations[1].place, "une seule CONFIGURATION par automate", "one CONFIGURATION per PLC"
            )
            return
        if not configurations:
            if len(programs) > 1:
                self._error(programs[1].place, "plusieurs PROGRAM sans CONFIGURATION ; dites lesquels s'exécutent",
                            "several PROGRAMs without CONFIGURATION; say which ones run")  # fmt: skip
                return
            program = programs[0]
            node = tree.ProgramInstance(
                program.place, program.name, None, (program.place, program.name), False, []
            )
            configurations = [tree.Configuration(program.place, "", instances=[node])]
        self._tasks(configurations[0])

    def _tasks(self, node: tree.Configuration) -> None:
        plans: dict[str, TaskPlan] = {}
        for task in node.tasks:
            if task.name.lower() in plans:
                self._error(
                    task.place, f"tâche {task.name} déclarée deux fois", f"task {task.name} is declared twice"
                )
            plans[task.name.lower()] = self._task(task)
        background = TaskPlan("", 0, 1 << 17)
        if not node.instances:
            self._error(node.place, "aucun PROGRAM dans la CONFIGURATION ; écrivez PROGRAM p WITH tâche : type;",
                        "no PROGRAM in the CONFIGURATION; write PROGRAM p WITH task : type;")  # fmt: skip
        for number, instance in enumerate(node.instances):
            plan = background
            if instance.task is not None:
                place, name = instance.task
                plan = plans.get(name.lower(), background)
                if plan is background:
                    fr, en = suggestion(name, [t.name for t in node.tasks])
                    self._error(place, f"tâche {name} inconnue{fr}", f"unknown task {name}{en}")
            self._instance(instance, number, plan)
        plans[""] = background
        self.tasks = [plan for plan in sorted(plans.values(), key=lambda p: p.priority) if plan.runs]

    def _task(self, node: tree.Task) -> TaskPlan:
        plan = TaskPlan(node.name, 0, 0)
        scope = self.global_scope()
        scope.kind, scope.indent = "PROGRAM", 1
        lowering = Statements(scope)
        for argument in node.arguments:
            name = argument.name.upper()
            code = lowering.value(argument.value)
            if name == "INTERVAL":
                code = lowering.fit(code, TIME, argument.value.place, "INTERVAL", "INTERVAL")
                if isinstance(code.constant, int) and code.constant >= 0:
                    plan.interval_ns = code.constant
                elif not code.wrong:
                    self._error(argument.place, "INTERVAL est une durée constante, par exemple T#100ms",
                                "INTERVAL is a constant duration, for example T#100ms")  # fmt: skip
            elif name == "PRIORITY":
                if isinstance(code.constant, int) and 0 <= code.constant <= 65535:
                    plan.priority = code.constant
                else:
                    self._error(argument.place, "PRIORITY va de 0 à 65535", "PRIORITY goes from 0 to 65535")
            elif name == "SINGLE":
                code = lowering.fit(code, BOOL, argument.value.place, "SINGLE", "SINGLE")
                plan.single = f"N_{len(self.lines)}"
                self.lines.append(Line(0, f"def {plan.single}():", node.place[0]))
                self.lines += [*scope.lines, Line(1, f"return {code.text}", node.place[0])]
            else:
                self._error(argument.place, f"une tâche a INTERVAL, PRIORITY et SINGLE, pas {argument.name}",
                            f"a task has INTERVAL, PRIORITY and SINGLE, not {argument.name}")  # fmt: skip
        return plan

    def _instance(self, node: tree.ProgramInstance, number: int, plan: TaskPlan) -> None:
        place, name = node.program
        pou = self.unit.pous.get(name.lower())
        if pou is None and self.unit.is_broken(name):
            return
        if pou is None or pou.kind != "PROGRAM":
            fr, en = suggestion(name, [p.name for p in self.unit.pous.values() if p.kind == "PROGRAM"])
            self._error(place, f"{name} n'est pas un PROGRAM{fr}", f"{name} is not a PROGRAM{en}")
            return
        block = self._interface(pou, place)
        if block is None:
            return
        attribute = f"p_{node.name.lower()}"
        if any(known == attribute for known, _, _ in self._instances):
            self._error(node.place, f"{node.name} est déclaré deux fois", f"{node.name} is declared twice")
        self._instances.append((attribute, block, node.retain))
        scope = self.global_scope()
        scope.kind = "PROGRAM"
        scope.indent = 0
        scope.source_line = node.place[0]
        run = f"R_{number}"
        scope.add(f"def {run}(T):")
        scope.indent = 1
        call = tree.Call(node.place, tree.Name(node.place, node.name), node.arguments)
        Statements(scope).invoke(Place(f"_g.{attribute}", block), call)
        self.lines += scope.lines
        plan.runs.append(run)

    @property
    def instances(self) -> list[tuple[str, Block, bool]]:
        """Attribute of the globals object, program type, and whether the instance is RETAIN."""
        return self._instances
