"""A device's configuration in force, as text: what it says, which proves nothing of what the device does."""

from typing import Any

import msgspec

from lab.probes.contract import Exchange, Finding, Inside, Probe
from simulators.document import parse
from simulators.errors import InputError
from simulators.text import Text


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key of a YAML configuration (`security.policies.0`): there at all, or equal."""

    device: str
    path: str
    equals: str | int | float | bool | None = None


class Contains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in a configuration, comments left out."""

    device: str
    text: str


def value(inside: Inside, args: Value) -> Finding:
    text = _text(inside, args.device)
    found, present = _at(parse(text, f"{args.device}.yaml").data, args.path.split("."))
    exchange = Exchange(f"{args.device}: {args.path}", str(found)[:200] if present else "–")
    if not present:
        return Finding(
            "absent", Text(fr=f"{args.path} n'y est pas", en=f"{args.path} is not there"), {}, [exchange]
        )
    said = Text(fr=f"{args.path} vaut {exchange.answer}", en=f"{args.path} is {exchange.answer}")
    equal = args.equals is None or found == args.equals
    return Finding("equal" if equal else "different", said, {}, [exchange])


def contains(inside: Inside, args: Contains) -> Finding:
    lines = [line for line in _text(inside, args.device).splitlines() if not _is_comment(line)]
    count = sum(args.text in line for line in lines)
    said = Text(fr=f"{count} ligne(s) avec « {args.text} »", en=f"{count} line(s) with '{args.text}'")
    exchange = Exchange(f"{args.device}: {args.text}", str(count))
    return Finding("present" if count else "absent", said, {"count": float(count)}, [exchange])


def _text(inside: Inside, device: str) -> str:
    inside.line.device(device)
    return str(inside.lab.request("config", device=device)["text"])


def _is_comment(line: str) -> bool:
    # A broker's files stand behind lines such as "#file: passwd".
    return line.lstrip().startswith("#") and not line.startswith("#file:")


def _at(data: Any, path: list[str]) -> tuple[Any, bool]:
    for step in path:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict | list) or data is None:
            return None, False
        else:
            raise InputError(f"{step} : rien en dessous", f"{step}: nothing below")
    return data, True


PROBES = (
    Probe("configuration.value", Value, ("equal", "different", "absent"), value, "inside"),
    Probe("configuration.contains", Contains, ("present", "absent"), contains, "inside", (), ("count",)),
)
