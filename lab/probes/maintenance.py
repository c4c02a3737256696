"""A bearing alarm: on hidden machines whose truth is known, and in the trainee's own lab."""

import time
from collections.abc import Callable
from random import Random
from typing import Annotated, Any

import msgspec

from lab.labs import Connection
from lab.maintenance.hidden import Hidden
from lab.maintenance.life import Life
from lab.maintenance.replay import replay
from lab.maintenance.score import Rules, Score, Watched, lead_h, rises, score
from lab.probes.contract import Exchange, Finding, Inside, Probe
from lab.probes.process import snapshot
from simulators.devices import condition_monitor
from simulators.devices.condition_monitor import Config
from simulators.errors import TimeLimitError
from simulators.snapshot import Snapshot
from simulators.text import Text

MODES = ("bearing_outer", "bearing_inner")
LOOK_S = 0.1
# A window reaches the broker, and SCADA, a little after its end.
ARRIVAL_S = 1.5
# A machine that stands now and then takes longer to learn than its windows alone.
LEARNING = 4.0
# A lab that does not keep up with its speed is no fault of the trainee's: so many times slower, and so long, is given up.
SLOWNESS, PATIENCE_S = 5.0, 30.0

_hidden = Hidden()


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of `device`, replayed on the hidden machines of this check. Costs in thousands of euros."""

    device: str = "monitor"
    time_to_act_h: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 24.0
    lead_cap_h: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 72.0
    failure_cost: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    planned_cost: Annotated[float, msgspec.Meta(gt=0)] = 2.0
    inspection_cost: Annotated[float, msgspec.Meta(gt=0)] = 0.5


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of `assets` is damaged after `quiet_windows` in which none may alarm; its alarm must come within `windows`."""

    assets: Annotated[list[str], msgspec.Meta(min_length=1)]
    device: str = "monitor"
    quiet_windows: Annotated[int, msgspec.Meta(ge=1, le=500)] = 30
    windows: Annotated[int, msgspec.Meta(ge=1, le=500)] = 30
    window_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    learn_windows_max: Annotated[int, msgspec.Meta(ge=5, le=500)] = 200
    severity: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.3
    speed: Annotated[float, msgspec.Meta(ge=1, le=100)] = 40.0


def run(inside: Inside, args: Run) -> Finding:
    """Figures of `lab.maintenance.score`; zeros where nothing is watched."""
    config = _configuration(inside.lab, args.device)
    if not config.assets or not config.detectors:
        return Finding("no_monitor", _NO_MONITOR, dict.fromkeys(FIGURES, 0.0))
    inside.doing(
        Text(fr="huit machines vivent leur vie, en accéléré", en="eight machines live their lives, sped up")
    )
    lives = _hidden.lives(inside.seed)
    rules = Rules(
        time_to_act_h=args.time_to_act_h,
        lead_cap_h=args.lead_cap_h,
        failure_cost=args.failure_cost,
        planned_cost=args.planned_cost,
        inspection_cost=args.inspection_cost,
    )
    replayed = [replay(config.watch, life) for life in lives]
    watched = [machine for machine, _ in replayed]
    found = score(watched, rules)
    exchanges = [_life(life, machine, rules) for life, machine in zip(lives, watched, strict=True)]
    return Finding("graded", _said(found), _figures(found, config, replayed), exchanges)


def _figures(found: Score, config: Config, replayed: list[tuple[Watched, int]]) -> dict[str, float]:
    figures = {name: round(float(value), 3) for name, value in msgspec.structs.asdict(found).items()}
    # Learnt, in order, from the machine's good time.
    learnt = [
        windows >= config.baseline.windows and windows <= machine.sound_h for machine, windows in replayed
    ]
    return {**figures, "baseline_ok": float(all(learnt))}


def _said(found: Score) -> Text:
    return Text(
        fr=f"Sur huit machines cachées, {found.detected_pct:.0f} % des pannes annoncées à temps, avance médiane "
        f"{found.lead_h:.0f} h ; {found.false_alarms} fausse(s) alarme(s) ; coût {found.cost:.1f} k€ "
        f"(sans surveillance {found.naive_cost:.1f}, parfait {found.oracle_cost:.1f}).",
        en=f"On eight hidden machines, {found.detected_pct:.0f}% of the failures announced in time, median lead "
        f"{found.lead_h:.0f} h; {found.false_alarms} false alarm(s); cost {found.cost:.1f} k€ "
        f"(without a monitor {found.naive_cost:.1f}, perfect {found.oracle_cost:.1f}).",
    )


def _life(life: Life, machine: Watched, rules: Rules) -> Exchange:
    """One machine's truth and its alarm; told after the fact, for the next check draws others."""
    came = rises(machine.alarm)
    said = f"{len(came)} alarm(s)" + (f", first at {came[0]:.0f} h" if came else "")
    if life.failure_h is None or life.onset_h is None:
        return Exchange(f"{life.name}: sound, {life.end_h:.0f} h", said)
    lead = lead_h(machine, rules)
    early = f"; lead {lead:.0f} h" if lead is not None else "; failure not announced"
    return Exchange(
        f"{life.name}: {life.fault} from {life.onset_h:.0f} h, seized at {life.failure_h:.0f} h", said + early
    )


def live(inside: Inside, args: Live) -> Finding:
    """Damage a bearing in the lab itself: the monitor must be quiet before, and its alarm reach SCADA after."""
    rng = Random(inside.seed)  # noqa: S311 -- a draw of the check, no secret
    asset, mode = rng.choice(args.assets), rng.choice(MODES)
    config = _configuration(inside.lab, args.device)
    missing = [each for each in args.assets if each not in config.assets]
    if missing or not config.detectors:
        return Finding("no_monitor", _unwatched(missing), _LIVE_NOTHING)
    if config.baseline.windows > args.learn_windows_max:
        return Finding("not_learnt", _too_long(args), _LIVE_NOTHING)
    former = snapshot(inside.lab)
    trial = _Trial(inside, args, asset, _alarm_tags(former, inside, args), config.baseline.windows)
    inside.lab.request("speed", speed=max(args.speed, former.speed))
    try:
        return trial.run(mode)
    finally:
        inside.lab.request("fault", asset=asset, mode=mode, severity=0.0)
        inside.lab.request("speed", speed=former.speed)
        # What it has just heard is no experience to keep.
        inside.lab.request("restart", device=args.device)


class _Trial:
    """The steps of `live`, with the lab at speed."""

    def __init__(self, inside: Inside, args: Live, asset: str, tags: dict[str, str], windows: int) -> None:
        self._inside = inside
        self._lab = inside.lab
        self._args = args
        self._asset = asset
        self._tags = tags
        self._windows = windows
        self._exchanges: list[Exchange] = []

    def run(self, mode: str) -> Finding:
        args = self._args
        self._inside.doing(Text(fr="l'état normal s'apprend", en="the normal state is being learnt"))
        if not self._until(self._learnt, LEARNING * self._windows * args.window_s):
            return self._finding("not_learnt", _NOT_LEARNT)
        self._inside.doing(
            Text(fr="machines saines : silence attendu", en="sound machines: silence expected")
        )
        alarmed = self._until(self._any_alarm, args.quiet_windows * args.window_s)
        if alarmed:
            return self._finding("not_quiet", _not_quiet(str(alarmed)))
        self._inside.doing(Text(fr="un roulement s'abîme", en="a bearing gets damaged"))
        self._lab.request("fault", asset=self._asset, mode=mode, severity=args.severity)
        begun_s = snapshot(self._lab).t_s
        if not self._until(self._shown, args.windows * args.window_s + ARRIVAL_S * args.speed):
            return self._finding("missed", _missed(self._asset))
        after_s = snapshot(self._lab).t_s - begun_s
        self._exchanges.append(Exchange(f"{mode} of {self._asset}", f"alarm at SCADA after {after_s:.0f} s"))
        return self._finding("alarmed", _alarmed(self._asset, after_s), round(after_s / args.window_s, 1))

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

    def _any_alarm(self) -> str:
        """The first machine whose alarm is on, for the monitor or for SCADA."""
        shown = snapshot(self._lab).tags
        for asset in self._args.assets:
            alarm = self._state(asset)["alarm"]
            if (alarm and alarm[-1][1]) or shown[self._tags[asset]].shown is True:
                return asset
        return ""

    def _shown(self) -> bool:
        """What the monitor says has come through the broker to SCADA."""
        alarm = self._state(self._asset)["alarm"]
        said = bool(alarm and alarm[-1][1])
        return said and snapshot(self._lab).tags[self._tags[self._asset]].shown is True

    def _state(self, asset: str) -> dict[str, Any]:
        state: dict[str, Any] = self._lab.request("monitor", device=self._args.device, asset=asset)
        return state

    def _finding(self, outcome: str, said: Text, windows: float = 0.0) -> Finding:
        figures = {"alarmed": float(outcome == "alarmed"), "after_windows": windows}
        return Finding(outcome, said, figures, self._exchanges)


def _configuration(lab: Connection, device: str) -> Config:
    text = str(lab.request("config", device=device)["text"])
    return condition_monitor.parse(text, device)


def _alarm_tags(seen: Snapshot, inside: Inside, args: Live) -> dict[str, str]:
    """Machine → the tag of its alarm."""
    tags = {
        tag.address.split("/")[-2]: tag.id for tag in inside.line.tags_of(args.device) if tag.type == "BOOL"
    }
    return {asset: tags[asset] for asset in args.assets if tags[asset] in seen.tags}


def _unwatched(missing: list[str]) -> Text:
    names = ", ".join(missing)
    if not names:
        return _NO_MONITOR
    return Text(fr=f"La surveillance n'écoute pas {names}.", en=f"The monitor does not listen to {names}.")


def _too_long(args: Live) -> Text:
    most = args.learn_windows_max
    return Text(
        fr=f"L'état normal demande trop de fenêtres : {most} au plus, sinon une machine s'use avant d'être surveillée.",
        en=f"The baseline asks for too many windows: {most} at most, or a machine wears before it is watched.",
    )


def _not_quiet(asset: str) -> Text:
    return Text(
        fr=f"Alarme sur {asset}, qui est en bon état.", en=f"Alarm on {asset}, which is in good order."
    )


def _missed(asset: str) -> Text:
    return Text(
        fr=f"{asset} s'abîme, et aucune alarme n'est arrivée à la supervision.",
        en=f"{asset} gets damaged, and no alarm reached SCADA.",
    )


def _alarmed(asset: str, after_s: float) -> Text:
    return Text(
        fr=f"Silence sur les machines saines, puis l'alarme de {asset} {after_s:.0f} s après le défaut.",
        en=f"Silence on the sound machines, then the alarm of {asset} {after_s:.0f} s after the fault.",
    )


_NO_MONITOR = Text(fr="Aucune machine n'est surveillée.", en="No machine is watched.")
_NOT_LEARNT = Text(
    fr="L'état normal n'a pas pu être appris : le moniteur n'entend pas assez de fenêtres.",
    en="The baseline could not be learnt: the monitor does not hear enough windows.",
)
_LIVE_NOTHING = {"alarmed": 0.0, "after_windows": 0.0}
FIGURES = (
    "detected_pct", "late_pct", "lead_h", "false_alarms", "false_alarms_per_day", "chatter", "cost", "naive_cost",
    "oracle_cost", "cost_score", "baseline_ok",
)  # fmt: skip

PROBES = (
    Probe("maintenance.run", Run, ("graded", "no_monitor"), run, "inside", (), FIGURES, 120.0),
    Probe(
        "maintenance.live",
        Live,
        ("alarmed", "missed", "not_quiet", "not_learnt", "no_monitor"),
        live,
        "inside",
        (),
        ("alarmed", "after_windows"),
        240.0,
    ),
)
