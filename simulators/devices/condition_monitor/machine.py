"""One machine under watch: its monitor, what it lately said, and how that travels."""

from collections import deque
from typing import Any

import msgspec

from simulators.analytics.config import Watch
from simulators.analytics.features import FEATURES, FeatureName
from simulators.analytics.monitor import Monitor, State
from simulators.devices.mqtt_sensor.window import Window

HISTORY = 360
# Windows of a hostile sender: what takes longer than this to transform is not a window of this line.
SAMPLES_MAX, RATE_MIN_HZ, RATE_MAX_HZ = 1 << 16, 1_000, 200_000
_BACK_S = 30.0


class Report(msgspec.Struct, frozen=True):
    """What is published of a window, in JSON. `version` names the rules that it was judged by."""

    unix_s: float
    asset: str
    shaft_rpm: float
    features: dict[FeatureName, float]
    learnt: bool
    index_pct: float
    alarm: bool
    version: str


class Machine:
    """`asset` is heard on `topic`."""

    def __init__(self, asset: str, topic: str, watch: Watch, version: str) -> None:
        self.asset = asset
        self.topic = topic
        self._watch = watch
        self._version = version
        self.forget()

    def forget(self) -> None:
        """Learn anew."""
        self.monitor = Monitor(self._watch)
        self._history: deque[State] = deque(maxlen=HISTORY)
        self.refused = 0

    def hear(self, window: Window) -> State | None:
        """Take in a window; None if it is one to leave out: too long, or not later than the last."""
        unix_s = window.unix_ms / 1000.0
        too_much = len(window.samples) > 2 * SAMPLES_MAX or not RATE_MIN_HZ <= window.rate_hz <= RATE_MAX_HZ
        last_s = self.monitor.state.unix_s
        if last_s - unix_s > _BACK_S:
            # The line's time went back: it was reset.
            self.forget()
        elif too_much or unix_s <= last_s:
            self.refused += 1
            return None
        state = self.monitor.window(
            unix_s, window.samples, window.shaft_hz, window.rate_hz, window.g_per_unit
        )
        self._history.append(state)
        return state

    def acknowledge(self) -> None:
        self.monitor.acknowledge()
        self._history.append(self.monitor.state)

    def report(self) -> Report:
        """The last window."""
        state = self.monitor.state
        return Report(
            unix_s=state.unix_s,
            asset=self.asset,
            shaft_rpm=round(state.features.shaft_hz * 60.0, 1),
            features={name: round(state.features.of(name), 4) for name in FEATURES},
            learnt=state.learnt,
            index_pct=round(state.index_pct, 1),
            alarm=state.alarm,
            version=self._version,
        )

    def history(self) -> dict[str, Any]:
        """What a panel draws: `features`, `index` and `alarm` as [unix_s, value] rows, and the `baseline`."""
        monitor, kept = self.monitor, list(self._history)
        heard = [state for state in kept if state.heard]
        normal = {
            name: {"mean": each.mean, "sigma": each.sigma, "windows": each.windows}
            for name, each in monitor.normal.items()
        }
        return {
            "features": {
                name: [[state.unix_s, state.features.of(name)] for state in heard] for name in FEATURES
            },
            "index": [[state.unix_s, state.index_pct] for state in kept],
            "alarm": [[state.unix_s, state.alarm] for state in kept],
            "baseline": normal,
            "learnt": bool(normal),
            "learnt_windows": monitor.learnt_windows,
            "wanted_windows": self._watch.baseline.windows,
        }
