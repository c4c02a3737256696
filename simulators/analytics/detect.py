"""One detector at work: a statistic, votes, and hysteresis."""

from collections import deque

from simulators.analytics.baseline import Normal
from simulators.analytics.config import Detector


class Detection:
    """A detector's memory. `raised` is what it says now, `statistic` what it goes by, in the unit of its `alarm_at`."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.statistic = 0.0
        self.raised = False
        self._over: deque[bool] = deque(maxlen=detector.of)
        self._under: deque[bool] = deque(maxlen=detector.of)

    def look(self, value: float, normal: Normal | None) -> bool:
        """One more window; `normal` is None while the baseline is being learnt: only limits work then."""
        rule = self.detector
        if rule.method == "limit":
            self.statistic = value
        elif normal is None:
            return False
        elif rule.method == "sigma":
            self.statistic = normal.score(value)
        else:
            grown = self.statistic + normal.score(value) - rule.k
            self.statistic = min(2.0 * rule.alarm_at, max(0.0, grown))
        self._vote(rule.alarm_at, rule.alarm_at if rule.clear_at is None else rule.clear_at)
        return self.raised

    def _vote(self, alarm_at: float, clear_at: float) -> None:
        self._over.append(self.statistic >= alarm_at)
        self._under.append(self.statistic < clear_at)
        if self.raised:
            self.raised = not (len(self._under) == self.detector.of and all(self._under))
        else:
            self.raised = sum(self._over) >= self.detector.votes

    def share_pct(self) -> float:
        """How far the statistic has gone to `alarm_at`, 100 there; for a limit or a threshold not above 0, 0 or 100."""
        level = self.detector.alarm_at
        if level <= 0.0:
            return 100.0 if self.statistic >= level else 0.0
        return max(0.0, 100.0 * self.statistic / level)
