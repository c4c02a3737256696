"""All that is wrong with an exercise, at once: each with its file, its line and a remedy."""

from itertools import chain
from pathlib import Path

import msgspec

from lab.catalog import find_line
from lab.exercises.lint.content import content_problems
from lab.exercises.lint.found import Problem, Subject, problem
from lab.exercises.lint.observations import observation_problems
from lab.exercises.lint.parameters import parameter_problems, sample
from lab.exercises.lint.words import word_problems
from lab.exercises.load import FILE, nested
from lab.exercises.model import Exercise
from simulators.document import Document, read
from simulators.errors import InputError, UsineError
from simulators.text import Text
from simulators.validation import CORRECT, misfits, written

__all__ = ["Problem", "lint"]


def lint(path: Path) -> list[Problem]:
    """The problems of the exercise in `path` (its folder, or its `exercise.yaml`), by file and line."""
    file = path if path.suffix else path / FILE
    try:
        document = read(file)
    except InputError as error:
        return [Problem(str(file), 1, file.name, error.text, Text(*CORRECT))]
    found = [
        Problem(
            document.name, line, key,
            Text(fr=f"clé {key} écrite deux fois", en=f"key {key} is written twice"),
            Text(fr="gardez-en une", en="keep one"),
        )
        for line, key in document.duplicates()
    ]  # fmt: skip
    found += _shape(document) or _sense(document)
    return sorted(found, key=lambda each: (each.file, each.line, each.place))


def _shape(document: Document) -> list[Problem]:
    return [
        Problem(
            document.name, document.line(each.place, each.key), written(each.place), each.what, each.remedy
        )
        for each in misfits(nested(document.data), Exercise)
    ]


def _sense(document: Document) -> list[Problem]:
    exercise = msgspec.convert(nested(document.data), Exercise)
    folder = Path(document.name).parent
    exercise = msgspec.structs.replace(exercise, folder=str(folder))
    found = []
    if exercise.id != folder.absolute().name:
        what = (
            f"id {exercise.id} dans un dossier {folder.name}",
            f"id {exercise.id} in a folder {folder.name}",
        )
        found.append(problem(document, "$.id", what, ("donnez-leur le même nom", "give them the same name")))
    try:
        line = find_line(exercise.line)
    except UsineError as error:
        what = (error.text.fr, error.text.en)
        return [*found, problem(document, "$.line", what, CORRECT)]
    subject = Subject(document, exercise, line, sample(exercise, line)[0])
    kinds = (word_problems, parameter_problems, content_problems, observation_problems)
    return [*found, *chain.from_iterable(kind(subject) for kind in kinds)]
