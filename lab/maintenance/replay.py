"""A trainee's monitor on machines that it has never heard: window by window, as in the lab."""

from lab.maintenance.life import Life
from lab.maintenance.score import Watched
from simulators.analytics.config import Watch
from simulators.analytics.monitor import Monitor

# Who is called out by an alarm has acknowledged it after so long.
ANSWER_H = 8.0


def replay(watch: Watch, life: Life) -> tuple[Watched, int]:
    """The alarm of one life, and how many windows its baseline was learnt from."""
    monitor = Monitor(watch)
    alarm: list[tuple[float, bool]] = []
    risen_h: float | None = None
    for t_h, seen in life.windows:
        if risen_h is not None and t_h - risen_h >= ANSWER_H:
            monitor.acknowledge()
            risen_h = None
        on = monitor.observe(3600.0 * t_h, seen).alarm
        if on and risen_h is None:
            risen_h = t_h
        alarm.append((t_h, on))
    return Watched(life.end_h, life.onset_h, life.failure_h, alarm), monitor.learnt_windows
