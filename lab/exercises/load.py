"""`exercise.yaml` read into an `Exercise`: a check is written flat there, its probe's arguments among its own keys."""

from pathlib import Path
from typing import Any

import msgspec

from lab.exercises.model import Check, Exercise
from simulators.document import Document, convert, read
from simulators.errors import InputError

FILE = "exercise.yaml"
OWN_KEYS = tuple(field.name for field in msgspec.structs.fields(Check))


def load_exercise(path: Path) -> Exercise:
    """The exercise in `path` (its `exercise.yaml`, or its folder).

    Raises:
        InputError: names the file, the line, the place and the remedy.
    """
    document = read(path if path.suffix else path / FILE)
    return shaped(document)


def shaped(document: Document) -> Exercise:
    """The exercise of a document that was read. Raises: InputError."""
    folder = Path(document.name).parent
    exercise = convert(document, Exercise, nested(document.data))
    if exercise.id != folder.name:
        raise InputError(
            f"{document.name}:{document.line('$.id')} : id {exercise.id} dans un dossier {folder.name} ; "
            "donnez-leur le même nom",
            f"{document.name}:{document.line('$.id')}: id {exercise.id} in a folder {folder.name}; "
            "give them the same name",
        )
    return msgspec.structs.replace(exercise, folder=str(folder))


def nested(data: Any) -> Any:
    """`data` of a document with the arguments of every check put together, as `Check` has them."""
    if not isinstance(data, dict):
        return data
    made = dict(data)
    if isinstance(data.get("baseline"), list):
        made["baseline"] = [_gathered(check) for check in data["baseline"]]
    if isinstance(data.get("steps"), list):
        made["steps"] = [_step(step) for step in data["steps"]]
    return made


def _step(step: Any) -> Any:
    if not isinstance(step, dict) or not isinstance(step.get("checks"), list):
        return step
    return {**step, "checks": [_gathered(check) for check in step["checks"]]}


def _gathered(check: Any) -> Any:
    """A check whose keys that are not its own are its probe's arguments; `arguments:` may hold those that clash."""
    if not isinstance(check, dict):
        return check
    own = {key: value for key, value in check.items() if key in OWN_KEYS}
    others = {str(key): value for key, value in check.items() if key not in OWN_KEYS}
    clashing = check.get("arguments", {})
    own["arguments"] = {**clashing, **others} if isinstance(clashing, dict) else clashing
    if "control" in own:
        own["control"] = _gathered(own["control"])
    return own
