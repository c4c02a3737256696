"""YAML files parsed once, at the edge, into frozen specs; an error names file, line and remedy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from simulators.errors import InputError, at_line
from simulators.os_errors import unreadable
from simulators.validation import Place, misfit, written
from simulators.yaml_problems import yaml_words

T = TypeVar("T")
LIMIT_BYTES = 1 << 20

# libyaml's loader where it is compiled in: the same language, about eight times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlaceError(InputError):
    """What is wrong at a place of a YAML document, `("trust_list", "trusted", 0)`: who has its text knows the line."""

    def __init__(self, place: Place, fr: str, en: str) -> None:
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
        super().__init__(f"{shown} : {fr}", f"{shown}: {en}")
        self.at = place


@dataclass(frozen=True)
class Document:
    """YAML that was read: its plain `data`, and where each value stands. `name` is what errors call it."""

    name: str
    data: Any
    tree: yaml.Node | None

    def line(self, place: str | Place, key: bool = False) -> int:
        """The 1-based line of a place such as `$.devices[2].zone`, as deep as it can be followed.

        With `key`, that of the key that the place ends in, and not of its value.
        """
        return _line(self.tree, _steps(place) if isinstance(place, str) else place, key)

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
        raise unreadable(path, error) from error
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
        problem = yaml_words(error)
        raise at_line(
            name, line, f"YAML incorrect : {problem.fr}", f"not valid YAML: {problem.en}"
        ) from error
    return Document(name, data, tree)


def convert(document: Document, kind: type[T], data: Any = None) -> T:
    """The document (or `data`, made from it) as a `kind`. Raises: InputError: not of the shape; names the line."""
    given = document.data if data is None else data
    try:
        return msgspec.convert(given, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        found = misfit(given, kind)
        place = written(found.place)
        raise at_line(
            document.name,
            document.line(found.place, found.key),
            f"{place} : {found.text.fr}",
            f"{place}: {found.text.en}",
        ) from error


def located(error: PlaceError, text: str, name: str) -> InputError:
    """`error` with its line in the YAML `text`, called `name`."""
    line = parse(text, name).line(error.at, key=True)
    return at_line(name, line, error.text.fr, error.text.en)


def _steps(place: str) -> Place:
    """`$.devices[2].zone` → ("devices", 2, "zone")."""
    found = re.findall(r"\[(\d+)\]|([^.\[]+)", place.removeprefix("$"))
    return tuple(int(index) if index else name for index, name in found)


def _line(node: yaml.Node | None, place: Place, key: bool) -> int:
    mark = node.start_mark if node is not None else None
    for step in place:
        child_key, child = _child(node, step)
        if child is None:
            continue
        node = child
        mark = (child_key if key and child_key is not None else child).start_mark
    return mark.line + 1 if mark is not None else 1


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The key and the value that a step leads to; None where there is none."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return None, node.value[step] if step < len(node.value) else None
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
