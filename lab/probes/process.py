"""The plant's own truth, out of band: production over a window, a tag, a fault, the key figures."""

import threading
import time
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from lab.labs import Connection
from lab.probes.contract import Exchange, Finding, Inside, Probe
from lab.probes.reference import References
from simulators.errors import InputError, StartError
from simulators.plant.kpis import PU_MIN
from simulators.snapshot import Snapshot
from simulators.text import Text

CRITICAL = 2  # priorities 1 and 2
LOOK_S = 0.5
PATIENCE_S = 40.0
# Fewer bottles than this are no measure of a throughput.
BOTTLES_LEAST = 5

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


class Watch:
    """What a series of snapshots says beside the counters."""

    def __init__(self, first: Snapshot) -> None:
        self.first = self.last = first
        self._known = {alarm.id for alarm in first.alarms}
        self.alarms: set[str] = set()
        self._good_pct: list[float] = []
        self._pu: list[float] = []
        self.see(first)

    def see(self, seen: Snapshot) -> None:
        self.last = seen
        new = {a.id for a in seen.alarms if a.priority <= CRITICAL and self._is_new(a.id, a.since_unix_s)}
        self.alarms |= new
        if seen.tags:
            good = sum(tag.quality == "good" for tag in seen.tags.values())
            self._good_pct.append(100.0 * good / len(seen.tags))
        if seen.kpis["bottles_total"]:
            self._pu.append(seen.kpis["pasteurisation_units"])

    def _is_new(self, alarm: str, since_unix_s: float) -> bool:
        return alarm not in self._known or since_unix_s > self.first.unix_s

    def made(self, kpi: str) -> float:
        return self.last.kpis[kpi] - self.first.kpis[kpi]

    def figures(self) -> dict[str, float]:
        return {
            "good": self.made("bottles_good"),
            "escaped": self.made("escaped"),
            "critical_alarms": float(len(self.alarms)),
            "scada_good_pct": round(sum(self._good_pct) / max(len(self._good_pct), 1), 2),
            "pasteurisation_ok": float(all(pu >= PU_MIN for pu in self._pu)),
            "window_s": round(self.last.t_s - self.first.t_s, 1),
        }


def window(inside: Inside, args: Window) -> Finding:
    """`throughput_pct` is against the very bottles that the same line, plant and seed make undisturbed meanwhile."""
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
    first, last = watch.first, watch.last
    undisturbed = _references.good(inside.line, last.seed, first.t_s, last.t_s)
    figures = watch.figures()
    if undisturbed < BOTTLES_LEAST:
        return Finding("idle", _idle(figures), figures)
    figures["throughput_pct"] = round(100.0 * watch.made("bottles_good") / undisturbed, 1)
    said = Text(
        fr=f"{figures['good']:.0f} bouteilles bonnes en {figures['window_s']:.0f} s, "
        f"{figures['throughput_pct']:.0f} % de la cadence attendue ; {len(watch.alarms)} alarme(s) critique(s)",
        en=f"{figures['good']:.0f} good bottles in {figures['window_s']:.0f} s, "
        f"{figures['throughput_pct']:.0f}% of the expected rate; {len(watch.alarms)} critical alarm(s)",
    )
    request = f"plant from {first.t_s:.0f} s to {last.t_s:.0f} s"
    answer = f"{figures['good']:.0f} good of {undisturbed} undisturbed; alarms: {', '.join(sorted(watch.alarms)) or '–'}"
    return Finding("produced", said, figures, [Exchange(request, answer)])


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
    watch = Watch(snapshot(inside.lab))
    end_s = watch.first.t_s + window_s
    inside.doing(Text(fr=f"la production, {window_s:.0f} s", en=f"production, {window_s:.0f} s"))
    give_up_s = wall() + 2 * window_s / watch.first.speed + PATIENCE_S
    while watch.last.t_s < end_s:
        if wall() > give_up_s or watch.last.paused:
            raise StartError(
                "le temps du labo ne passe pas ; est-il en pause ? voyez « lab resume »",
                "the lab's time does not pass; is it paused? see 'lab resume'",
            )
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
        ("throughput_pct", "good", "escaped", "critical_alarms", "scada_good_pct", "pasteurisation_ok", "window_s"),
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
