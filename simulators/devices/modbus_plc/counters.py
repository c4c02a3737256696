"""The counters of function 8, and the listen-only state: one per device, for all its connections."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """In the order of the sub-functions 11 to 18 (specification, 6.8.1); they wrap at 16 bits on the wire."""

    bus_messages: int = 0
    bus_errors: int = 0
    exceptions: int = 0
    messages: int = 0
    no_responses: int = 0
    naks: int = 0
    busy: int = 0
    overruns: int = 0

    def of(self, sub: int) -> int:
        """The counter that sub-function `sub` (11 to 18) returns."""
        names = [field.name for field in fields(self)]
        return int(getattr(self, names[sub - 11])) & 0xFFFF

    def clear(self) -> None:
        for field in fields(self):
            setattr(self, field.name, 0)
