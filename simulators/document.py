"""YAML files parsed once, at the edge, into frozen specs; an error names file, line and remedy."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from simulators.errors import InputError

T = TypeVar("T")
LIMIT_BYTES = 1 << 20

# libyaml's loader where it is compiled in: the same language, about eight times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path, kind: type[T]) -> T:
    """Read the YAML file `path` as a `kind`.

    Raises:
        InputError: unreadable, not YAML, or not of the shape; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} : illisible ({error})", f"{path}: cannot be read ({error})") from error
    return loads(text, kind, str(path))


def loads(text: str, kind: type[T], name: str) -> T:
    """Parse YAML `text`, called `name` in errors, as a `kind` (a msgspec type).

    Raises:
        InputError: not YAML, or not of the shape; names the line.
    """
    if len(text) > LIMIT_BYTES:
        raise InputError(
            f"{name} : plus de {LIMIT_BYTES} octets ; réduisez le fichier",
            f"{name}: more than {LIMIT_BYTES} bytes; make the file smaller",
        )
    try:
        tree = yaml.compose(text, _Loader)
        data = yaml.load(text, _Loader)  # noqa: S506 -- a safe loader, chosen above
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or type(error).__name__
        raise InputError(
            f"{name}:{line} : YAML incorrect ({problem}) ; vérifiez l'indentation et les guillemets",
            f"{name}:{line}: not valid YAML ({problem}); check the indentation and the quotes",
        ) from error
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        reason, _, where = str(error).partition(" - at `")
        line = _line(tree, where.rstrip("`"))
        place = where.rstrip("`") or "$"
        raise InputError(
            f"{name}:{line} : {place} : {reason} ; corrigez cette valeur",
            f"{name}:{line}: {place}: {reason}; correct that value",
        ) from error


def _line(node: yaml.Node | None, path: str) -> int:
    """The 1-based line of a msgspec path such as `$.devices[2].zone`, as deep as it can be followed."""
    for step in path.removeprefix("$").replace("[", ".[").split("."):
        child = _child(node, step)
        if child is None:
            continue
        node = child
    return node.start_mark.line + 1 if node is not None else 1


def _child(node: yaml.Node | None, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and step.startswith("[") and step[1:-1].isdigit():
        index = int(step[1:-1])
        return node.value[index] if index < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
