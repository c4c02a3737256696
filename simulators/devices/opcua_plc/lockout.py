"""Lock-out after failed log-ins, by address and by (address, user): never a user everywhere.

Someone else's failures thus cannot lock an account out of the place where it works, and an essential account
is not locked at all (IEC 62443-3-3, 4.2 and SR 1.11).
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from simulators.devices.opcua_plc.config import Lockout

_MOST_KEPT = 1024
Key = tuple[str, str | None]


class LockoutTable:
    """Failures kept by key; the oldest are forgotten first, so that spraying names costs no memory."""

    def __init__(self, settings: Lockout | None, wall: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._wall = wall
        self._failures: OrderedDict[Key, list[float]] = OrderedDict()

    def locked(self, address: str, user: str) -> bool:
        """Whether `user` is refused at `address` for now, whatever the password."""
        return self._full((address, user)) or self._full((address, None))

    def fail(self, address: str, user: str) -> bool:
        """Count a failure; whether `user` is locked out at `address` by it."""
        if self._settings is None:
            return False
        for key in ((address, user), (address, None)):
            self._failures.setdefault(key, []).append(self._wall())
            del self._failures[key][: -self._settings.attempts]
            self._failures.move_to_end(key)
        while len(self._failures) > _MOST_KEPT:
            self._failures.popitem(last=False)
        return self.locked(address, user)

    def succeed(self, address: str, user: str) -> None:
        """Forget the user's failures there; those of the address stay until the window has passed."""
        self._failures.pop((address, user), None)

    def _full(self, key: Key) -> bool:
        failures = self._failures.get(key)
        if self._settings is None or failures is None:
            return False
        if self._wall() - failures[-1] >= self._settings.window_s:
            del self._failures[key]
            return False
        recent = [at for at in failures if self._wall() - at < self._settings.window_s]
        return len(recent) >= self._settings.attempts
