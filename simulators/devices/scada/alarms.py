"""Alarms after ISA-18.2 (ANSI/ISA-18.2-2016, clause 5.4): raised, acknowledged, returned to normal, shelved."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from simulators.devices.scada.config import AlarmOverride
from simulators.devices.scada.journal import Entry, Event, Journal
from simulators.document import PlaceError
from simulators.errors import NotFoundError
from simulators.model import Alarm, Tag
from simulators.plc.image import Value
from simulators.snapshot import AlarmState
from simulators.text import Text

State = Literal["normal", "unacknowledged", "acknowledged", "returned_unacknowledged"]


class Values(Protocol):
    """Where the tags' values are: SCADA's board, or the plant's truth for a grader."""

    def value(self, tag: str) -> Value | None:
        """None where it is not good."""
        ...


@dataclass(slots=True)
class _Point:
    """One alarm. `pending_unix_s` is since when its condition holds while its delay runs."""

    id: str
    tag: str
    priority: int
    text: Text
    state: State = "normal"
    since_unix_s: float = 0.0
    value: Value | None = None
    pending_unix_s: float | None = None
    shelved_until_unix_s: float = 0.0

    @property
    def active(self) -> bool:
        return self.state in {"unacknowledged", "acknowledged"}


class Alarms:
    """Process alarms of the tags, and any other that `report` is told of. Dates are of the line's clock."""

    def __init__(self, tags: Iterable[Tag], overrides: Mapping[str, AlarmOverride], journal: Journal) -> None:
        """Raises: PlaceError: an override names an alarm that the line does not have."""
        self._journal = journal
        self._points: dict[str, _Point] = {}
        self._watched: list[tuple[_Point, Alarm]] = []
        for alarm_id, tag, alarm in _named(tags):
            override = overrides.get(alarm_id, AlarmOverride())
            alarm = _changed(alarm, override)
            if override.enabled:
                point = self._points[alarm_id] = _Point(alarm_id, tag.id, alarm.priority, alarm.text)
                self._watched.append((point, alarm))
        known = [alarm_id for alarm_id, _, _ in _named(tags)]
        for name in overrides:
            if name not in known:
                raise PlaceError(
                    ("alarms", name),
                    f"cette alarme n'existe pas ; choisissez parmi : {', '.join(known)}",
                    f"there is no such alarm; choose one of: {', '.join(known)}",
                )

    def evaluate(self, values: Values, unix_s: float) -> None:
        """Judge the tags' good values; a value that is not good leaves its alarms as they are."""
        for point, alarm in self._watched:
            value = values.value(point.tag)
            if value is None or isinstance(value, str):
                continue
            if not _holds(alarm, value, point.active):
                point.pending_unix_s = None
                self._clear(point, unix_s, value)
                continue
            if point.pending_unix_s is None or point.pending_unix_s > unix_s:
                point.pending_unix_s = unix_s
            if unix_s - point.pending_unix_s >= alarm.delay_s:
                self._raise(point, unix_s, value)

    def report(self, alarm_id: str, tag: str, priority: int, text: Text, active: bool, unix_s: float) -> None:
        """Raise or clear an alarm that is not on a value: a lost communication, a bad quality."""
        point = self._points.get(alarm_id)
        if point is None:
            if not active:
                return
            point = self._points[alarm_id] = _Point(alarm_id, tag, priority, text)
        if active:
            self._raise(point, unix_s, None)
        else:
            self._clear(point, unix_s, None)

    def acknowledge(self, alarm_id: str, by: str, unix_s: float) -> int:
        """Acknowledge one alarm, or `all`; returns how many were waiting for it.

        Raises:
            NotFoundError: no such alarm.
        """
        if alarm_id != "all":
            self._point(alarm_id)
        waiting = [
            point
            for point in self._points.values()
            if alarm_id in {"all", point.id} and point.state in {"unacknowledged", "returned_unacknowledged"}
        ]
        for point in waiting:
            point.state = "acknowledged" if point.state == "unacknowledged" else "normal"
            self._write(point, "acknowledged", unix_s, by)
        return len(waiting)

    def shelve(self, alarm_id: str, until_unix_s: float, by: str, unix_s: float) -> None:
        """Keep an alarm off the list until then; a past date puts it back.

        Raises:
            NotFoundError: no such alarm.
        """
        point = self._point(alarm_id)
        point.shelved_until_unix_s = until_unix_s
        self._write(point, "shelved" if until_unix_s > unix_s else "unshelved", unix_s, by)

    def states(self, unix_s: float) -> list[AlarmState]:
        """Those active or to be acknowledged, and not shelved: the gravest first, then the newest."""
        listed = [
            AlarmState(p.id, p.tag, p.priority, p.state, p.since_unix_s, p.value, p.text)
            for p in self._points.values()
            if p.state != "normal" and p.shelved_until_unix_s <= unix_s
        ]
        return sorted(listed, key=lambda alarm: (alarm.priority, -alarm.since_unix_s, alarm.id))

    def _raise(self, point: _Point, unix_s: float, value: Value | None) -> None:
        if not point.active:
            point.state, point.since_unix_s, point.value = "unacknowledged", unix_s, value
            self._write(point, "raised", unix_s)

    def _clear(self, point: _Point, unix_s: float, value: Value | None) -> None:
        if point.active:
            point.state = "normal" if point.state == "acknowledged" else "returned_unacknowledged"
            point.value = value
            self._write(point, "returned", unix_s)

    def _point(self, alarm_id: str) -> _Point:
        point = self._points.get(alarm_id)
        if point is None:
            listed = ", ".join(p.id for p in self._points.values() if p.state != "normal") or "–"
            raise NotFoundError(
                f"alarme {alarm_id} inconnue ; présentes : {listed}",
                f"unknown alarm {alarm_id}; present: {listed}",
            )
        return point

    def _write(self, point: _Point, event: Event, unix_s: float, by: str = "") -> None:
        self._journal.add(
            Entry(unix_s, event, point.id, point.tag, point.priority, point.value, by, point.text)
        )


def _named(tags: Iterable[Tag]) -> list[tuple[str, Tag, Alarm]]:
    """Alarms by name: `Tank.Level.above`, and `Tank.Level.above2` for the second of the same kind."""
    named = []
    for tag in tags:
        counts: Counter[str] = Counter()
        for alarm in tag.alarms:
            counts[alarm.when] += 1
            number = counts[alarm.when] if counts[alarm.when] > 1 else ""
            named.append((f"{tag.id}.{alarm.when}{number}", tag, alarm))
    return named


def _changed(alarm: Alarm, override: AlarmOverride) -> Alarm:
    changes = {
        name: value
        for name in ("limit", "deadband", "delay_s", "priority")
        if (value := getattr(override, name)) is not None
    }
    return msgspec.structs.replace(alarm, **changes)


def _holds(alarm: Alarm, value: bool | float, active: bool) -> bool:
    """Whether the condition holds; once active, until the value is back by more than the deadband."""
    if alarm.when == "true":
        return bool(value)
    if alarm.when == "false":
        return not value
    if alarm.limit is None:
        return False
    margin = alarm.deadband if active else 0
    return value > alarm.limit - margin if alarm.when == "above" else value < alarm.limit + margin
