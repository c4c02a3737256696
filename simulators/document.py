"""YAML files parsed once, at the edge, into frozen specs; an error names file, line and remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from simulators.errors import InputError, at_line

T = TypeVar("T")
LIMIT_BYTES = 1 << 20

# libyaml's loader where it is compiled in: the same language, about eight times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


Place = tuple[str | int, ...]


class PlaceError(InputError):
    """What is wrong at a place of a YAML document, `("trust_list", "trusted", 0)`: who has its text knows the line."""

    def __init__(self, place: Place, fr: str, en: str) -> None:
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
        super().__init__(f"{shown} : {fr}", f"{shown}: {en}")
        self.place = place


@dataclass(frozen=True)
class Document:
    """YAML that was read: its plain `data`, and where each value stands. `name` is what errors call it."""

    name: str
    data: Any
    tree: yaml.Node | None

    def line(self, path: str) -> int:
        """The 1-based line of a place such as `$.devices[2].zone`, as deep as it can be followed."""
        return _line(self.tree, path)

    def line_of(self, place: Place) -> int:
        """The 1-based line of the key or the entry at `place`, as deep as it can be followed."""
        node, line = self.tree, 1
        for step in place:
            mark, node = _entry(node, step)
            if mark is None:
                break
            line = mark.start_mark.line + 1
        return line

    def duplicates(self) -> list[tuple[int, str]]:
        """Line and name of every key that its mapping has already: YAML keeps the last one only."""
        return list(_duplicates(self.tree))


def load(path: Path, kind: type[T]) -> T:
    """Read the YAML file `path` as a `kind`.

    Raises:
        InputError: unreadable, not YAML, or not of the shape; names the line.
    """
    return convert(read(path), kind)


def loads(text: str, kind: type[T], name: str) -> T:
    """Parse YAML `text`, called `name` in errors, as a `kind` (a msgspec type).

    Raises:
        InputError: not YAML, or not of the shape; names the line.
    """
    return convert(parse(text, name), kind)


def read(path: Path) -> Document:
    """The YAML file `path`, before it is given a shape. Raises: InputError: unreadable, or not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} : illisible ({error})", f"{path}: cannot be read ({error})") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """YAML `text`, before it is given a shape. Raises: InputError: not YAML; names the line."""
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
        raise at_line(
            name,
            line,
            f"YAML incorrect ({problem}) ; vérifiez l'indentation et les guillemets",
            f"not valid YAML ({problem}); check the indentation and the quotes",
        ) from error
    return Document(name, data, tree)


def convert(document: Document, kind: type[T], data: Any = None) -> T:
    """The document (or `data`, made from it) as a `kind`. Raises: InputError: not of the shape; names the line."""
    try:
        return msgspec.convert(document.data if data is None else data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        reason, _, where = str(error).partition(" - at `")
        place = where.rstrip("`") or "$"
        raise at_line(
            document.name,
            document.line(where.rstrip("`")),
            f"{place} : {reason} ; corrigez cette valeur",
            f"{place}: {reason}; correct that value",
        ) from error


def located(error: PlaceError, text: str, name: str) -> InputError:
    """`error` with its line in the YAML `text`, called `name`."""
    line = parse(text, name).line_of(error.place)
    return at_line(name, line, error.text.fr, error.text.en)


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


def _entry(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Where the key or the entry `step` stands, and its value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), (None, None))
    return None, None


def _duplicates(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _duplicates(child)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _duplicates(value)
