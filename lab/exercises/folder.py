"""The files of an exercise's folder: briefs, start configurations, solutions."""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.exercises.model import Exercise
from lab.exercises.parameters import fill_text
from lab.exercises.solution import Desk
from simulators.errors import InputError
from simulators.os_errors import unreadable

SOLUTIONS = "solutions"
LANGUAGES = ("fr", "en")
NO_SOLUTION = "none"


def brief_name(language: str) -> str:
    """The file of the brief in `fr` or `en`."""
    return f"brief.{language}.md"


def brief(exercise: Exercise, language: str, values: Mapping[str, Any]) -> str:
    """The brief as Markdown, its parameters filled in. Raises: InputError."""
    return file_text(exercise, brief_name(language), values)


def file_text(exercise: Exercise, name: str, values: Mapping[str, Any]) -> str:
    """A file of the folder, its parameters filled in.

    Raises:
        InputError: not there, outside the folder, or it names a parameter that is not in `values`.
    """
    folder = Path(exercise.folder).resolve()
    path = (folder / name).resolve()
    if folder not in path.parents:
        raise InputError(
            f"{name} est hors du dossier de l'exercice ; donnez un chemin à l'intérieur",
            f"{name} is outside the exercise's folder; give a path within it",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    try:
        return fill_text(text, values)
    except InputError as error:
        raise InputError(f"{path} : {error.text.fr}", f"{path}: {error.text.en}") from error


def solution_path(exercise: Exercise, solution: str) -> Path:
    """Where the solution of that name stands."""
    return Path(exercise.folder) / SOLUTIONS / f"{solution}.py"


def solution(exercise: Exercise, name: str) -> Callable[[Desk], None]:
    """What does the exercise as the author's solution `name` does; `none` does nothing.

    Raises:
        InputError: no such file, or it is not a solution.
    """
    if name == NO_SOLUTION:
        return lambda _desk: None
    path = solution_path(exercise, name)
    spec = importlib.util.spec_from_file_location(f"solution_{exercise.id}_{name}".replace("-", "_"), path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path} : absent ; écrivez-le", f"{path}: not there; write it")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        solve: Callable[[Desk], None] = module.solve
    except Exception as error:
        raise InputError(
            f"{path} : {error!r} ; une solution définit « def solve(desk) »",
            f"{path}: {error!r}; a solution defines 'def solve(desk)'",
        ) from error
    return solve
