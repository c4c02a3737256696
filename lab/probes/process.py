"""The plant's own truth, out of band: production over a window, a tag, a fault, the key figures."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from lab.labs import Connection, stands_still
from lab.probes.contract import Exchange, Finding, Inside, Probe
from lab.probes.reference import References
from lab.probes.watch import Watch
from simulators.errors import InputError
from simulators.snapshot import Snapshot
from simulators.text import Text

LOOK_S = 0.5
PATIENCE_S = 40.0
# Fewer bottles than this are no measure of a throughput.
BOTTLES_LEAST = 5
SHOWN = 6

_references = References()


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`window_s` of the lab's own time; `speed`, if given, is the lab's speed meanwhile."""

    window_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    speed: Annotated[float, msgspec.Meta(ge=1, le=100)] | None = None


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag's value: the plant's own, or what SCADA was shown."""

    tag: str
    of: Literal["truth", "shown"] = "truth"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault of an asset; any of them without `mode`."""

    asset: str
    mode: str | None = None


class Kpi(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key figures, since the line's start or over its last hour (`simulators.plant.kpis`)."""


def window(inside: Inside, args: Window) -> Finding:
    """Production and view over a window, beside what the same line, plant and seed do undisturbed meanwhile.

    `critical_alarms` are the plant's, by the line's own definitions, without those that the undisturbed line would have too.
    `scada_good_pct` is the share of values shown as good, `scada_fresh_pct` that of the tags shown no older than the line's
    own SCADA would.
    """
    seen = snapshot(inside.lab)
    # The reference catches up while the window is waited for.
    ahead = threading.Thread(
        target=_references.catch_up, args=(inside.line, seen.seed, seen.t_s), daemon=True
    )
    ahead.start()
    if args.speed is not None:
        inside.lab.request("speed", speed=args.speed)
    try:
        watch = _watched(inside, args.window_s)
    finally:
        if args.speed is not None:
            inside.lab.request("speed", speed=seen.speed)
    ahead.join()
    undisturbed = _references.undisturbed(inside.line, watch.last.seed, watch.looks)
    alarms = sorted(watch.alarms - undisturbed.alarms)
    figures = {**watch.figures(), "critical_alarms": float(len(alarms))}
    if undisturbed.good < BOTTLES_LEAST:
        return Finding("idle", _idle(figures), figures)
    figures["throughput_pct"] = round(100.0 * watch.made("bottles_good") / undisturbed.good, 1)
    plant = Exchange(
        f"plant from {watch.first.t_s:.0f} s to {watch.last.t_s:.0f} s",
        f"{figures['good']:.0f} good of {undisturbed.good} undisturbed; alarms: {', '.join(alarms) or '–'}",
    )
    view = Exchange(
        "shown by SCADA",
        f"{figures['scada_good_pct']:g} % of the values good; not good: {_listed(watch.not_good())}; "
        f"out of date: {_listed(watch.stale())}",
    )
    return Finding("produced", _produced(figures), figures, [plant, view])


def _produced(figures: Mapping[str, float]) -> Text:
    good, seconds, share = figures["good"], figures["window_s"], figures["throughput_pct"]
    alarms, shown, fresh = (
        figures[name] for name in ("critical_alarms", "scada_good_pct", "scada_fresh_pct")
    )
    return Text(
        fr=f"{good:.0f} bouteilles bonnes en {seconds:.0f} s, {share:.0f} % de la cadence attendue ; "
        f"{alarms:.0f} alarme(s) critique(s) ; en supervision, {shown:g} % des valeurs bonnes, {fresh:g} % à jour",
        en=f"{good:.0f} good bottles in {seconds:.0f} s, {share:.0f}% of the expected rate; "
        f"{alarms:.0f} critical alarm(s); at SCADA, {shown:g}% of the values good, {fresh:g}% up to date",
    )


def _listed(names: Sequence[str]) -> str:
    more = " …" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "–") + more


def tag(inside: Inside, args: Tag) -> Finding:
    inside.line.tag(args.tag)
    found = snapshot(inside.lab).tags[args.tag]
    value = found.truth if args.of == "truth" else found.shown
    if value is None or isinstance(value, str):
        return Finding("no_value", _NO_VALUE, {}, [Exchange(f"{args.tag} {args.of}", str(value))])
    said = Text(fr=f"{args.tag} vaut {value:g}", en=f"{args.tag} is {value:g}")
    figures = {"value": float(value), "good": float(found.quality == "good")}
    return Finding("read", said, figures, [Exchange(f"{args.tag} {args.of}", f"{value:g} {found.quality}")])


def fault(inside: Inside, args: Fault) -> Finding:
    inside.line.asset(args.asset)
    state = next(asset for asset in snapshot(inside.lab).assets if asset.id == args.asset)
    found = {mode: s for mode, s in state.faults.items() if args.mode in {None, mode}}
    worst = max(found.values(), default=0.0)
    exchange = Exchange(f"faults of {args.asset}", ", ".join(f"{m}={s:.2f}" for m, s in found.items()) or "–")
    if not worst:
        return Finding("absent", Text(fr="aucun défaut", en="no fault"), {"severity": 0.0}, [exchange])
    said = Text(fr=f"{args.asset} : {exchange.answer}", en=f"{args.asset}: {exchange.answer}")
    return Finding("present", said, {"severity": worst}, [exchange])


def kpi(inside: Inside, _args: Kpi) -> Finding:
    seen = snapshot(inside.lab)
    said = Text(
        fr=f"{seen.kpis['bottles_good']:.0f} bouteilles bonnes depuis le départ",
        en=f"{seen.kpis['bottles_good']:.0f} good bottles since the start",
    )
    return Finding("read", said, dict(seen.kpis), [Exchange("kpis", f"t = {seen.t_s:.0f} s")])


def snapshot(lab: Connection) -> Snapshot:
    """What the lab says of itself now."""
    return msgspec.convert(lab.request("snapshot"), Snapshot)


def _watched(inside: Inside, window_s: float, wall: Callable[[], float] = time.monotonic) -> Watch:
    """Raises: StartError: the lab's time does not pass."""
    watch = Watch(inside.line, snapshot(inside.lab))
    end_s = watch.first.t_s + window_s
    inside.doing(Text(fr=f"la production, {window_s:.0f} s", en=f"production, {window_s:.0f} s"))
    give_up_s = wall() + 2 * window_s / watch.first.speed + PATIENCE_S
    while watch.last.t_s < end_s:
        if wall() > give_up_s or watch.last.paused:
            raise stands_still()
        left_s = (end_s - watch.last.t_s) / watch.last.speed
        time.sleep(min(max(left_s, 0.02), LOOK_S))
        seen = snapshot(inside.lab)
        if seen.t_s < watch.last.t_s:
            raise InputError(
                "le labo a été remis en arrière pendant l'observation ; recommencez",
                "the lab was set back during the observation; begin again",
            )
        watch.see(seen)
    return watch


def _idle(figures: dict[str, float]) -> Text:
    """Of a window too short, or a line too cold, to say anything of the throughput."""
    good, alarms, span_s = figures["scada_good_pct"], figures["critical_alarms"], figures["window_s"]
    return Text(
        fr=f"En {span_s:.0f} s, {good:.0f} % de valeurs bonnes à la supervision et {alarms:.0f} alarme(s) critique(s) ; "
        "trop peu de bouteilles attendues pour juger la cadence",
        en=f"In {span_s:.0f} s, {good:.0f}% good values at SCADA and {alarms:.0f} critical alarm(s); too few bottles "
        "expected to judge the throughput",
    )


_NO_VALUE = Text(fr="pas de valeur", en="no value")

PROBES = (
    Probe(
        "process.window", Window, ("produced", "idle"), window, "inside", (),
        ("throughput_pct", "good", "escaped", "critical_alarms", "scada_good_pct", "scada_fresh_pct", "pasteurisation_ok",
         "window_s"),
        4000.0,
    ),
    Probe("process.tag", Tag, ("read", "no_value"), tag, "inside", (), ("value", "good")),
    Probe("process.fault", Fault, ("present", "absent"), fault, "inside", (), ("severity",)),
    Probe(
        "process.kpi", Kpi, ("read",), kpi, "inside", (),
        ("oee", "availability", "performance", "quality", "bottles_per_min", "fill_deviation_ml", "rejects", "escaped",
         "bottles_good", "bottles_total", "pasteurisation_units", "kwh_per_1000_bottles"),
    ),
)  # fmt: skip
