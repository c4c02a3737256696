"""Alarms on the communication itself: a device that is silent, a value that its device says is not good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulators.devices.scada.alarms import Alarms
from simulators.devices.scada.board import Board
from simulators.devices.scada.source import Source
from simulators.model import Tag
from simulators.text import Text

HIGH, MEDIUM = 2, 3
# What sensors have to come back in after their broker did.
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Alarm:
    id: str
    tag: str
    priority: int
    text: Text
    holds: Callable[[float], bool]


class Watch:
    """One alarm per silent device, and one per bad value of a device that speaks: an outage is one alarm."""

    def __init__(self, sources: Sequence[Source], board: Board, alarms: Alarms) -> None:
        self._alarms = alarms
        self._active: set[str] = set()
        self._watched = [alarm for source in sources for alarm in _of(source, board)]

    def evaluate(self, unix_s: float, wall_s: float) -> None:
        for alarm in self._watched:
            holds = alarm.holds(wall_s)
            if holds != (alarm.id in self._active):
                (self._active.add if holds else self._active.discard)(alarm.id)
                self._alarms.report(alarm.id, alarm.tag, alarm.priority, alarm.text, holds, unix_s)


def served(source: Source) -> set[str]:
    """The devices whose values come through this source: a PLC, or a broker and its sensors."""
    return {source.link.device, *(tag.device for tag in source.tags)}


def _of(source: Source, board: Board) -> list[_Alarm]:
    link = source.link
    found = [_silent(link.device, lambda _wall_s: not link.connected)]
    for device in sorted(served(source) - {link.device}):
        tags = [tag.id for tag in source.tags if tag.device == device]
        found.append(_silent(device, _quiet(source, board, tags)))
    found.extend(_bad(source, board, tag) for tag in source.tags)
    return found


def _silent(device: str, holds: Callable[[float], bool]) -> _Alarm:
    text = Text(fr=f"{device} : communication perdue", en=f"{device}: communication lost")
    return _Alarm(f"{device}.communication", device, HIGH, text, holds)


def _quiet(source: Source, board: Board, tags: Sequence[str]) -> Callable[[float], bool]:
    """A sensor behind a broker that is there: none of its values came in time."""
    link = source.link
    return lambda wall_s: link.connected and wall_s - link.since_s > GRACE_S and board.silent(tags, wall_s)


def _bad(source: Source, board: Board, tag: Tag) -> _Alarm:
    text = Text(fr=f"{tag.name.fr} : valeur invalide", en=f"{tag.name.en}: bad value")
    name = tag.id
    return _Alarm(
        f"{name}.quality", name, MEDIUM, text, lambda _wall_s: source.link.connected and board.bad(name)
    )
