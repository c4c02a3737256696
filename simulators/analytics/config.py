"""How an alarm is made: what is learnt, what is looked at, and when it is said. What is left out watches nothing."""

from typing import Annotated, Literal

import msgspec

from simulators.analytics.features import FeatureName
from simulators.devices._schema import described
from simulators.validation import UnfitError

DETECTORS_MAX, WINDOWS_MAX = 8, 500


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first windows of a running machine, taken as good order."""

    windows: Annotated[
        int,
        described("Fenêtres à apprendre", "Windows to learn", ge=5, le=WINDOWS_MAX),
    ] = 60
    robust: Annotated[
        bool,
        described(
            "Médiane et écart absolu médian plutôt que moyenne et écart type",
            "Median and median absolute deviation rather than mean and standard deviation",
        ),
    ] = True


class Detector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One figure watched.

    `limit`: the figure itself. `sigma`: how many standard deviations above the baseline. `cusum`: the one-sided sum
    S ← max(0, S + z − k) of those (Page 1954), held at twice `alarm_at`. From
    `alarm_at` a window speaks for an alarm, under `clear_at` (the same if absent) against it; raised when `votes` of the last `of` windows speak for it, withdrawn when the
    last `of` all speak against it.
    """

    feature: Annotated[FeatureName, described("Grandeur surveillée", "Figure watched")]
    method: Annotated[
        Literal["limit", "sigma", "cusum"],
        described(
            "limit : la grandeur ; sigma : son écart au normal, en écarts types ; cusum : la somme de ces écarts",
            "limit: the figure; sigma: how far from normal, in standard deviations; cusum: the sum of those",
        ),
    ]
    alarm_at: Annotated[float, described("Niveau qui alarme", "Level that alarms", ge=-1000, le=1000)]
    clear_at: Annotated[
        float | None,
        described(
            "Niveau sous lequel l'alarme retombe ; celui qui alarme si absent",
            "Level under which the alarm ends; the one that alarms if absent",
        ),
    ] = None
    k: Annotated[
        float,
        described(
            "cusum : écarts types tolérés à chaque fenêtre",
            "cusum: standard deviations allowed at each window",
            ge=0,
            le=10,
        ),
    ] = 0.5
    votes: Annotated[
        int,
        described("Fenêtres qui doivent alarmer…", "Windows that must alarm…", ge=1, le=50),
    ] = 1
    of: Annotated[
        int,
        described("… parmi les … dernières", "… among the last …", ge=1, le=50),
    ] = 1

    def __post_init__(self) -> None:
        if self.clear_at is not None and self.clear_at > self.alarm_at:
            raise UnfitError(
                (
                    "`clear_at` dépasse `alarm_at` : une alarme finirait dès qu'elle commence",
                    "`clear_at` is above `alarm_at`: an alarm would end as it begins",
                ),
                (f"écrivez {self.alarm_at:g} ou moins", f"write {self.alarm_at:g} or less"),
                field="clear_at",
            )
        if self.votes > self.of:
            raise UnfitError(
                ("plus de `votes` que de fenêtres dans `of`", "more `votes` than windows in `of`"),
                (
                    f"écrivez {self.of} ou moins, ou agrandissez `of`",
                    f"write {self.of} or less, or make `of` larger",
                ),
                field="votes",
            )
        if self.method == "cusum" and self.alarm_at <= 0:
            raise UnfitError(
                ("un cusum demande `alarm_at` au-dessus de 0", "a cusum needs `alarm_at` above 0"),
                ("écrivez par exemple 5", "write for example 5"),
                field="alarm_at",
            )


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """All that a monitor of one machine does. Windows of a shaft slower than `least_rpm` are left out."""

    least_rpm: float = 0.0
    baseline: Baseline = Baseline()
    detectors: tuple[Detector, ...] = ()
    latch: bool = False
