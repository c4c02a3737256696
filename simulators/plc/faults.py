"""Says in words, with the source's line, why a program stopped."""

import traceback

from simulators.errors import UsineError
from simulators.plc.st.program import FILENAME, Program
from simulators.text import Text

_CAUSES: list[tuple[type[BaseException], Text]] = [
    (ZeroDivisionError, Text(fr="division par zéro", en="division by zero")),
    (OverflowError, Text(fr="résultat infini ou trop grand", en="result infinite or too large")),
    (IndexError, Text(fr="indice hors du tableau", en="index outside the array")),
    (RecursionError, Text(fr="appels trop emboîtés", en="calls nested too deep")),
    (MemoryError, Text(fr="mémoire insuffisante", en="not enough memory")),
    (
        ValueError,
        Text(fr="valeur hors du domaine de la fonction (NaN, racine d'un négatif, pas nul…)",
             en="value outside the function's domain (NaN, root of a negative, zero step…)"),
    ),
]  # fmt: skip


def explain(error: BaseException, program: Program) -> Text:
    """`plc1.st:12 : division par zéro`, in both languages."""
    cause = _cause(error)
    line = _line(error, program)
    place = f"{program.file}:{line}" if line else program.file
    return Text(fr=f"{place} : {cause.fr}", en=f"{place}: {cause.en}")


def _cause(error: BaseException) -> Text:
    if isinstance(error, UsineError):
        return error.text
    for kind, text in _CAUSES:
        if isinstance(error, kind):
            return text
    return Text(
        fr=f"erreur interne ({type(error).__name__} : {error})",
        en=f"internal error ({type(error).__name__}: {error})",
    )


def _line(error: BaseException, program: Program) -> int | None:
    """The line of the deepest frame that runs the program."""
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == FILENAME
    ]
    return program.source_line(lines[-1]) if lines else None
