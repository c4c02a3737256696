"""Values drawn for each student, the same at every launch, and put where an author wrote `${name}`."""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from lab.exercises.model import Exercise, Parameter
from simulators.errors import InputError, NotFoundError
from simulators.model import Line
from simulators.network.addresses import AddressBook

T = TypeVar("T", bound=msgspec.Struct)
Drawn = str | int | float
PLACE = re.compile(r"\$(\$)?\{([^{}$\n]*)\}")
MASK = "•••"
# Below this, a hidden value is too common a word to be looked for inside sentences.
MASKED_MIN_CHARACTERS = 4
# What is easily mistaken for another character when it is copied by hand is left out.
LETTERS, CAPITALS, DIGITS = "abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"
_ONSETS = ("b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v")
_VOWELS = ("a", "e", "i", "o", "u")


class Draw:
    """An endless source of numbers from HMAC-SHA256(secret, exercise, version, student, parameter, counter)."""

    def __init__(self, secret: bytes, exercise: Exercise, student: str, name: str) -> None:
        self._secret = secret
        self._about = "\0".join((exercise.id, str(exercise.version), student, name)).encode()
        self._count = 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; the bias of the remainder is below 2^-128."""
        message = self._about + b"\0" + str(self._count).encode()
        self._count += 1
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return int.from_bytes(digest, "big") % limit

    def of(self, choices: Any) -> Any:
        """One of a sequence that is not empty."""
        return choices[self.below(len(choices))]


def drawn(exercise: Exercise, line: Line, *, secret: bytes, student: str) -> dict[str, Drawn]:
    """Every parameter's value for the student called `student`, hidden ones included.

    Raises:
        InputError: a parameter that nothing can be drawn for; names it.
    """
    values: dict[str, Drawn] = {}
    for name, parameter in exercise.parameters.items():
        draw = Draw(secret, exercise, student, name)
        values[name] = _KINDS[parameter.kind](name, parameter, draw, line, values)
    return values


def visible(exercise: Exercise, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without the hidden ones, which nobody but the grader may see."""
    return {name: value for name, value in values.items() if not exercise.parameters[name].hidden}


def masked(exercise: Exercise, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with a mask in place of the hidden ones: for texts and evidence that are shown."""
    return {name: MASK if exercise.parameters[name].hidden else value for name, value in values.items()}


def hide(exercise: Exercise, values: Mapping[str, Any], text: str) -> str:
    """`text` with the hidden values in it masked."""
    for name, value in values.items():
        if exercise.parameters[name].hidden and len(str(value)) >= MASKED_MIN_CHARACTERS:
            text = text.replace(str(value), MASK)
    return text


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """`value` with every `${name}` in its strings replaced; a string that is one keeps the value's own type.

    `$${name}` is left as `${name}`. Raises: InputError: no such parameter.
    """
    if isinstance(value, str):
        whole = PLACE.fullmatch(value)
        if whole and not whole[1]:
            return _value(whole[2], values)
        return PLACE.sub(lambda m: m[0][1:] if m[1] else str(_value(m[2], values)), value)
    if isinstance(value, list):
        return [fill(item, values) for item in value]
    if isinstance(value, dict):
        return {fill_text(key, values): fill(item, values) for key, item in value.items()}
    return value


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """`text` (a brief, a configuration) with every `${name}` replaced. Raises: InputError: no such parameter."""
    return str(fill(text, values))


def filled(part: T, values: Mapping[str, Any]) -> T:
    """A part of an exercise (a step, a check, a setup) with every `${name}` replaced. Raises: InputError."""
    return msgspec.convert(fill(msgspec.to_builtins(part), values), type(part))


def places(value: Any) -> Iterator[str]:
    """The names in every `${name}` of `value`, a tree of strings, lists and dicts."""
    if isinstance(value, str):
        yield from (name for escaped, name in PLACE.findall(value) if not escaped)
    elif isinstance(value, list):
        for item in value:
            yield from places(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from places(key)
            yield from places(item)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        known = ", ".join(values) or "–"
        raise InputError(
            f"${{{name}}} : aucun paramètre de ce nom ; ceux de l'exercice : {known}",
            f"${{{name}}}: no parameter of that name; those of the exercise: {known}",
        )
    return values[name]


def _username(_name: str, _parameter: Parameter, draw: Draw, _line: Line, former: Mapping[str, Drawn]) -> str:
    """Pronounceable, and no default account of any device (`nolira42`)."""
    name = ""
    for _ in range(len(former) + 1):
        name = "".join(draw.of(_ONSETS) + draw.of(_VOWELS) for _ in range(3))
        name += f"{draw.of(DIGITS)}{draw.of(DIGITS)}"
        if name not in former.values():
            break
    return name


def _secret(_name: str, parameter: Parameter, draw: Draw, _line: Line, _former: Mapping[str, Drawn]) -> str:
    """A letter first, then letters and digits, a capital and a digit among them: no quoting is ever needed."""
    signs: list[str] = [draw.of(LETTERS), draw.of(CAPITALS), draw.of(DIGITS)]
    signs += [draw.of(LETTERS + CAPITALS + DIGITS) for _ in range(parameter.length - 3)]
    first, others = signs[0], signs[1:]
    for last in range(len(others) - 1, 0, -1):
        other = draw.below(last + 1)
        others[last], others[other] = others[other], others[last]
    return first + "".join(others)


def _choice(name: str, parameter: Parameter, draw: Draw, _line: Line, _former: Mapping[str, Drawn]) -> Drawn:
    if not parameter.of:
        raise _undrawable(name, "of: [première, seconde]", "of: [first, second]")
    chosen: Drawn = draw.of(parameter.of)
    return chosen


def _integer(name: str, parameter: Parameter, draw: Draw, _line: Line, _former: Mapping[str, Drawn]) -> int:
    if parameter.range is None or parameter.range[0] > parameter.range[1]:
        raise _undrawable(name, "range: [1, 6]", "range: [1, 6]")
    low, high = parameter.range
    return low + draw.below(high - low + 1)


def _address(name: str, parameter: Parameter, draw: Draw, line: Line, former: Mapping[str, Drawn]) -> str:
    """A host of the zone's subnet that no device, no workstation and no other parameter has."""
    if parameter.zone is None:
        raise _undrawable(name, "zone: control", "zone: control")
    taken = {*AddressBook(line).hosts(), *map(str, former.values())}
    try:
        subnet = ipaddress.IPv4Network(line.zone(parameter.zone).subnet)
    except NotFoundError as error:
        raise InputError(
            f"paramètre {name} : {error.text.fr}", f"parameter {name}: {error.text.en}"
        ) from error
    hosts = [str(host) for host in subnet.hosts()]
    free = [host for host in hosts if host not in taken]
    if not free:
        raise InputError(
            f"paramètre {name} : plus d'adresse libre en zone {parameter.zone}",
            f"parameter {name}: no free address in zone {parameter.zone}",
        )
    return str(draw.of(free))


def _undrawable(name: str, fr: str, en: str) -> InputError:
    return InputError(
        f"paramètre {name} : rien à tirer ; écrivez par exemple « {fr} »",
        f"parameter {name}: nothing to draw from; write for example '{en}'",
    )


_KINDS = {
    "username": _username,
    "secret": _secret,
    "choice": _choice,
    "integer": _integer,
    "address": _address,
}
