"""A bearing alarm: on hidden machines whose truth is known, and in the trainee's own lab."""

from random import Random
from typing import Annotated

import msgspec

from lab.labs import Connection
from lab.maintenance.hidden import Hidden
from lab.maintenance.life import Life
from lab.maintenance.replay import Replayed, replay, stands_for
from lab.maintenance.score import Rules, Score, Watched, lead_h, rises, score
from lab.probes.contract import Ahead, Exchange, Finding, Inside, Probe
from lab.probes.process import snapshot
from lab.probes.trial import MODES, NOTHING, Damage, Live, Trial
from simulators.devices import condition_monitor
from simulators.devices.condition_monitor import Config
from simulators.snapshot import Snapshot
from simulators.text import Text

_hidden = Hidden()


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of `device`, replayed on the hidden machines of this check. Costs in thousands of euros."""

    device: str = "monitor"
    time_to_act_h: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 24.0
    lead_cap_h: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 168.0
    failure_cost: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    planned_cost: Annotated[float, msgspec.Meta(gt=0)] = 2.0
    inspection_cost: Annotated[float, msgspec.Meta(gt=0)] = 0.5


def run(inside: Inside, args: Run) -> Finding:
    """Figures of `lab.maintenance.score`; zeros where nothing is watched."""
    config = _configuration(inside.lab, args.device)
    if not config.assets or not config.detectors:
        return Finding("no_monitor", _NO_MONITOR, dict.fromkeys(FIGURES, 0.0))
    inside.doing(
        Text(fr="huit machines vivent leur vie, en accéléré", en="eight machines live their lives, sped up")
    )
    lives = _hidden.lives(inside.seed, lambda before: inside.doing(_queued(before)))
    rules = Rules(
        time_to_act_h=args.time_to_act_h,
        lead_cap_h=args.lead_cap_h,
        failure_cost=args.failure_cost,
        planned_cost=args.planned_cost,
        inspection_cost=args.inspection_cost,
    )
    replayed = [replay(config.watch, life) for life in lives]
    watched = [each.watched for each in replayed]
    found = score(watched, rules)
    exchanges = [_life(life, machine, rules) for life, machine in zip(lives, watched, strict=True)]
    figures = _figures(found, replayed, lives)
    return Finding("graded", _said(found, bool(figures["baseline_ok"])), figures, exchanges)


def ahead(wanted: Ahead) -> None:
    """Have the machines of a seed live. Raises: UsineError."""
    _hidden.lives(wanted.seed, patient=wanted.patient)


def _queued(before: int) -> Text:
    return Text(
        fr=f"machines cachées : dans la file d'attente, {before} avant vous",
        en=f"hidden machines: in the queue, {before} before you",
    )


def _figures(found: Score, replayed: list[Replayed], lives: list[Life]) -> dict[str, float]:
    figures = {name: round(float(value), 3) for name, value in msgspec.structs.asdict(found).items()}
    learnt = [stands_for(each, life) for each, life in zip(replayed, lives, strict=True)]
    return {**figures, "baseline_ok": float(all(learnt))}


def _said(found: Score, baseline_ok: bool) -> Text:
    fr, en = ("", "") if baseline_ok else _NOT_FOR_IT
    return Text(
        fr=f"Sur huit machines cachées, {found.detected_pct:.0f} % des pannes annoncées à temps, avance médiane "
        f"{found.lead_h:.0f} h ; {found.false_alarms} fausse(s) alarme(s) ; coût {found.cost:.1f} k€ "
        f"(sans surveillance {found.naive_cost:.1f}, parfait {found.oracle_cost:.1f}).{fr}",
        en=f"On eight hidden machines, {found.detected_pct:.0f}% of the failures announced in time, median lead "
        f"{found.lead_h:.0f} h; {found.false_alarms} false alarm(s); cost {found.cost:.1f} k€ "
        f"(without a monitor {found.naive_cost:.1f}, perfect {found.oracle_cost:.1f}).{en}",
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
    """Damage each machine's bearing in the lab itself: the monitor must be quiet before, and each alarm reach SCADA after."""
    rng = Random(inside.seed)  # noqa: S311 -- a draw of the check, no secret
    damages = [
        Damage(asset, rng.choice(MODES), args.severity) for asset in rng.sample(args.assets, len(args.assets))
    ]
    config = _configuration(inside.lab, args.device)
    missing = [each for each in args.assets if each not in config.assets]
    if missing or not config.detectors:
        return Finding("no_monitor", _unwatched(missing), NOTHING)
    if config.baseline.windows > args.learn_windows_max:
        return Finding("not_learnt", _too_long(args), NOTHING)
    former = snapshot(inside.lab)
    trial = Trial(inside, args, _alarm_tags(former, inside, args), config.baseline.windows)
    inside.lab.request("speed", speed=max(args.speed, former.speed))
    try:
        return trial.run(damages)
    finally:
        for damage in damages:
            inside.lab.request("fault", asset=damage.asset, mode=damage.mode, severity=0.0)
        inside.lab.request("speed", speed=former.speed)
        # What it has just heard is no experience to keep.
        inside.lab.request("restart", device=args.device)


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


_NOT_FOR_IT = (
    " L'état normal appris ne vaut pas pour toutes : incomplet, pris sur l'usure, à l'arrêt, ou sans tous les produits.",
    " The baseline learnt does not stand for them all: incomplete, taken from wear, at rest, or without all products.",
)
_NO_MONITOR = Text(fr="Aucune machine n'est surveillée.", en="No machine is watched.")
FIGURES = (
    "detected_pct", "late_pct", "lead_h", "false_alarms", "false_alarms_per_day", "chatter", "cost", "naive_cost",
    "oracle_cost", "cost_score", "baseline_ok",
)  # fmt: skip

PROBES = (
    Probe("maintenance.run", Run, ("graded", "no_monitor"), run, "inside", (), FIGURES, 330.0, ahead),
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
