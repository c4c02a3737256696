"""The score of a detector: what its alerts' onsets earn on labelled time, net of chance and of false alarms.

Point-adjusted F1 cannot grade: a blind pulse scores 0.95 on public data. Here a pulse, a random detector and an
alarm that is always on earn nothing; early, sparse and right alerts earn all.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MERGE_S = 60.0  # alerts nearer than this are one
GRACE_S = 30.0  # after an attack, still a hit
SHARE = 0.02  # of benign time that may be in alarm
BUDGETS = {"awareness": 2.0, "technician": 2.0, "engineer": 1.0, "specialist": 0.5}
DETECTION, ASSET, TECHNIQUE = 0.80, 0.15, 0.05
CHANCE_STEPS = 400


class Window(msgspec.Struct, frozen=True):
    """One attack: when, of which class, and D, the time to its consequence."""

    start_s: float
    end_s: float
    kind: str = ""
    consequence_s: float = 300.0


class Score(msgspec.Struct, frozen=True):
    """`value` is out of 100. `hits` are the delays (s) of the attacks found, None of those missed."""

    value: float
    utility: float
    chance: float
    false_alarms_per_h: float
    alarm_share: float
    hits: list[float | None]
    false_onsets_s: list[float]

    @property
    def recall(self) -> float:
        """The share of attacks found."""
        return sum(hit is not None for hit in self.hits) / len(self.hits) if self.hits else 0.0


def utility(delay_s: Any, consequence_s: float) -> Floats:
    """1 up to a quarter of D, then down to a half at D, a quarter beyond."""
    delay = np.asarray(delay_s, dtype=np.float64)
    falling = 1.0 - 0.5 * (delay / consequence_s - 0.25) / 0.75
    return np.where(delay <= consequence_s / 4, 1.0, np.where(delay <= consequence_s, falling, 0.25))


def onsets(alerts_s: Sequence[float] | Floats, lasting_s: float = 1.0, merge_s: float = MERGE_S) -> Floats:
    """Where alarms begin: alerts, each of which lasts `lasting_s`, that come less than `merge_s` after one are part of it."""
    at = np.sort(np.asarray(alerts_s, dtype=np.float64))
    if not at.size:
        return at
    return at[np.r_[True, np.diff(at) - lasting_s > merge_s - 1e-9]]


def score(
    alerts_s: Sequence[float] | Floats,
    windows: Sequence[Window],
    benign: Sequence[tuple[float, float]],
    budget_per_h: float = BUDGETS["technician"],
) -> Score:
    """Alerts (dates, s) against the attacks; `benign` are the spans of time that count for false alarms.

    Alerts are rounded down to whole seconds, each of which is in alarm. What falls neither in an attack's
    window nor in benign time is left out.
    """
    seconds = np.unique(np.floor(np.asarray(alerts_s, dtype=np.float64)))
    begun = onsets(seconds)
    hits = [_delay(begun, window) for window in windows]
    earned = [
        0.0 if d is None else float(utility(d, w.consequence_s)) for d, w in zip(hits, windows, strict=True)
    ]
    quiet_s = sum(end - start for start, end in benign)
    false = [float(s) for s in begun if _among(s, benign) and not _hit(s, windows)]
    alarm_s = sum(int(np.count_nonzero((seconds >= start) & (seconds < end))) for start, end in benign)
    per_h = len(false) / quiet_s * 3600.0 if quiet_s else 0.0
    share = alarm_s / quiet_s if quiet_s else 0.0
    value, chance = _by_class(earned, windows), _chance(per_h / 3600.0, windows)
    net = max(0.0, (value - chance) / (1.0 - chance)) if chance < 1.0 else 0.0
    kept = min(1.0, budget_per_h / per_h if per_h else 1.0) * min(1.0, SHARE / share if share else 1.0)
    return Score(100.0 * net * kept, value, chance, per_h, share, hits, false)


def whole(detection: Score, asset: float, technique: float) -> float:
    """The mark out of 100: detection, and of it the parts for naming the right asset and technique (shares, 0 to 1)."""
    return detection.value * (DETECTION + ASSET * asset + TECHNIQUE * technique)


def benign_spans(start_s: float, end_s: float, windows: Sequence[Window]) -> list[tuple[float, float]]:
    """What is left of a run outside its attacks."""
    spans, at = [], start_s
    for window in sorted(windows, key=lambda w: w.start_s):
        if window.start_s > at:
            spans.append((at, window.start_s))
        at = max(at, window.end_s)
    return [*spans, (at, end_s)] if end_s > at else spans


def _delay(begun: Floats, window: Window) -> float | None:
    # A second that holds the attack's first frame began before it.
    found = begun[(begun >= np.floor(window.start_s)) & (begun <= window.end_s + GRACE_S)]
    return max(0.0, float(found[0]) - window.start_s) if found.size else None


def _hit(onset_s: float, windows: Sequence[Window]) -> bool:
    return any(np.floor(w.start_s) <= onset_s <= w.end_s + GRACE_S for w in windows)


def _among(instant_s: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(start <= instant_s < end for start, end in spans)


def _by_class(earned: Sequence[float], windows: Sequence[Window]) -> float:
    """The mean of the classes' means."""
    kinds = sorted({window.kind for window in windows})
    means = [np.mean([e for e, w in zip(earned, windows, strict=True) if w.kind == kind]) for kind in kinds]
    return float(np.mean(means)) if means else 0.0


def _chance(rate_per_s: float, windows: Sequence[Window]) -> float:
    """What alerts at the benign rate would earn: the mean over windows of ∫ λ e^(−λt) u(t) dt."""
    found = []
    for window in windows:
        t = np.linspace(0.0, window.end_s - window.start_s + GRACE_S, CHANCE_STEPS)
        density = rate_per_s * np.exp(-rate_per_s * t)
        found.append(float(np.trapezoid(density * utility(t, window.consequence_s), t)))
    return float(np.mean(found)) if found else 0.0
