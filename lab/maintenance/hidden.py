"""Hidden lives, computed in a process of their own: the one that asks serves pages meanwhile.

`python -m lab.maintenance.hidden SEED` writes them as JSON.
"""

import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from lab.maintenance.fleet import draw
from lab.maintenance.life import Life, live
from lab.turns import Turns
from simulators.errors import InputError, TimeLimitError
from simulators.plant import vibration

# Six seconds of a processor that gives way to labs: beside a busy class that may be minutes.
LIMIT_S = 300.0
AT_ONCE = 2
KEPT = 24
NICE = 10


class Hidden:
    """The lives of the last seeds asked for. Several threads may ask; few computations run at once."""

    def __init__(self, compute: Callable[[int], list[Life]] | None = None) -> None:
        self._compute = compute or computed
        self._kept: OrderedDict[int, list[Life]] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = Turns(AT_ONCE)

    def lives(
        self, seed: int, waiting: Callable[[int], Any] = lambda _before: None, *, patient: bool = False
    ) -> list[Life]:
        """Computed now, in turn (`lab.turns`), or kept from the last time.

        Raises:
            TimeLimitError, InputError: they could not be computed.
        """
        known = self._known(seed)
        if known is not None:
            return known
        with self._turns.turn(str(seed), waiting, patient=patient):
            known = self._known(seed)
            return self._keep(seed, self._compute(seed)) if known is None else known

    def _known(self, seed: int) -> list[Life] | None:
        with self._lock:
            return self._kept.get(seed)

    def _keep(self, seed: int, lives: list[Life]) -> list[Life]:
        with self._lock:
            self._kept[seed] = lives
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return lives


def computed(seed: int, limit_s: float = LIMIT_S) -> list[Life]:
    """The lives of a seed, from a child that ends at `limit_s`. Raises: TimeLimitError, InputError."""
    command = [sys.executable, "-m", "lab.maintenance.hidden", str(seed)]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=limit_s)
        return msgspec.json.decode(done.stdout, type=list[Life])
    except subprocess.TimeoutExpired as error:
        raise TimeLimitError(
            f"les machines cachées n'ont pas fini de vivre en {limit_s:g} s ; machine trop chargée, recommencez",
            f"the hidden machines had not lived to their end after {limit_s:g} s; the machine is overloaded, try again",
        ) from error
    except (subprocess.CalledProcessError, OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"machines cachées : calcul impossible ({error})",
            f"hidden machines: cannot be computed ({error})",
        ) from error


def main(arguments: list[str]) -> None:
    """Write the lives of the seed named on the command line."""
    os.nice(NICE)
    vibration.prepare()
    lives = [live(machine) for machine in draw(int(arguments[0]))]
    sys.stdout.buffer.write(msgspec.json.encode(lives))


if __name__ == "__main__":
    main(sys.argv[1:])
