"""What rules say of events: alerts, each dated by the instant at which its evidence was complete."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sigma.correlations import SigmaCorrelationConditionOperator as Operator

from lab.detection.sigma import Count, Rule, RuleInfo, compiled
from lab.detection.table import LIMIT_S, Packed, Table
from simulators.model import Line

MERGE_S = 60.0
HOLDS: dict[Operator, Callable[[int, int], bool]] = {
    Operator.GTE: int.__ge__,
    Operator.GT: int.__gt__,
    Operator.LTE: int.__le__,
    Operator.LT: int.__lt__,
    Operator.EQ: int.__eq__,
    Operator.NEQ: int.__ne__,
}


class Alert(msgspec.Struct, frozen=True):
    """`asset` is the device that the evidence is about, or its address where no device has it."""

    unix_s: float
    rule: str
    technique: str
    asset: str


class Shown(msgspec.Struct, frozen=True):
    """Alerts of one rule about one asset, less than a minute apart: one line of a list."""

    unix_s: float
    last_unix_s: float
    rule: str
    technique: str
    asset: str
    count: int


class Trial(msgspec.Struct, frozen=True):
    """What a trainee's rules say of the events of their own lab."""

    alerts: list[Shown]
    rules: list[RuleInfo]
    events: int
    duration_s: float


def check_rules(text: str) -> list[RuleInfo]:
    """The rules in a text. Raises: InputError: they are none; names the line and the remedy."""
    return [rule.info for rule in compiled(text)]


def alerts(
    text: str,
    events: Iterable[Mapping[str, Any]] | Packed,
    line: Line | None = None,
    limit_s: float = LIMIT_S,
) -> list[Alert]:
    """The rules' alerts on the events, by date; a rule speaks once a second at most about one asset.

    Raises:
        InputError: the rules are none, or cannot be run.
        TimeLimitError: they take longer than `limit_s`.
    """
    rules = [rule for rule in compiled(text) if rule.info.alerts]
    assets = {a: d.id for d in line.devices for a in d.interfaces.values()} if line is not None else {}
    table = Table(events, limit_s)
    try:
        said = {
            (int(unix_s), rule.info.title, asset): Alert(unix_s, rule.info.title, rule.info.technique, asset)
            for rule in rules
            for unix_s, address in reversed(list(_spoken(rule, table)))
            for asset in [assets.get(address, address)]
        }
    finally:
        table.close()
    return sorted(said.values(), key=lambda alert: alert.unix_s)


def try_rules(text: str, events: Sequence[Mapping[str, Any]], line: Line | None = None) -> Trial:
    """Run a trainee's rules on events that they can see. Raises: InputError, TimeLimitError."""
    begun_s = time.monotonic()
    said = alerts(text, events, line)
    return Trial(merged(said), check_rules(text), len(events), time.monotonic() - begun_s)


def merged(said: Sequence[Alert]) -> list[Shown]:
    """The alerts as people read them."""
    shown: dict[tuple[str, str], list[Shown]] = defaultdict(list)
    for alert in said:
        lines = shown[alert.rule, alert.asset]
        if lines and alert.unix_s - lines[-1].last_unix_s < MERGE_S:
            last = lines[-1]
            lines[-1] = msgspec.structs.replace(last, last_unix_s=alert.unix_s, count=last.count + 1)
        else:
            lines.append(Shown(alert.unix_s, alert.unix_s, alert.rule, alert.technique, alert.asset, 1))
    return sorted((one for lines in shown.values() for one in lines), key=lambda one: one.unix_s)


def _spoken(rule: Rule, table: Table) -> Iterator[tuple[float, str]]:
    """(instant, address) of each time that the rule speaks."""
    if rule.count is not None:
        yield from _counted(rule.count, table)
    elif rule.info.kind == "event":
        for _n, unix_s, address in table.matches(rule.query, ["id.resp_h"]):
            yield unix_s, str(address)
    else:
        yield from _sequence(rule, table)


def _sequence(rule: Rule, table: Table) -> Iterator[tuple[float, str]]:
    """A correlation that pySigma's backend works out: its columns are (id, keys, occurrence, …, event ids, …)."""
    for found in list(table.rows(rule.query)):
        number = str(msgspec.json.decode(found[8])[-1]).rsplit(":", 1)[-1]
        about = next(table.rows(f'SELECT "id.resp_h" FROM events WHERE n = {int(number)}'), ("",))  # noqa: S608 -- a number
        yield float(found[2]), str(about[0])


def _counted(count: Count, table: Table) -> Iterator[tuple[float, str]]:
    """Sweep the matches once: at each, what lies in the window that ends there.

    The same windows as those of the backend's own query, whose cost grows with the square of the matches.
    """
    fields = ["id.resp_h", *count.group_by, *([count.value] if count.value else [])]
    found = {row[0]: row for query in count.queries for row in table.matches(query, fields)}
    windows: dict[tuple[Any, ...], _Window] = {}
    size = len(count.group_by)
    waiting: dict[tuple[Any, ...], tuple[float, str]] = {}
    holds, limit = HOLDS[count.condition.op], int(count.condition.count)
    for row in sorted(found.values(), key=lambda row: (row[1], row[0])):
        unix_s, address, group = row[1], str(row[2]), tuple(map(_folded, row[3 : 3 + size]))
        if None in group:
            continue
        # Events of one instant count together: the window is looked at once the instant is over.
        for key in [key for key, (then_s, _) in waiting.items() if then_s != unix_s]:
            then_s, about = waiting.pop(key)
            if holds(windows[key].size(count.value is not None), limit):
                yield then_s, about
        window = windows.setdefault(group, _Window(count.timespan_s))
        window.add(unix_s, _folded(row[3 + size]) if count.value else None)
        waiting[group] = (unix_s, address)
    for key, (then_s, about) in waiting.items():
        if holds(windows[key].size(count.value is not None), limit):
            yield then_s, about


class _Window:
    """Events of one group over the last `span_s`, both ends included."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._events: deque[tuple[float, Any]] = deque()
        self._values: Counter[Any] = Counter()

    def add(self, unix_s: float, value: Any) -> None:
        self._events.append((unix_s, value))
        self._values[value] += 1
        while self._events[0][0] < unix_s - self._span_s:
            _, gone = self._events.popleft()
            self._values[gone] -= 1
            if not self._values[gone]:
                del self._values[gone]

    def size(self, distinct: bool) -> int:
        return len(self._values) - (None in self._values) if distinct else len(self._events)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
