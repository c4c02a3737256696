"""Alarms of a tag, evaluated on its value (ISA-18.2: limit, deadband, on-delay)."""

from simulators.model import Alarm
from simulators.plc.image import Value


class AlarmWatch:
    """One alarm's state. `evaluate` when the value changed, and again while `waiting` for its delay."""

    def __init__(self, alarm: Alarm) -> None:
        self.alarm = alarm
        self.active = False
        self.waiting = False
        self._since_s = 0.0

    def evaluate(self, value: Value, t_s: float) -> bool:
        """Take `value` (engineering units) at simulated `t_s`; whether `active` changed."""
        if not self._beyond(value):
            self.waiting = False
            changed, self.active = self.active, False
            return changed
        if self.active:
            return False
        if not self.waiting:
            self.waiting, self._since_s = True, t_s
        if t_s - self._since_s < self.alarm.delay_s:
            return False
        self.waiting, self.active = False, True
        return True

    def _beyond(self, value: Value) -> bool:
        """Beyond the limit, or not yet back by the deadband."""
        when, limit = self.alarm.when, self.alarm.limit or 0
        slack = self.alarm.deadband if self.active else 0
        if when == "above":
            return float(value) > limit - slack
        if when == "below":
            return float(value) < limit + slack
        return bool(value) is (when == "true")
