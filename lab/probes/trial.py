"""A bearing alarm put to the trial in a lab: silence on sound machines, then the alarm of each one that is damaged."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from lab.probes.contract import Exchange, Finding, Inside
from lab.probes.process import snapshot
from simulators.errors import TimeLimitError
from simulators.text import Text

Mode = Literal["bearing_outer", "bearing_inner"]
MODES: tuple[Mode, ...] = ("bearing_outer", "bearing_inner")
# At the same damage an inner race rings half as loud (`simulators.plant.vibration`); amplitudes grow as damage to the 1.5.
AS_LOUD = {"bearing_outer": 1.0, "bearing_inner": (1.6 / 0.75) ** (2.0 / 3.0)}
SEVERITY_MAX = 0.95
LOOK_S = 0.1
# A window reaches the broker, and SCADA, a little after its end.
ARRIVAL_S = 1.5
# A machine that stands now and then takes longer to learn than its windows alone.
LEARNING = 4.0
# A lab that does not keep up with its speed is no fault of the trainee's: so many times slower, and so long, is given up.
SLOWNESS, PATIENCE_S = 5.0, 30.0
NOTHING = {"alarmed": 0.0, "after_windows": 0.0}


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each of `assets` is damaged in turn, after `quiet_windows` in which none may alarm; its alarm must come within `windows`.

    `severity` is that of an outer race; an inner one is damaged until it rings as loud.
    """

    assets: Annotated[list[str], msgspec.Meta(min_length=1)]
    device: str = "monitor"
    quiet_windows: Annotated[int, msgspec.Meta(ge=1, le=500)] = 30
    windows: Annotated[int, msgspec.Meta(ge=1, le=500)] = 30
    window_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    learn_windows_max: Annotated[int, msgspec.Meta(ge=5, le=500)] = 200
    severity: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.3
    speed: Annotated[float, msgspec.Meta(ge=1, le=100)] = 40.0


class Damage(NamedTuple):
    """What is done to a machine; `severity` as of an outer race."""

    asset: str
    mode: Mode
    severity: float

    @property
    def set(self) -> float:
        """The severity that is set."""
        return float(min(SEVERITY_MAX, self.severity * AS_LOUD[self.mode]))


class Trial:
    """`tags` are those of the machines' alarms, `windows` what the baseline is learnt from."""

    def __init__(self, inside: Inside, args: Live, tags: dict[str, str], windows: int) -> None:
        self._inside = inside
        self._lab = inside.lab
        self._args = args
        self._tags = tags
        self._windows = windows
        self._exchanges: list[Exchange] = []

    def run(self, damages: Sequence[Damage]) -> Finding:
        """With the lab at speed; the damages stay. Raises: TimeLimitError: the lab's time passes too slowly."""
        args = self._args
        self._inside.doing(Text(fr="l'état normal s'apprend", en="the normal state is being learnt"))
        if not self._until(self._learnt, LEARNING * self._windows * args.window_s):
            return self._finding("not_learnt", _NOT_LEARNT)
        self._inside.doing(
            Text(fr="machines saines : silence attendu", en="sound machines: silence expected")
        )
        sound = [damage.asset for damage in damages]
        if alarmed := self._until(lambda: self._alarming(sound), args.quiet_windows * args.window_s):
            return self._finding("not_quiet", _not_quiet(alarmed))
        latest_s = 0.0
        for damage in damages:
            sound.remove(damage.asset)
            self._inside.doing(Text(fr="un roulement s'abîme", en="a bearing gets damaged"))
            after_s = self._damaged(damage, sound)
            if isinstance(after_s, Finding):
                return after_s
            latest_s = max(latest_s, after_s)
        return self._finding("alarmed", _alarmed(latest_s), round(latest_s / args.window_s, 1))

    def _damaged(self, damage: Damage, sound: Sequence[str]) -> float | Finding:
        """How long the alarm took (simulated seconds), or what went wrong."""
        args = self._args
        self._lab.request("fault", asset=damage.asset, mode=damage.mode, severity=damage.set)
        begun_s = snapshot(self._lab).t_s
        within_s = args.windows * args.window_s + ARRIVAL_S * args.speed
        alarmed = self._until(lambda: self._alarming(sound) or self._shown(damage.asset), within_s)
        if not alarmed:
            return self._finding("missed", _missed(damage.asset))
        if alarmed != damage.asset:
            return self._finding("not_quiet", _not_quiet(alarmed))
        after_s = snapshot(self._lab).t_s - begun_s
        said = f"alarm at SCADA after {after_s:.0f} s"
        self._exchanges.append(Exchange(f"{damage.mode} of {damage.asset}", said))
        return after_s

    def _until(self, seen: Callable[[], Any], within_s: float) -> Any:
        """The first true answer of `seen` within simulated `within_s`, else None. Raises: TimeLimitError: too slow."""
        until_s = snapshot(self._lab).t_s + within_s
        give_up_s = time.monotonic() + SLOWNESS * within_s / self._args.speed + PATIENCE_S
        while time.monotonic() < give_up_s:
            if found := seen():
                return found
            if snapshot(self._lab).t_s >= until_s:
                return None
            time.sleep(LOOK_S)
        raise TimeLimitError(
            "le temps du labo passe trop lentement ; machine trop chargée, recommencez",
            "the lab's time passes too slowly; the machine is overloaded, try again",
        )

    def _learnt(self) -> bool:
        return all(self._state(asset)["learnt"] for asset in self._args.assets)

    def _alarming(self, assets: Sequence[str]) -> str:
        """The first of these machines whose alarm is on, for the monitor or for SCADA."""
        shown = snapshot(self._lab).tags
        for asset in assets:
            if self._said(asset) or shown[self._tags[asset]].shown is True:
                return asset
        return ""

    def _shown(self, asset: str) -> str:
        """The machine, once what the monitor says of it has come through the broker to SCADA."""
        shown = self._said(asset) and snapshot(self._lab).tags[self._tags[asset]].shown is True
        return asset if shown else ""

    def _said(self, asset: str) -> bool:
        alarm = self._state(asset)["alarm"]
        return bool(alarm and alarm[-1][1])

    def _state(self, asset: str) -> dict[str, Any]:
        state: dict[str, Any] = self._lab.request("monitor", device=self._args.device, asset=asset)
        return state

    def _finding(self, outcome: str, said: Text, windows: float = 0.0) -> Finding:
        figures = {"alarmed": float(outcome == "alarmed"), "after_windows": windows}
        return Finding(outcome, said, figures, self._exchanges)


def _not_quiet(asset: str) -> Text:
    return Text(
        fr=f"Alarme sur {asset}, qui est en bon état.", en=f"Alarm on {asset}, which is in good order."
    )


def _missed(asset: str) -> Text:
    return Text(
        fr=f"{asset} s'abîme, et aucune alarme n'est arrivée à la supervision.",
        en=f"{asset} gets damaged, and no alarm reached SCADA.",
    )


def _alarmed(after_s: float) -> Text:
    return Text(
        fr=f"Silence sur les machines saines, puis l'alarme de chacune {after_s:.0f} s au plus après son défaut.",
        en=f"Silence on the sound machines, then the alarm of each within {after_s:.0f} s of its fault.",
    )


_NOT_LEARNT = Text(
    fr="L'état normal n'a pas pu être appris : le moniteur n'entend pas assez de fenêtres.",
    en="The baseline could not be learnt: the monitor does not hear enough windows.",
)
