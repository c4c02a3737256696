"""Parameters: each can be drawn, each `${name}` has one, each is used somewhere."""

import re
from pathlib import Path
from typing import Any

import msgspec

from lab.exercises.folder import LANGUAGES, SOLUTIONS, brief_name
from lab.exercises.lint.found import Problem, Problems, Subject
from lab.exercises.model import Exercise, Parameter
from lab.exercises.parameters import drawn, places
from simulators.errors import UsineError
from simulators.model import Line
from simulators.text import Text

SECRET = b"lab lint"
PROGRAM = ".py"


def sample(exercise: Exercise, line: Line) -> tuple[dict[str, Any], list[tuple[str, Text]]]:
    """Some student's values, and the parameters that nothing can be drawn for, with the reason."""
    values: dict[str, Any] = {}
    refused = []
    for name in exercise.parameters:
        alone = _only(exercise, name)
        try:
            values |= drawn(alone, line, secret=SECRET, student="lint")
        except UsineError as error:
            refused.append((name, error.text))
    return values, refused


def parameter_problems(subject: Subject) -> Problems:
    """All that is wrong with them."""
    known = subject.exercise.parameters
    for name, why in sample(subject.exercise, subject.line)[1]:
        yield subject.wrong(f"$.parameters.{name}", (why.fr, why.en), ("corrigez-le", "correct it"))
    used = set(places(subject.document.data))
    for place, name in _in_yaml(subject.document.data, "$"):
        if name not in known:
            yield subject.wrong(place, *_unknown(name, known))
    for path in _files(subject):
        text = path.read_text(encoding="utf-8", errors="replace")
        named = set(places(text)) if path.suffix != PROGRAM else set(re.findall(r"[\"'](\w+)[\"']", text))
        used |= named
        if path.suffix != PROGRAM:
            yield from _in_file(path, text, known)
    for name in known:
        if name not in used:
            yield subject.wrong(
                f"$.parameters.{name}",
                (f"paramètre {name} jamais employé", f"parameter {name} is never used"),
                (
                    f"écrivez ${{{name}}} quelque part, ou retirez-le",
                    f"write ${{{name}}} somewhere, or remove it",
                ),
            )


def _in_file(path: Path, text: str, known: dict[str, Parameter]) -> Problems:
    for number, line in enumerate(text.splitlines(), 1):
        for name in places(line):
            if name not in known:
                what, remedy = _unknown(name, known)
                yield Problem(str(path), number, path.name, Text(*what), Text(*remedy))


def _unknown(name: str, known: dict[str, Parameter]) -> tuple[tuple[str, str], tuple[str, str]]:
    listed = ", ".join(known) or "–"
    return (
        (f"paramètre ${{{name}}} inconnu", f"unknown parameter ${{{name}}}"),
        (f"choisissez parmi : {listed}", f"choose one of: {listed}"),
    )


def _in_yaml(data: Any, place: str) -> list[tuple[str, str]]:
    """(place, name) of each `${name}`."""
    if isinstance(data, dict):
        return [found for key, value in data.items() for found in _in_yaml(value, f"{place}.{key}")]
    if isinstance(data, list):
        return [found for n, value in enumerate(data) for found in _in_yaml(value, f"{place}[{n}]")]
    return [(place, name) for name in places(data)]


def _files(subject: Subject) -> list[Path]:
    """Where parameters are filled in, or read by a solution."""
    named = [subject.folder / brief_name(language) for language in LANGUAGES]
    named += [subject.folder / name for name in subject.exercise.setup.configurations.values()]
    solutions = sorted((subject.folder / SOLUTIONS).glob("*"))
    return [path for path in dict.fromkeys(named + solutions) if path.is_file()]


def _only(exercise: Exercise, name: str) -> Exercise:
    return msgspec.structs.replace(exercise, parameters={name: exercise.parameters[name]})
