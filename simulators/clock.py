"""The line's clock: simulated time from a fixed origin, at any speed, without drift."""

import time
from collections.abc import Callable

SPEED_MIN, SPEED_MAX = 1.0, 100.0


class Clock:
    """Simulated seconds against the wall; a change of speed or a pause starts a new segment.

    `origin_unix_s` dates simulated time zero. `now_s` is where simulated time should be; the owner of the
    line steps the plant until it is there, so that a late step is caught up and never added to the next.
    """

    def __init__(self, origin_unix_s: float, speed: float = 1.0, wall: Callable[[], float] = time.monotonic):
        self.origin_unix_s = origin_unix_s
        self._wall = wall
        self._speed = speed
        self._paused = False
        self._segment_wall_s = wall()
        self._segment_s = 0.0

    @property
    def speed(self) -> float:
        """Simulated seconds a second of the wall."""
        return self._speed

    @property
    def paused(self) -> bool:
        return self._paused

    def now_s(self) -> float:
        """Simulated seconds since the origin."""
        if self._paused:
            return self._segment_s
        return self._segment_s + (self._wall() - self._segment_wall_s) * self._speed

    def wall_of(self, t_s: float) -> float:
        """The wall's reading (s) at which simulated `t_s` is due; meaningless while paused."""
        return self._segment_wall_s + (t_s - self._segment_s) / self._speed

    def unix_s(self, t_s: float) -> float:
        """The date of simulated `t_s`, in seconds since 1970."""
        return self.origin_unix_s + t_s

    def set_speed(self, speed: float) -> None:
        self._restart(self.now_s())
        self._speed = speed

    def pause(self) -> None:
        self._restart(self.now_s())
        self._paused = True

    def resume(self) -> None:
        self._restart(self.now_s())
        self._paused = False

    def jump(self, t_s: float) -> None:
        """Say that simulated time is `t_s` now: after a reset, or to give up a backlog."""
        self._restart(t_s)

    def follow(self, t_s: float, speed: float, paused: bool) -> None:
        """Be as another clock of the same line is now."""
        self._restart(t_s)
        self._speed, self._paused = speed, paused

    def _restart(self, t_s: float) -> None:
        self._segment_s = t_s
        self._segment_wall_s = self._wall()
