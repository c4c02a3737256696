"""Says why a program stopped: what kind of fault, at which line of its source, in words."""

import traceback

from simulators.contracts import Fault, FaultKind
from simulators.errors import UsineError
from simulators.plc.st.errors import StFaultError
from simulators.plc.st.program import FILENAME, Program
from simulators.text import Text

_CAUSES: list[tuple[type[BaseException], FaultKind, Text]] = [
    (ZeroDivisionError, "division", Text(fr="division par zéro", en="division by zero")),
    (OverflowError, "range", Text(fr="résultat infini ou trop grand", en="result infinite or too large")),
    (IndexError, "range", Text(fr="indice hors du tableau", en="index outside the array")),
    (RecursionError, "other", Text(fr="appels trop emboîtés", en="calls nested too deep")),
    (MemoryError, "other", Text(fr="mémoire insuffisante", en="not enough memory")),
    (
        ValueError,
        "range",
        Text(fr="valeur hors du domaine de la fonction (NaN, racine d'un négatif, pas nul…)",
             en="value outside the function's domain (NaN, root of a negative, zero step…)"),
    ),
]  # fmt: skip


def explain(error: BaseException, program: Program) -> Fault:
    """`plc1.st:12 : division par zéro`, in both languages, with its kind and its line."""
    kind, cause = _cause(error)
    line = _line(error, program)
    place = f"{program.file}:{line}" if line else program.file
    return Fault(kind, line or 0, Text(fr=f"{place} : {cause.fr}", en=f"{place}: {cause.en}"))


def _cause(error: BaseException) -> tuple[FaultKind, Text]:
    if isinstance(error, StFaultError):
        return error.kind, error.text
    if isinstance(error, UsineError):
        return "other", error.text
    for raised, kind, text in _CAUSES:
        if isinstance(error, raised):
            return kind, text
    name = type(error).__name__
    return "other", Text(fr=f"erreur interne ({name} : {error})", en=f"internal error ({name}: {error})")


def _line(error: BaseException, program: Program) -> int | None:
    """The line of the deepest frame that runs the program."""
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == FILENAME
    ]
    return program.source_line(lines[-1]) if lines else None
