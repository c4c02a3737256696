"""What a line does undisturbed: the same plant and seed, with its own programs, stepped as a lab steps it.

A plant is the same run bit for bit, so a lab that nobody disturbs makes exactly these bottles, at any speed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lab.probes.critical import CriticalAlarms
from simulators.errors import InputError
from simulators.model import Line
from simulators.plc.image import Value
from simulators.twin.offline import Twin

# Some thousand simulated seconds take one; a line that has run for longer is reset first.
SECONDS_MAX = 48 * 3600.0
KEPT = 16


class Undisturbed(NamedTuple):
    """Good bottles between the first look and the last one, and the critical alarms that the looks would have seen."""

    good: int
    alarms: frozenset[str]


class Reference:
    """One line from its start, forward only."""

    def __init__(self, line: Line, seed: int) -> None:
        self._twin = Twin(line, seed)
        self._step_s = line.step_s
        self._done = 0
        # As `simulators.host.host` does before anything is served.
        self._twin.plant.step()
        self._scan(0.0)

    @property
    def t_s(self) -> float:
        return self._done * self._step_s

    def good(self, t_s: float) -> int:
        """Good bottles since the start, at simulated `t_s`; not before the last one asked for."""
        while self._done < round(t_s / self._step_s):
            self._done += 1
            self._twin.plant.step()
            self._scan(self.t_s)
        return self._twin.plant.site.production.good

    def truth(self) -> dict[str, Value]:
        """Each tag's true value now, as a lab's snapshot has it."""
        row = self._twin.row()
        pairs = zip(self._twin.line.tags, row.truths, row.readings, strict=True)
        return {tag.id: reading if truth is None else truth for tag, truth, reading in pairs}

    def _scan(self, t_s: float) -> None:
        for plc in self._twin.plcs.values():
            plc.scan(t_s)


class References:
    """The last lines that were asked for: the next window of a lab goes on from where the last one ended."""

    def __init__(self, make: Callable[[Line, int], Reference] = Reference) -> None:
        self._make = make
        self._kept: OrderedDict[tuple[str, str, int], Reference] = OrderedDict()
        self._lock = threading.Lock()

    def catch_up(self, line: Line, seed: int, t_s: float) -> None:
        """Do beforehand what `undisturbed` from that moment on would do first."""
        if t_s <= SECONDS_MAX:
            self.undisturbed(line, seed, [t_s])

    def undisturbed(self, line: Line, seed: int, looks: Sequence[float]) -> Undisturbed:
        """What the line does by itself, looked at in these moments (simulated seconds, in order).

        Raises:
            InputError: too far from the line's start.
        """
        if looks[-1] > SECONDS_MAX:
            hours, most = looks[-1] / 3600, SECONDS_MAX / 3600
            raise InputError(
                f"la ligne tourne depuis {hours:.0f} h ; au-delà de {most:.0f} h, remettez-la à zéro",
                f"the line has run for {hours:.0f} h; beyond {most:.0f} h, reset it",
            )
        reference = self._take(line, seed, looks[0])
        critical = CriticalAlarms(line)
        before = reference.good(looks[0])
        for t_s in looks:
            made = reference.good(t_s)
            critical.see(reference.truth(), t_s)
        self._keep((line.folder, line.id, seed), reference)
        return Undisturbed(made - before, critical.raised(looks[-1]))

    def _take(self, line: Line, seed: int, from_s: float) -> Reference:
        # Taken out while it is used: two threads never step the same one.
        with self._lock:
            kept = self._kept.pop((line.folder, line.id, seed), None)
        return kept if kept is not None and kept.t_s <= from_s + line.step_s / 2 else self._make(line, seed)

    def _keep(self, key: tuple[str, str, int], reference: Reference) -> None:
        with self._lock:
            self._kept[key] = reference
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
