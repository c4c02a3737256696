"""What a probe saw, in the reader's words: labels in place of ids, small tables in place of JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from flask_babel import format_decimal, gettext

from lab.probes.contract import Evidence, Exchange
from lab.probes.words import argument_name, figure, probe_name
from web.language import reader

# What tells one observation from the next, before what is common to them.
SUBJECTS = ("device", "policy", "user", "tag", "method", "asset", "topic", "alarm", "function")


@dataclass(frozen=True)
class Table:
    """A list of things that an author wrote in YAML."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Argument:
    """What the probe was asked with: words, or a table."""

    name: str
    text: str
    table: Table | None = None


@dataclass(frozen=True)
class Observation:
    """`subject` says of what, in few words; `figures` are (name, value with its unit)."""

    title: str
    probe: str
    subject: list[str]
    arguments: list[Argument]
    said: str
    figures: list[tuple[str, str]]
    exchanges: list[Exchange]
    unix_s: float
    duration_s: float


def observation(seen: Evidence) -> Observation:
    """A template filter."""
    return Observation(
        title=reader(probe_name(seen.probe)),
        probe=seen.probe,
        subject=[_scalar(seen.arguments[key]) for key in SUBJECTS if _is_subject(seen.arguments.get(key))],
        arguments=[_argument(seen.probe, name, value) for name, value in seen.arguments.items()],
        said=reader(seen.said),
        figures=[_figure(seen.probe, name, value) for name, value in seen.figures.items()],
        exchanges=seen.exchanges,
        unix_s=seen.unix_s,
        duration_s=seen.duration_s,
    )


def measure(value: float, unit: str, digits: int = 3) -> str:
    """A number as the reader's language writes it, with its unit."""
    written = str(format_decimal(round(value, digits)))
    if unit == "%":
        return str(gettext("%(number)s%%", number=written))
    return f"{written}\N{NO-BREAK SPACE}{unit}" if unit else written


def _figure(probe: str, name: str, value: float) -> tuple[str, str]:
    known = figure(probe, name)
    return reader(known.name), measure(value, known.unit)


def _is_subject(value: Any) -> bool:
    return value not in (None, "") and not isinstance(_decoded(value), list | dict)


def _argument(probe: str, name: str, value: Any) -> Argument:
    label = reader(argument_name(probe, name))
    found = _decoded(value)
    if isinstance(found, dict):
        found = [found]
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        return Argument(label, "", _table(probe, found))
    return Argument(label, _cell(found))


def _decoded(value: Any) -> Any:
    """What the grader kept as JSON; a text that was cut stays the text that it is."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def _table(probe: str, rows: list[dict[str, Any]]) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return Table(
        [reader(argument_name(probe, key)) for key in keys],
        [[_of_row(row, key) for key in keys] for row in rows],
    )


def _of_row(row: dict[str, Any], key: str) -> str:
    if key == "user" and not row.get("user"):
        return str(gettext("anonymous"))
    return _cell(row.get(key))


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return _listed(_scalar(each) for each in value)
    if isinstance(value, dict):
        return _listed(f"{key}: {_scalar(each)}" for key, each in value.items())
    return _scalar(value)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "–"


def _scalar(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, float):
        return str(format_decimal(value))
    return str(value)
