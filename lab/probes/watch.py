"""What a series of snapshots says of a line: its bottles, the operators' view of it, its critical alarms."""

import math
from collections import Counter, defaultdict

from lab.probes.critical import CriticalAlarms
from simulators.devices import scada
from simulators.devices.scada.sources import stale_after_s
from simulators.model import Line
from simulators.plant.kpis import PU_MIN
from simulators.snapshot import Snapshot

# What a value may take from its device to the display at any speed of the line (of the wall).
ON_THE_WAY_S = 0.5


class Watch:
    """`alarms` are those of the plant, and `looks` when it was looked at (simulated seconds)."""

    def __init__(self, line: Line, first: Snapshot) -> None:
        self.first = self.last = first
        self.looks: list[float] = []
        self._critical = CriticalAlarms(line)
        self._due_s = due_s(line)
        self._not_good: Counter[str] = Counter()
        self._seen = 0
        self._age_s: defaultdict[str, float] = defaultdict(float)
        self._allowed_s: defaultdict[str, float] = defaultdict(float)
        self._pu: list[float] = []
        self.see(first)

    def see(self, seen: Snapshot) -> None:
        """One more look, not before the last one."""
        self.last = seen
        self.looks.append(seen.t_s)
        self._critical.see({name: tag.truth for name, tag in seen.tags.items()}, seen.t_s)
        self._seen += len(seen.tags)
        self._not_good.update(name for name, tag in seen.tags.items() if tag.quality != "good")
        for name, tag in seen.tags.items():
            self._age_s[name] += max(0.0, seen.unix_s - tag.unix_s)
            self._allowed_s[name] += self._due_s[name] + ON_THE_WAY_S * seen.speed
        if seen.kpis["bottles_total"]:
            self._pu.append(seen.kpis["pasteurisation_units"])

    @property
    def alarms(self) -> frozenset[str]:
        """Critical ones that were raised so far."""
        return self._critical.raised(self.last.t_s)

    def made(self, kpi: str) -> float:
        return self.last.kpis[kpi] - self.first.kpis[kpi]

    def stale(self) -> list[str]:
        """The tags that are shown, on average, older than the line's own periods explain."""
        return [name for name, age_s in self._age_s.items() if age_s > self._allowed_s[name]]

    def not_good(self) -> list[str]:
        """The tags that were not shown as good at every look, the worst first."""
        return [name for name, _looks in self._not_good.most_common()]

    def figures(self) -> dict[str, float]:
        """All but what needs the undisturbed line."""
        tags = len(self._age_s)
        return {
            "good": self.made("bottles_good"),
            "escaped": self.made("escaped"),
            "scada_good_pct": _share_pct(self._seen - self._not_good.total(), self._seen),
            "scada_fresh_pct": _share_pct(tags - len(self.stale()), tags),
            "pasteurisation_ok": float(all(pu >= PU_MIN for pu in self._pu)),
            "window_s": round(self.last.t_s - self.first.t_s, 1),
        }


def due_s(line: Line) -> dict[str, float]:
    """Tag → how old a display may show it with the line's default SCADA: some of its device's periods."""
    specs = line.devices_of(scada.KIND)
    text = line.text_of(specs[0].config) if specs and specs[0].config else ""
    return stale_after_s(line, scada.parse(text, f"{line.id}: {scada.KIND}"))


def _share_pct(part: int, whole: int) -> float:
    """Rounded down: 100 is all of them."""
    return math.floor(1e4 * part / whole) / 100.0 if whole else 0.0
