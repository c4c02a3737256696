"""A trainee's monitor on machines that it has never heard: window by window, as in the lab."""

import msgspec

from lab.maintenance.life import Life
from lab.maintenance.score import Watched
from simulators.analytics.config import Watch
from simulators.analytics.monitor import Monitor

# Who is called out by an alarm has acknowledged it after so long.
ANSWER_H = 8.0
# A shaft slower than this stands; products differ by more.
STANDS_HZ = 1.0


class Replayed(msgspec.Struct, frozen=True):
    """`learnt_h` is when the baseline was complete (None: never), `regimes` the shaft speeds (Hz) that it was learnt at."""

    watched: Watched
    learnt_h: float | None
    regimes: frozenset[int]


def replay(watch: Watch, life: Life) -> Replayed:
    """The alarm of one life, and what its baseline was learnt from."""
    monitor = Monitor(watch)
    alarm: list[tuple[float, bool]] = []
    regimes: set[int] = set()
    learnt_h: float | None = None
    risen_h: float | None = None
    for t_h, seen in life.windows:
        if risen_h is not None and t_h - risen_h >= ANSWER_H:
            monitor.acknowledge()
            risen_h = None
        learning = not monitor.normal
        state = monitor.observe(3600.0 * t_h, seen)
        if learning and state.heard:
            regimes.add(round(seen.shaft_hz))
            learnt_h = t_h if monitor.normal else None
        if state.alarm and risen_h is None:
            risen_h = t_h
        alarm.append((t_h, state.alarm))
    watched = Watched(life.end_h, life.onset_h, life.failure_h, alarm)
    return Replayed(watched, learnt_h, frozenset(regimes))


def stands_for(replayed: Replayed, life: Life) -> bool:
    """Whether the baseline stands for the machine in good order: learnt in its good time, at all its speeds, never at rest."""
    runs_at = {round(seen.shaft_hz) for _, seen in life.windows if seen.shaft_hz > STANDS_HZ}
    in_time = replayed.learnt_h is not None and replayed.learnt_h <= replayed.watched.sound_h
    return in_time and replayed.regimes == runs_at
