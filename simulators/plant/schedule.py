"""What the world does to a plant by itself: the `disturbances` of a line file."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from simulators.errors import InputError
from simulators.plant.equipment import WIRING
from simulators.plc.image import Value
from simulators.validation import fitted


class Disturbed(Protocol):
    """What is set by name."""

    def disturb(self, name: str, value: Value) -> None: ...

    def disturbances(self) -> list[str]: ...


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `at_s`, set the disturbance `set` to `to`."""

    at_s: float
    set: str
    to: bool | int | float


class Disturbances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The schedule; with `repeat_s` it begins again every so often."""

    schedule: list[Event] = []
    repeat_s: float = 0.0


_NEVER = 1e18


@dataclass(slots=True, eq=False, init=False)
class Schedule:
    """Runs the events in the order of their times."""

    next_s: float
    index: int
    cycle_s: float
    _events: list[Event] = field(metadata=WIRING)
    _repeat_s: float = field(metadata=WIRING)
    _target: Disturbed = field(metadata=WIRING)

    def __init__(self, disturbances: dict[str, Any], target: Disturbed) -> None:
        spec = fitted(disturbances, Disturbances, "disturbances", "disturbances")
        known = target.disturbances()
        for number, event in enumerate(spec.schedule):
            if event.set not in known:
                error = InputError(
                    f"disturbances : {event.set} inconnu ; choisissez parmi : {', '.join(known)}",
                    f"disturbances: unknown {event.set}; choose one of: {', '.join(known)}",
                )
                error.at = ("schedule", number, "set")
                raise error
        self._events = sorted(spec.schedule, key=lambda event: event.at_s)
        self._repeat_s, self._target = spec.repeat_s, target
        self.index, self.cycle_s = 0, 0.0
        self.next_s = self._due_s()

    def _due_s(self) -> float:
        if self.index < len(self._events):
            return self.cycle_s + self._events[self.index].at_s
        if self._events and self._repeat_s > 0.0:
            self.index, self.cycle_s = 0, self.cycle_s + self._repeat_s
            return self.cycle_s + self._events[0].at_s
        return _NEVER

    def run(self, t_s: float) -> None:
        """Run what is due."""
        while self.next_s <= t_s:
            event = self._events[self.index]
            self._target.disturb(event.set, event.to)
            self.index += 1
            self.next_s = self._due_s()
