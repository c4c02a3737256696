"""Compiled programs: `compile_program` gives one, `Program.instantiate` binds it to a PLC's image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from simulators.plc.address import parse_address
from simulators.plc.image import Image
from simulators.plc.st.blocks import CLASSES
from simulators.plc.st.compiler import Compiler
from simulators.plc.st.configuration import TaskPlan
from simulators.plc.st.errors import Diagnostic, Report, StError
from simulators.plc.st.parse import parse
from simulators.plc.st.runtime import NAMESPACE, Watchdog
from simulators.plc.st.scope import Line
from simulators.plc.st.types import Block
from simulators.plc.st.unit import Located, Variable
from simulators.text import Text

FILENAME = "<structured text>"
_CACHED = 32


@dataclass(frozen=True)
class Program:
    """A source that compiled: shareable between PLCs and processes.

    `spreads` are the arrays at addresses, by the numbers of their elements in `located`; `source_lines[n - 1]` is the source's line for line n of `python`; `variables` are the declarations by unit
    ("" for the global ones); `instances` are (attribute of the globals object, type, retained).
    """

    source: str
    file: str
    sha256: str
    python: str
    code: CodeType
    source_lines: Sequence[int]
    located: Sequence[Located]
    spreads: Sequence[tuple[int, ...]]
    tasks: Sequence[TaskPlan]
    variables: dict[str, list[Variable]]
    instances: Sequence[tuple[str, Block, bool]]
    blocks: dict[str, Block]

    def check_image(self, image: Image, fixed: Collection[int]) -> None:
        """See that the `fixed` cells of the image have the types that the program declares.

        Raises:
            StError: an address has another type.
        """
        report = Report()
        for located in self.located:
            index = image.index_of(parse_address(located.address))
            if index is not None and index in fixed and not _same_type(image.types[index], located):
                report.add(
                    located.place,
                    f"{located.address} est {image.types[index]} dans la ligne, pas {located.iec_type}",
                    f"{located.address} is {image.types[index]} in the line, not {located.iec_type}",
                )
        if report.diagnostics:
            raise StError(self.file, report.diagnostics)

    def instantiate(self, image: Image, watchdog: Watchdog) -> Instance:
        """Its own variables, at their initial values, bound to the cells of `image`."""
        space: dict[str, Any] = dict(NAMESPACE)
        space.update(CLASSES)
        indices = [_cell(image, item) for item in self.located]
        space.update({f"_i{number}": index for number, index in enumerate(indices)})
        for number, spread in enumerate(self.spreads):
            space[f"_a{number}"] = tuple(indices[element] for element in spread)
        clock = [0]
        space.update(_c=image.cells, _b=watchdog.cell, _over=watchdog.over, _clock=clock)
        exec(self.code, space)  # noqa: S102 -- text that the compiler made; nothing of the source but literals is in it
        space["_g"] = space["G"]()
        space["_g"].programs()
        tasks = [
            Task(plan, [space[run] for run in plan.runs], space[plan.single] if plan.single else None)
            for plan in self.tasks
        ]
        return Instance(self, space["_g"], clock, tasks, indices)

    def source_line(self, python_line: int) -> int:
        """The source's line behind a line of `python`."""
        return self.source_lines[min(max(python_line, 1), len(self.source_lines)) - 1]


def _cell(image: Image, located: Located) -> int:
    index = image.declare(parse_address(located.address), located.iec_type)
    if not _same_type(image.types[index], located):
        image.retype(index, located.iec_type)
    return index


def _same_type(iec_type: str, located: Located) -> bool:
    if located.direct:
        return True
    return iec_type == located.iec_type


class Task:
    """When its program instances run next; `due_ns` follows a fixed origin, so that nothing drifts."""

    __slots__ = ("due_ns", "interval_ns", "memory", "name", "runs", "single")

    def __init__(
        self, plan: TaskPlan, runs: list[Callable[[int], None]], single: Callable[[], bool] | None
    ) -> None:
        self.name, self.interval_ns, self.runs, self.single = plan.name, plan.interval_ns, runs, single
        self.due_ns = -1
        self.memory = False

    def is_due(self, now_ns: int) -> bool:
        """Is it to run in the scan at `now_ns`? A task runs once at most in a scan."""
        if self.single is not None:
            before, self.memory = self.memory, self.single()
            if self.memory and not before:
                return True
            if not self.interval_ns or self.memory:
                return False
        if not self.interval_ns:
            return True
        if now_ns < self.due_ns:
            return False
        self.due_ns = (now_ns // self.interval_ns + 1) * self.interval_ns
        return True


@dataclass(frozen=True, slots=True)
class Instance:
    """A program with variables of its own. `space` is its globals object, `indices` the cells of its addresses."""

    program: Program
    space: Any
    clock: list[int]
    tasks: list[Task]
    indices: list[int]

    def run(self, now_ns: int) -> None:
        """Run the tasks that are due. Raises: what the program's fault raises."""
        self.clock[0] = now_ns
        for task in self.tasks:
            if task.is_due(now_ns):
                for run in task.runs:
                    run(now_ns)


def compile_program(source: str, file: str = "program.st") -> Program:
    """Compile Structured Text; the same source compiles once in a process and its forks.

    Raises:
        StError: with every error found.
    """
    return _compiled(source, file)


@lru_cache(maxsize=_CACHED)
def _compiled(source: str, file: str) -> Program:
    try:
        return _compile(source, file)
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        text = Text(
            fr=f"programme trop compliqué pour être compilé ({type(error).__name__}) ; découpez-le",
            en=f"program too complex to be compiled ({type(error).__name__}); split it",
        )
        raise StError(file, [Diagnostic(1, 1, text)]) from error


def _compile(source: str, file: str) -> Program:
    report = Report()
    parsed = parse(source, report)
    if parsed is None:
        raise StError(file, report.diagnostics)
    compiler = Compiler(parsed, report)
    compiler.compile()
    if report.diagnostics:
        raise StError(file, report.diagnostics)
    lines = [line for line in compiler.lines if line.text]
    python = "\n".join(" " * line.indent + line.text for line in lines) + "\n"
    code = compile(python, FILENAME, "exec", dont_inherit=True, optimize=0)
    unit = compiler.unit
    return Program(
        source,
        file,
        hashlib.sha256(source.encode("utf-8")).hexdigest(),
        python,
        code,
        _source_lines(lines),
        unit.located,
        unit.spreads,
        compiler.tasks,
        unit.variables,
        compiler.instances,
        {**unit.blocks, **unit.programs},
    )


def _source_lines(lines: list[Line]) -> list[int]:
    return [line.source for line in lines]


__all__ = ["FILENAME", "Instance", "Program", "Task", "compile_program"]
