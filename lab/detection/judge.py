"""A detector's rules on hidden runs: the mark, what was missed, and what was cried at for nothing."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

import msgspec

from lab.attacks.contract import Label
from lab.detection.confounders import confounders
from lab.detection.hidden import Pool
from lab.detection.play import Run
from lab.detection.rules import Alert, alerts
from lab.detection.score import GRACE_S, Score, Window, benign_spans, score, whole
from lab.detection.script import CLASSES, WARM_UP_S
from simulators.model import Line

APART_S = 1e6  # between two runs on the common axis


class Judgement(msgspec.Struct, frozen=True):
    """`classes` are the scores of the rules of one technique, on its attacks; naming it during another is a false alarm."""

    mark: float
    detection: Score
    classes: dict[str, Score]
    asset: float
    technique: float
    missed: Counter[str]
    false_alarms: Counter[str]

    @property
    def delay_s(self) -> float:
        """The median of the attacks found."""
        found = [hit for hit in self.detection.hits if hit is not None]
        return float(median(found)) if found else 0.0


def judge(rules: str, pool: Pool, line: Line, budget_per_h: float) -> Judgement:
    """Run the rules over a pool, event by event as they came.

    Raises:
        InputError: they are none, or cannot be run.
        TimeLimitError: they take too long.
    """
    runs = [_Shifted(run, APART_S * (number + 1), rules, line) for number, run in enumerate(pool.runs)]
    said = [alert for run in runs for alert in run.alerts]
    windows = [window for run in runs for window in run.windows]
    benign = [span for run in runs for span in run.benign]
    detection = score([alert.unix_s for alert in said], windows, benign, budget_per_h)
    classes = {kind: _class(kind, said, runs, budget_per_h) for kind in CLASSES}
    found = [
        (label, [a for a in said if window.start_s - 1.0 <= a.unix_s <= window.end_s + GRACE_S])
        for window, label, hit in zip(
            windows, [lb for run in runs for lb in run.labels], detection.hits, strict=True
        )
        if hit is not None
    ]
    asset = _share([any(a.asset == label.target for a in near) for label, near in found])
    technique = _share([any(names(a.technique, label.technique) for a in near) for label, near in found])
    missed = Counter(w.kind for w, hit in zip(windows, detection.hits, strict=True) if hit is None)
    false = Counter(_during(onset, runs) for onset in detection.false_onsets_s)
    return Judgement(whole(detection, asset, technique), detection, classes, asset, technique, missed, false)


def names(said: str, true: str) -> bool:
    """Whether the technique said is the true one, or the one that it is a part of."""
    return bool(said) and (true == said or true.startswith(f"{said}."))


class _Shifted:
    """A run with its dates on the common axis."""

    def __init__(self, run: Run, origin_s: float, rules: str, line: Line) -> None:
        self.origin_s, self.errands = origin_s, run.errands
        self._shift_s = origin_s - run.start_unix_s
        self.labels: list[Label] = sorted(run.labels, key=lambda label: label.start_unix_s)
        self.windows = [
            Window(
                label.start_unix_s + self._shift_s,
                label.end_unix_s + self._shift_s,
                label.attack,
                label.consequence_s,
            )
            for label in self.labels
        ]
        self._end_s = end_s = run.end_unix_s + self._shift_s
        self.benign = benign_spans(origin_s, end_s, self.windows)
        self.alerts: list[Alert] = [
            msgspec.structs.replace(alert, unix_s=alert.unix_s + self._shift_s)
            for alert in alerts(rules, run.seen, line)
            if origin_s <= alert.unix_s + self._shift_s < end_s
        ]

    def of(self, kind: str) -> tuple[list[Window], list[tuple[float, float]]]:
        """The windows of one class, and all the time outside them."""
        own = [window for window in self.windows if window.kind == kind]
        return own, benign_spans(self.origin_s, self._end_s, own)


def _class(kind: str, said: Sequence[Alert], runs: Sequence[_Shifted], budget_per_h: float) -> Score:
    own = [alert.unix_s for alert in said if names(alert.technique, CLASSES[kind])]
    parts = [run.of(kind) for run in runs]
    windows = [window for mine, _ in parts for window in mine]
    return score(own, windows, [span for _, spans in parts for span in spans], budget_per_h)


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0


def _during(onset_s: float, runs: Sequence[_Shifted]) -> str:
    """Which confounder was under way, `quiet` if none."""
    run = max((run for run in runs if run.origin_s <= onset_s), key=lambda run: run.origin_s)
    at_s = onset_s - run.origin_s + WARM_UP_S
    for errand in reversed(run.errands):
        if errand.at_s <= at_s <= errand.at_s + confounders()[errand.confounder].lasts_s:
            return errand.confounder
    return "quiet"
