"""An operator who watches the alarms of a line, on its twin."""

from simulators.model import Alarm
from simulators.plc.image import Value
from simulators.twin import Twin


class Watch:
    """Looks once a simulated second; `raised` are the texts of the alarms that came, in order."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.raised: list[str] = []
        self._since_s: dict[int, float] = {}
        self._alarms = [(tag.id, alarm) for tag in twin.line.tags for alarm in tag.alarms]

    def run(self, seconds: float) -> "Watch":
        """Let the line run, watching."""
        steps_a_look = round(1.0 / self.twin.line.step_s)
        for _ in range(round(seconds)):
            for _ in range(steps_a_look):
                self.twin.step()
            self._look()
        return self

    def until(self, tag: str, value: Value, limit_s: float) -> float:
        """Run until `tag` reads `value`; returns the seconds it took, fails after `limit_s`."""
        for second in range(round(limit_s)):
            if self.twin.reading(tag) == value:
                return float(second)
            self.run(1.0)
        raise AssertionError(f"{tag} is {self.twin.reading(tag)} after {limit_s} s, not {value}")

    def _look(self) -> None:
        t_s = self.twin.plant.t_s
        for tag, alarm in self._alarms:
            if not _active(alarm, self.twin.reading(tag)):
                self._since_s.pop(id(alarm), None)
                continue
            since_s = self._since_s.setdefault(id(alarm), t_s)
            if t_s - since_s >= alarm.delay_s:
                self._since_s[id(alarm)] = float("inf")
                self.raised.append(alarm.text.en)


def _active(alarm: Alarm, value: Value) -> bool:
    if alarm.when in ("true", "false"):
        return bool(value) == (alarm.when == "true")
    limit = float(alarm.limit or 0.0)
    return float(value) > limit if alarm.when == "above" else float(value) < limit
