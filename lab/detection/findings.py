"""What the probes of detection find: rules on hidden runs, and on an attack in the trainee's own lab."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from lab.catalog import find_line
from lab.detection.figures import FIGURES, NOTHING, SHORT
from lab.detection.hidden import Pool, pool
from lab.detection.judge import Judgement, judge
from lab.detection.live import Attacked, attacked
from lab.detection.rules import Alert, alerts, check_rules
from lab.detection.score import GRACE_S
from lab.detection.script import CLASSES
from lab.probes.contract import Ahead, Exchange, Finding, Inside
from simulators.addressing import Addressing
from simulators.errors import InputError, TimeLimitError
from simulators.model import Line
from simulators.text import Text

NAMES = {
    "port_scan": Text(fr="balayage", en="scan"),
    "identify": Text(fr="identification", en="identification"),
    "rogue_master": Text(fr="maître inconnu", en="rogue master"),
    "set_points": Text(fr="consignes de l'opérateur", en="operator's set points"),
    "maintenance": Text(fr="fenêtre de maintenance", en="maintenance window"),
    "change_over": Text(fr="changement de produit", en="product change-over"),
    "sensor_fault": Text(fr="défaut d'un capteur", en="sensor fault"),
    "reconnect_storm": Text(fr="tempête de reconnexions", en="reconnect storm"),
    "availability": Text(fr="supervision du réseau", en="network supervision"),
    "auditor": Text(fr="relevé d'un auditeur", en="an auditor's readings"),
    "inventory": Text(fr="inventaire des équipements", en="equipment inventory"),
    "lost_client": Text(fr="client égaré", en="a client gone astray"),
    "quiet": Text(fr="marche normale", en="normal running"),
}
NO_RULES = Text(
    fr="Aucune règle n'est enregistrée : écrivez-en dans l'éditeur de règles.",
    en="No rule is saved: write some in the rule editor.",
)
NOISE_SHARE = 0.05  # of the time before the attack that may be in alarm
LOOK_BACK_S = 60.0
DATED_S = 1.0  # what the dates of an event and of the attack's beginning may differ by
CRIED_MAX, TITLE_MAX = 12, 80


def hidden(inside: Inside, budget_per_h: float) -> Finding:
    """The rules on hidden runs of a fresh seed."""
    if not inside.rules.strip():
        return Finding("no_rules", NO_RULES, NOTHING)
    try:
        check_rules(inside.rules)
        line = find_line(inside.line.id)
        played = pool(line, inside.labs, inside.seed, inside.doing, runtime=_runtime(inside.runtime))
        inside.doing(Text(fr="vos règles sur les essais cachés", en="your rules on the hidden runs"))
        judgement = _judged(inside.rules, inside.seed, budget_per_h, _Held(played, line))
    except (InputError, TimeLimitError) as error:
        return Finding("refused", error.text, NOTHING)
    return Finding("graded", _said(judgement), _figures(judgement, played), _exchanges(judgement))


def live(inside: Inside, attacks: Sequence[str], within_s: float) -> Finding:
    """The rules on an attack in the trainee's own lab, on the minute before it, and on a harmless visit meanwhile."""
    if not inside.rules.strip():
        return Finding("no_rules", NO_RULES, {"delay_s": 0.0, "alarm_share_pct": 0.0})
    happened = attacked(inside, attacks, LOOK_BACK_S)
    try:
        rules = Addressing.between(find_line(inside.line.id), inside.line).text(inside.rules)
        said = alerts(rules, happened.events, inside.line)
    except (InputError, TimeLimitError) as error:
        return Finding("refused", error.text, {"delay_s": 0.0, "alarm_share_pct": 0.0})
    found = _seen(happened, [alert.unix_s for alert in said], within_s)
    return msgspec.structs.replace(found, exchanges=_cried(said, happened.label.start_unix_s))


def _cried(said: Sequence[Alert], start_unix_s: float) -> list[Exchange]:
    """Which rules said something, about whom, and when: each one's first alerts before the attack and from it on."""
    first: dict[tuple[bool, str, str], float] = {}
    for alert in said:
        key = alert.unix_s >= start_unix_s - DATED_S, alert.rule, alert.asset
        first.setdefault(key, alert.unix_s - start_unix_s)
    return [
        Exchange(f"{rule[:TITLE_MAX]}: {asset}", f"{seconds:+.0f} s")
        for (_during, rule, asset), seconds in sorted(first.items(), key=lambda item: item[1])[:CRIED_MAX]
    ]


def ahead(wanted: Ahead) -> None:
    """Play the hidden runs of a seed, and keep them. Raises: UsineError."""
    runtime = _runtime(wanted.runtime)
    pool(find_line(wanted.line.id), wanted.labs, wanted.seed, runtime=runtime, ahead=wanted.patient)


def _runtime(of_the_lab: str) -> str:
    """Hidden labs run many times faster than the wall, in one process each, at the addresses of the line's files."""
    return "local" if of_the_lab == "local" else "docker-compact"


class _Held:
    """A pool and its line, which a cache does not look at."""

    def __init__(self, played: Pool, line: Line) -> None:
        self.played, self.line = played, line

    def __hash__(self) -> int:
        return hash(self.played.edition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.played.edition == self.played.edition


@lru_cache(maxsize=16)
def _judged(rules: str, _seed: int, budget_per_h: float, held: _Held) -> Judgement:
    return judge(rules, held.played, held.line, budget_per_h)


def _figures(judgement: Judgement, played: Pool) -> dict[str, float]:
    detection = judgement.detection
    figures = {
        "score": judgement.mark,
        "detection": detection.value,
        "recall_pct": 100.0 * detection.recall,
        "asset_pct": 100.0 * judgement.asset,
        "technique_pct": 100.0 * judgement.technique,
        "false_alarms_per_h": detection.false_alarms_per_h,
        "alarm_share_pct": 100.0 * detection.alarm_share,
        "delay_s": judgement.delay_s,
        "minutes": played.minutes,
    }
    for kind, short in SHORT.items():
        figures[f"score_{short}"] = judgement.classes[kind].value
        figures[f"recall_{short}"] = 100.0 * judgement.classes[kind].recall
    return {name: round(figures[name], 2) for name in FIGURES}


def _said(judgement: Judgement) -> Text:
    detection = judgement.detection
    found, all_of_them = sum(hit is not None for hit in detection.hits), len(detection.hits)
    missed, false = _listed(judgement.missed), _listed(judgement.false_alarms)
    return Text(
        fr=f"{found} attaques trouvées sur {all_of_them}, {detection.false_alarms_per_h:.1f} fausses alertes par heure ; "
        f"manquées : {missed.fr} ; fausses alertes : {false.fr}.",
        en=f"{found} attacks found of {all_of_them}, {detection.false_alarms_per_h:.1f} false alarms an hour; "
        f"missed: {missed.en}; false alarms: {false.en}.",
    )


def _listed(counted: Counter[str] | Mapping[str, int]) -> Text:
    named = [(NAMES[kind], number) for kind, number in sorted(counted.items()) if number]
    return Text(
        fr=", ".join(f"{name.fr} {number}" for name, number in named) or "aucune",
        en=", ".join(f"{name.en} {number}" for name, number in named) or "none",
    )


def _exchanges(judgement: Judgement) -> list[Exchange]:
    """For each class, what its own rules earn: no date, no address."""
    return [
        Exchange(
            f"{CLASSES[kind]} {kind}",
            f"{round(100 * own.recall)} %, {own.false_alarms_per_h:.1f}/h, score {own.value:.0f}",
        )
        for kind, own in judgement.classes.items()
    ]


def _seen(happened: Attacked, said: list[float], within_s: float) -> Finding:
    label = happened.label
    seconds = {int(unix_s) for unix_s in said}
    before = sum(
        label.start_unix_s - LOOK_BACK_S <= second < label.start_unix_s - DATED_S for second in seconds
    )
    share = before / LOOK_BACK_S
    hits = [s for s in said if label.start_unix_s - DATED_S <= s <= label.end_unix_s + GRACE_S]
    delay_s = max(0.0, min(hits) - label.start_unix_s) if hits else 0.0
    figures = {"delay_s": round(delay_s, 2), "alarm_share_pct": round(100.0 * share, 2)}
    name = NAMES.get(label.attack, Text(fr=label.attack, en=label.attack))
    if any(happened.visit_unix_s <= unix_s < label.start_unix_s - DATED_S for unix_s in said):
        visit = NAMES[happened.visit]
        return Finding(
            "noise",
            Text(
                fr=f"Vos règles ont crié pour rien avant l'attaque, pendant une visite sans danger ({visit.fr}).",
                en=f"Your rules cried for nothing before the attack, during a harmless visit ({visit.en}).",
            ),
            figures,
        )
    if share > NOISE_SHARE:
        return Finding(
            "noise",
            Text(
                fr=f"Vos règles étaient déjà en alarme {100 * share:.0f} % de la minute d'avant l'attaque.",
                en=f"Your rules were already in alarm for {100 * share:.0f} % of the minute before the attack.",
            ),
            figures,
        )
    if not hits or delay_s > within_s:
        return Finding(
            "missed",
            Text(
                fr=f"L'attaque jouée dans votre labo ({name.fr}) n'a pas été vue en {within_s:g} s.",
                en=f"The attack in your lab ({name.en}) was not seen within {within_s:g} s.",
            ),
            figures,
        )
    return Finding(
        "detected",
        Text(
            fr=f"L'attaque jouée dans votre labo ({name.fr}) a été vue après {delay_s:.0f} s.",
            en=f"The attack in your lab ({name.en}) was seen after {delay_s:.0f} s.",
        ),
        figures,
    )
