"""What a line does undisturbed: the same plant and seed, with its own programs, stepped as a lab steps it.

A plant is the same run bit for bit, so a lab that nobody disturbs makes exactly these bottles, at any speed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from simulators.errors import InputError
from simulators.model import Line
from simulators.twin.offline import Twin

# Some thousand simulated seconds take one; a line that has run for longer is reset first.
SECONDS_MAX = 48 * 3600.0
KEPT = 16


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
        """Do beforehand what `good` from that moment on would do first."""
        if t_s <= SECONDS_MAX:
            self.good(line, seed, t_s, t_s)

    def good(self, line: Line, seed: int, from_s: float, to_s: float) -> int:
        """Good bottles that the undisturbed line makes between two moments.

        Raises:
            InputError: too far from the line's start.
        """
        if to_s > SECONDS_MAX:
            raise InputError(
                f"la ligne tourne depuis {to_s / 3600:.0f} h ; au-delà de {SECONDS_MAX / 3600:.0f} h, remettez-la à zéro",
                f"the line has run for {to_s / 3600:.0f} h; beyond {SECONDS_MAX / 3600:.0f} h, reset it",
            )
        reference = self._take(line, seed, from_s)
        before = reference.good(from_s)
        made = reference.good(to_s) - before
        self._keep((line.folder, line.id, seed), reference)
        return made

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
