"""The exercises there are: every folder of `scenarios/exercises/<track>` with an `exercise.yaml`."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from lab.exercises.load import FILE, load_exercise
from lab.exercises.model import Exercise
from simulators.errors import InputError, NotFoundError
from simulators.network.choose import namespaces_available
from simulators.text import Text


def exercises_folder() -> Path:
    """Where the exercises stand."""
    return Path(str(files("scenarios"))) / "exercises"


def exercise_paths(folder: Path | None = None) -> list[Path]:
    """Every `exercise.yaml`, sorted by track and id."""
    return sorted((folder or exercises_folder()).glob(f"*/*/{FILE}"))


def exercises(folder: Path | None = None) -> list[Exercise]:
    """All of them.

    Raises:
        InputError: one is broken, or two have the same id; names it.
    """
    found: dict[str, Exercise] = {}
    for path in exercise_paths(folder):
        exercise = _read(path, path.stat().st_mtime_ns)
        if exercise.id in found:
            other = found[exercise.id].folder
            raise InputError(
                f"{path} : l'exercice {exercise.id} existe déjà dans {other} ; changez l'un des deux id",
                f"{path}: exercise {exercise.id} is already in {other}; change one of the ids",
            )
        found[exercise.id] = exercise
    return list(found.values())


def exercise(exercise_id: str, folder: Path | None = None) -> Exercise:
    """The exercise of that id.

    Raises:
        NotFoundError: there is none; says which there are.
        InputError: it is broken.
    """
    for path in exercise_paths(folder):
        if path.parent.name == exercise_id:
            return _read(path, path.stat().st_mtime_ns)
    known = ", ".join(path.parent.name for path in exercise_paths(folder)) or "–"
    raise NotFoundError(
        f"exercice {exercise_id} inconnu ; choisissez parmi : {known}",
        f"unknown exercise {exercise_id}; choose one of: {known}",
    )


def unavailable(exercise: Exercise) -> Text | None:
    """Why this machine cannot carry the exercise, None if it can."""
    reason = namespaces_available() if "zones" in exercise.needs else None
    if reason is None:
        return None
    return Text(
        fr=f"Cet exercice a besoin de zones séparées. {reason.fr}",
        en=f"This exercise needs enforced zones. {reason.en}",
    )


@lru_cache(maxsize=256)
def _read(path: Path, _changed_ns: int) -> Exercise:
    return load_exercise(path)
