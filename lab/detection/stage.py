"""Where a hidden run is played: a lab, its clock, a draw; and what a benign confounder is."""

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from lab.labs import Connection, Job, Labs, Progress, stands_still
from simulators.errors import StartError, UsineError
from simulators.model import Line
from simulators.text import Text

STATIONS = range(60, 240)  # host numbers that no device has
LOOK_S = 0.5  # of the wall
JOB_LIMIT_S = 90.0
STEADY_S, CALM_S = 0.3, 2.0  # of the wall
LATE_S = 0.2  # of the wall: a lab that is so far behind is slowed down
SLOWEST = 4.0


class OverloadedError(StartError):
    """The machine did not keep the pace that is needed: simulated time has jumped, or crawls."""


class EndedError(UsineError):
    """The run is being stopped."""


class Stage:
    """One thread's view of one lab. `rng` is the thread's own draw; `now_s` is simulated time since the lab's start."""

    def __init__(
        self, line: Line, name: str, labs: Labs, lab: Connection, rng: Random, ending: threading.Event
    ):
        self.line, self.name, self.rng = line, name, rng
        self.lab = lab
        self._labs, self._ending = labs, ending
        self.speed = 1.0
        self.backlogs = 0
        self._changed_s = 0.0

    def now_s(self) -> float:
        clock = self.lab.request("clock")
        self.speed = float(clock["speed"])
        return float(clock["t_s"])

    def steady(self, fastest: float) -> float:
        """Rest a little, then keep the lab at a speed that it holds; returns simulated time. Raises: EndedError.

        A lab that falls behind dates events wrongly, and in the end gives time up (`backlogs`).
        """
        self._rest(STEADY_S)
        clock = self.lab.request("clock")
        speed, self.backlogs = float(clock["speed"]), int(clock["backlogs"])
        wanted = speed
        if clock["late_s"] > LATE_S:
            wanted = max(SLOWEST, speed / 2)
        elif clock["late_s"] < LATE_S / 4 and time.monotonic() - self._changed_s > CALM_S:
            wanted = min(fastest, speed * 1.25)
        if wanted != speed:
            self.lab.request("speed", speed=wanted)
            self._changed_s = time.monotonic()
        self.speed = wanted
        return float(clock["t_s"])

    def until(self, t_s: float, patience_s: float = math.inf) -> None:
        """Wait for that instant.

        Raises:
            EndedError: everybody's waiting ends.
            StartError: it has not come after `patience_s` of the wall.
        """
        give_up_s = time.monotonic() + patience_s
        while (left_s := t_s - self.now_s()) > 0:
            if time.monotonic() > give_up_s:
                raise stands_still()
            self._rest(left_s / self.speed)

    def wait(self, seconds: float, patience_s: float = math.inf) -> None:
        """Let simulated seconds pass. Raises: as `until`."""
        self.until(self.now_s() + seconds, patience_s)

    def end(self) -> None:
        """Have everybody's waiting end."""
        self._ending.set()

    def run(
        self, kind: Any, name: str, zone: str, progress: Progress = lambda _message: None, **arguments: Any
    ) -> Any:
        """A job in a zone of the lab. Raises: UsineError."""
        return self._labs.run(Job(self.name, kind, name, zone, arguments, JOB_LIMIT_S), progress)

    def passer_by(self) -> tuple[str, str]:
        """A zone, and an address in it that no device has: as a stranger's."""
        return somebody(self.line, self.rng, self.rng.choice([zone.id for zone in self.line.zones]))

    def _rest(self, seconds: float) -> None:
        until_s = time.monotonic() + min(seconds, LOOK_S)
        if self._ending.wait(max(until_s - time.monotonic(), 0.0)):
            raise EndedError("essai caché arrêté", "hidden run stopped")


@dataclass(frozen=True)
class Confounder:
    """Something that people or devices do, and that is no attack; `play` takes `lasts_s` of simulated time at most.

    `passes_by`: done by a machine that nobody knows, as an attack may be.
    """

    id: str
    name: Text
    play: Callable[[Stage], None]
    lasts_s: float = 120.0
    passes_by: bool = False


def somebody(line: Line, rng: Random, zone: str) -> tuple[str, str]:
    """The zone, and an address in it that no device has."""
    return zone, str(ipaddress.IPv4Network(line.zone(zone).subnet)[rng.choice(STATIONS)])
