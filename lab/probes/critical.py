"""The line's own critical alarms over true values: its limits, delays and priorities, whatever SCADA is set to."""

from collections.abc import Mapping

from simulators.devices.scada.alarms import Alarms
from simulators.devices.scada.journal import Journal
from simulators.model import Line
from simulators.plc.image import Value

PRIORITY = 2  # and above: 1 critical, 2 high


class CriticalAlarms:
    """Told the truth look after look; a delay counts from the first look at which its condition held."""

    def __init__(self, line: Line) -> None:
        self._alarms = Alarms(line.tags, {}, Journal())
        self._truth = _Truth()

    def see(self, truth: Mapping[str, Value | None], t_s: float) -> None:
        """What is true of each tag at `t_s`; a tag of which nothing is known leaves its alarms as they are."""
        self._truth.of = truth
        self._alarms.evaluate(self._truth, t_s)

    def raised(self, t_s: float) -> frozenset[str]:
        """Those that were raised at all."""
        # Nobody acknowledges here: what was raised stays listed, over or not.
        return frozenset(alarm.id for alarm in self._alarms.states(t_s) if alarm.priority <= PRIORITY)


class _Truth:
    """Keeps `simulators.devices.scada.alarms.Values`."""

    of: Mapping[str, Value | None] = {}

    def value(self, tag: str) -> Value | None:
        return self.of.get(tag)
