"""Detection rules as a trainee writes them: Sigma YAML, read by pySigma, refused with line and remedy."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule
from sigma.exceptions import SigmaConditionError, SigmaError
from sigma.rule import SigmaRule

from lab.detection.documents import Document, read, refused
from simulators.errors import InputError
from simulators.network.dissect.row import COLUMNS

TEXT_MAX = 32_768
RULES_MAX = 40
DEPTH_MAX = 20
CONDITION_MAX = 400
WILDCARDS_MAX = 8  # of one value: what they cost grows with their number
TIMESPAN_MAX_S = 3600
TABLE = "events"
MODIFIERS = (
    "contains", "startswith", "endswith", "all", "cased", "cidr", "exists", "gt", "gte", "lt", "lte", "neq",
)  # fmt: skip
COUNTS = ("event_count", "value_count")
TYPES = (*COUNTS, "temporal", "temporal_ordered")
Kind = Literal["event", "count", "sequence"]


class RuleInfo(msgspec.Struct, frozen=True):
    """A rule as the editor lists it. `alerts`: it speaks by itself, and not only through a correlation."""

    title: str
    kind: Kind
    technique: str
    line: int
    alerts: bool


@dataclass(frozen=True)
class Count:
    """A correlation by count: how many events, or distinct values of `value`, of a group within `timespan_s`."""

    queries: tuple[str, ...]
    group_by: tuple[str, ...]
    value: str | None
    timespan_s: float
    condition: SigmaCorrelationCondition


@dataclass(frozen=True)
class Rule:
    """Compiled: `query` selects events, or the alerts of a sequence; a `count` is swept."""

    info: RuleInfo
    query: str
    count: Count | None = None


def compiled(text: str) -> tuple[Rule, ...]:
    """The rules in `text`, ready to be run.

    Raises:
        InputError: they are none; names the line and the remedy.
    """
    try:
        return _compiled(text)
    except RecursionError as error:
        raise refused(1, "règles trop imbriquées", "rules nested too deeply") from error


@lru_cache(maxsize=64)
def _compiled(text: str) -> tuple[Rule, ...]:
    if len(text) > TEXT_MAX:
        raise refused(
            1, f"{len(text)} caractères ; {TEXT_MAX} au plus", f"{len(text)} characters; {TEXT_MAX} at most"
        )
    documents = list(read(text))
    if not documents:
        raise refused(1, "aucune règle ; écrivez-en une", "no rule; write one")
    if len(documents) > RULES_MAX:
        raise refused(
            documents[RULES_MAX].line,
            f"{len(documents)} règles ; {RULES_MAX} au plus",
            f"{len(documents)} rules; {RULES_MAX} at most",
        )
    named: dict[str, tuple[Document, SigmaRule]] = {}
    for document in documents:
        if "correlation" not in document.data:
            rule = _event_rule(document)
            for name in (rule.name, str(rule.id) if rule.id else None):
                if name:
                    named[name] = (document, rule)
    spoken_for = {
        name
        for d in documents
        if isinstance(c := d.data.get("correlation"), dict) and not c.get("generate")
        for name in _names(c)
    }
    return tuple(_rule(document, named, spoken_for) for document in documents)


def _rule(document: Document, named: dict[str, tuple[Document, SigmaRule]], spoken_for: set[str]) -> Rule:
    data = document.data
    if "correlation" in data:
        return _correlation(document, named)
    alerts = not {str(data.get("name")), str(data.get("id"))} & spoken_for
    info = RuleInfo(str(document.data["title"]), "event", _technique(data), document.line, alerts)
    return Rule(info, _query([data], document))


def _event_rule(document: Document) -> SigmaRule:
    detection = document.data.get("detection")
    if not isinstance(detection, dict):
        raise refused(document.line, "il manque « detection: »", "'detection:' is missing")
    for key in _keys(detection):
        field, *modifiers = str(key).split("|")
        _check_field(document, field, str(key))
        for modifier in modifiers:
            if modifier not in MODIFIERS:
                raise refused(
                    document.line_of(str(key)),
                    f"modificateur « {modifier} » non admis ; choisissez parmi : {', '.join(MODIFIERS)}",
                    f"modifier '{modifier}' is not allowed; choose one of: {', '.join(MODIFIERS)}",
                )
    _check_values(document, detection)
    rule = _parsed([document.data], document).rules[0]
    assert isinstance(rule, SigmaRule)
    return rule


def _correlation(document: Document, named: dict[str, tuple[Document, SigmaRule]]) -> Rule:
    given = document.data["correlation"]
    if not isinstance(given, dict) or given.get("type") not in TYPES:
        raise refused(
            document.line_of("type"),
            f"type de corrélation : choisissez parmi {', '.join(TYPES)}",
            f"correlation type: choose one of {', '.join(TYPES)}",
        )
    bases = [_base(document, name, named) for name in _names(given)]
    for field in [*_listed(given.get("group-by")), *_value_fields(given)]:
        _check_field(document, field, field)
    data = [*(base.data for base in bases), document.data]
    rule = _parsed(data, document).rules[-1]
    assert isinstance(rule, SigmaCorrelationRule)
    if rule.timespan.seconds > TIMESPAN_MAX_S:
        raise refused(
            document.line_of("timespan"),
            f"timespan : {TIMESPAN_MAX_S} s au plus",
            f"timespan: {TIMESPAN_MAX_S} s at most",
        )
    technique = _technique(document.data) or next((t for b in bases if (t := _technique(b.data))), "")
    counted = given["type"] in COUNTS
    info = RuleInfo(
        str(document.data["title"]), "count" if counted else "sequence", technique, document.line, True
    )
    if not counted:
        return Rule(info, _query(data, document))
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition) or rule.aliases.aliases:
        raise refused(
            document.line_of("condition"),
            "une comparaison simple (gte: 5), sans alias",
            "a single comparison (gte: 5), no aliases",
        )
    values = _value_fields(given)
    queries = tuple(_query([base.data], base) for base in bases)
    group_by = tuple(_listed(given.get("group-by")))
    count = Count(queries, group_by, values[0] if values else None, rule.timespan.seconds, condition)
    return Rule(info, "", count)


def _query(data: list[dict[str, Any]], document: Document) -> str:
    """The SQL of the last rule."""
    collection = _parsed(data, document)
    try:
        backend = sqliteBackend(table=TABLE, timestamp_format="unix", event_id_field="n")  # type: ignore[no-untyped-call]
        converted = backend.convert(collection)
    except SigmaError as error:
        raise _of_pysigma(document, error) from error
    except Exception as error:  # what a rule holds may make its converter raise anything
        raise refused(
            document.line, f"règle non convertible : {error}", f"the rule cannot be converted: {error}"
        ) from error
    return str(converted[-1])


def _parsed(data: list[dict[str, Any]], document: Document) -> SigmaCollection:
    try:
        return SigmaCollection.from_dicts(msgspec.json.decode(msgspec.json.encode(data)))
    except SigmaError as error:
        raise _of_pysigma(document, error) from error
    except (TypeError, ValueError, AttributeError, KeyError, msgspec.MsgspecError) as error:
        raise refused(
            document.line, f"ce n'est pas une règle Sigma ({error})", f"not a Sigma rule ({error})"
        ) from error


def _of_pysigma(document: Document, error: SigmaError) -> InputError:
    line = document.line_of("condition") if isinstance(error, SigmaConditionError) else document.line
    return refused(line, f"pySigma : {error}", f"pySigma: {error}")


def _keys(detection: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """The field names of all selections."""
    for name, selection in detection.items():
        if name != "condition" or depth:
            yield from _fields(selection, depth)


def _fields(selection: Any, depth: int) -> Iterator[str]:
    if depth > DEPTH_MAX:
        raise RecursionError
    if isinstance(selection, dict):
        yield from (str(key) for key in selection)
    elif isinstance(selection, list):
        for each in selection:
            yield from _fields(each, depth + 1)
    else:
        yield ""


def _check_field(document: Document, field: str, word: str) -> None:
    if field == "":
        raise refused(
            document.line,
            "une sélection sans nom de champ ; écrivez « champ: valeur »",
            "a selection without a field's name; write 'field: value'",
        )
    if field not in COLUMNS:
        near = difflib.get_close_matches(field, COLUMNS, 3, 0.4) or list(COLUMNS)
        raise refused(
            document.line_of(word),
            f"champ « {field} » inconnu ; choisissez par exemple : {', '.join(near)}",
            f"unknown field '{field}'; choose for example: {', '.join(near)}",
        )


def _check_values(document: Document, detection: dict[str, Any]) -> None:
    conditions = detection.get("condition")
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if not isinstance(condition, str) or len(condition) > CONDITION_MAX:
            raise refused(
                document.line_of("condition"),
                f"« condition: » manque ou dépasse {CONDITION_MAX} caractères",
                f"'condition:' is missing or longer than {CONDITION_MAX} characters",
            )
    for value in _scalars(detection):
        if isinstance(value, str) and value.count("*") + value.count("?") > WILDCARDS_MAX:
            raise refused(
                document.line_of(value),
                f"{WILDCARDS_MAX} jokers au plus dans une valeur",
                f"{WILDCARDS_MAX} wildcards at most in a value",
            )


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _scalars(each)
    elif isinstance(value, list):
        for each in value:
            yield from _scalars(each)
    else:
        yield value


def _base(document: Document, name: str, named: dict[str, tuple[Document, SigmaRule]]) -> Document:
    if name not in named:
        known = ", ".join(named) or "–"
        raise refused(
            document.line_of(name),
            f"règle « {name} » inconnue de la corrélation ; donnez un « name: » ; connues : {known}",
            f"the correlation's rule '{name}' is unknown; give it a 'name:'; known: {known}",
        )
    return named[name][0]


def _names(correlation: dict[str, Any]) -> list[str]:
    return _listed(correlation.get("rules"))


def _value_fields(correlation: dict[str, Any]) -> list[str]:
    condition = correlation.get("condition")
    return _listed(condition.get("field")) if isinstance(condition, dict) else []


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _technique(data: dict[str, Any]) -> str:
    """The first technique among the tags (`attack.t0846.001`), empty if there is none."""
    for tag in _listed(data.get("tags")):
        if found := re.fullmatch(r"attack\.(t\d{4}(?:\.\d{3})?)", tag.lower()):
            return found[1].upper()
    return ""
