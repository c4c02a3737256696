"""Alarms as SCADA holds them (ISA-18.2 states), and as it remembers them."""

from typing import Any

import msgspec

from lab.probes.contract import Exchange, Finding, Inside, Probe
from lab.probes.process import snapshot
from simulators.errors import InputError
from simulators.snapshot import AlarmState
from simulators.text import Text

SHOWN = 6


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alarm by its id, or the most urgent one of a tag."""

    alarm: str | None = None
    tag: str | None = None


class Raised(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether it was raised at all since `since_unix_s` of the lab's clock, whatever became of it."""

    alarm: str | None = None
    tag: str | None = None
    since_unix_s: float = 0.0


def state(inside: Inside, args: State) -> Finding:
    _named(inside, args)
    found = [alarm for alarm in snapshot(inside.lab).alarms if _is(args, alarm.id, alarm.tag)]
    if not found:
        return Finding("absent", _ABSENT, {"count": 0.0}, [Exchange(_asked(args), "–")])
    worst: AlarmState = min(found, key=lambda alarm: (alarm.priority, alarm.id))
    figures = {
        "count": float(len(found)),
        "priority": float(worst.priority),
        "since_unix_s": worst.since_unix_s,
    }
    return Finding(worst.state, worst.text, figures, [Exchange(_asked(args), f"{worst.id} {worst.state}")])


def raised(inside: Inside, args: Raised) -> Finding:
    _named(inside, args)
    rows: list[dict[str, Any]] = inside.lab.request("alarms", since_unix_s=args.since_unix_s)
    found = [row for row in rows if row["event"] == "raised" and _is(args, row["id"], row["tag"])]
    exchanges = [Exchange(_asked(args), f"{row['unix_s']:.1f} {row['id']}") for row in found[-SHOWN:]]
    figures = {"count": float(len(found))}
    if not found:
        return Finding("never", _NEVER, figures, [Exchange(_asked(args), "–")])
    figures["last_unix_s"] = float(found[-1]["unix_s"])
    said = Text(fr=f"levée {len(found)} fois", en=f"raised {len(found)} times")
    return Finding("raised", said, figures, exchanges)


def _named(inside: Inside, args: State | Raised) -> None:
    if args.tag is not None:
        inside.line.tag(args.tag)
    elif args.alarm is None:
        raise InputError(
            "donnez une alarme (alarm) ou une variable (tag)", "give an alarm (alarm) or a tag (tag)"
        )


def _is(args: State | Raised, alarm: str, tag: str) -> bool:
    return (args.alarm is None or args.alarm == alarm) and (args.tag is None or args.tag == tag)


def _asked(args: State | Raised) -> str:
    return f"alarm {args.alarm or args.tag}"


_ABSENT = Text(fr="l'alarme n'est pas là", en="the alarm is not there")
_NEVER = Text(fr="l'alarme n'a jamais été levée", en="the alarm was never raised")

PROBES = (
    Probe(
        "alarm.state", State, ("unacknowledged", "acknowledged", "returned_unacknowledged", "absent"), state,
        "inside", (), ("count", "priority", "since_unix_s"),
    ),
    Probe("alarm.raised", Raised, ("raised", "never"), raised, "inside", (), ("count", "last_unix_s")),
)  # fmt: skip
