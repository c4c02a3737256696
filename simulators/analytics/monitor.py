"""A monitor of one machine: window by window, from what was heard so far only."""

import msgspec

from simulators.analytics.baseline import Normal, learn
from simulators.analytics.bearing import BEARING_6205, Bearing
from simulators.analytics.config import Watch
from simulators.analytics.detect import Detection
from simulators.analytics.features import FEATURES, FeatureName, Features, features

INDEX_MAX_PCT = 999.0


class State(msgspec.Struct, frozen=True):
    """What the monitor says after a window. `index_pct` is the nearest detector's way to its level (100: there).

    `heard` is false where the window was left out, for the shaft turned too slowly: the rest is then as before.
    """

    unix_s: float
    features: Features
    learnt: bool
    index_pct: float
    alarm: bool
    heard: bool = True


class Monitor:
    """Learns its baseline from the first windows, then detects. Same windows, same states."""

    def __init__(self, watch: Watch, bearing: Bearing = BEARING_6205) -> None:
        self.watch = watch
        self.normal: dict[FeatureName, Normal] = {}
        self.state = State(0.0, Features(), False, 0.0, False, heard=False)
        self._bearing = bearing
        self._learning: list[Features] = []
        self._detections = [Detection(detector) for detector in watch.detectors]
        self._latched = False

    @property
    def learnt_windows(self) -> int:
        """How many windows the baseline is made of so far."""
        return self.watch.baseline.windows if self.normal else len(self._learning)

    def window(
        self, unix_s: float, samples: bytes, shaft_hz: float, rate_hz: int = 12_800, g_per_unit: float = 16.0 / 32768.0
    ) -> State:  # fmt: skip
        """Take in a window of acceleration (little-endian int16) that ended at `unix_s`."""
        return self.observe(unix_s, features(samples, shaft_hz, rate_hz, g_per_unit, self._bearing))

    def observe(self, unix_s: float, seen: Features) -> State:
        """Take in a window by its features."""
        if seen.shaft_hz * 60.0 < self.watch.least_rpm or (self.watch.least_rpm > 0 and seen.shaft_hz <= 0.0):
            self.state = msgspec.structs.replace(self.state, unix_s=unix_s, features=seen, heard=False)
            return self.state
        for detection in self._detections:
            name = detection.detector.feature
            detection.look(seen.of(name), self.normal.get(name))
        self._learn(seen)
        raised = any(detection.raised for detection in self._detections)
        self._latched = self.watch.latch and (self._latched or raised)
        index_pct = max((detection.share_pct() for detection in self._detections), default=0.0)
        self.state = State(
            unix_s, seen, bool(self.normal), min(INDEX_MAX_PCT, index_pct), raised or self._latched
        )
        return self.state

    def acknowledge(self) -> None:
        """Somebody went and looked: a latched alarm ends, unless it still holds."""
        self._latched = False
        still = any(detection.raised for detection in self._detections)
        self.state = msgspec.structs.replace(self.state, alarm=still)

    def _learn(self, seen: Features) -> None:
        if self.normal:
            return
        self._learning.append(seen)
        if len(self._learning) >= self.watch.baseline.windows:
            self.normal = {
                name: learn([each.of(name) for each in self._learning], self.watch.baseline.robust)
                for name in FEATURES
            }
            self._learning.clear()
