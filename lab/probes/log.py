"""What a device wrote into the journal: an audit event, a refused login."""

import time
from typing import Annotated, Any

import msgspec

from lab.probes.contract import Exchange, Finding, Inside, Probe
from simulators.text import Text

SHOWN = 6
ROWS = 2000  # what the journal keeps in memory


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event of a device, not older than `last_s` of the wall; `fields` must be equal, `contains` stands anywhere in it."""

    device: str
    event: str | None = None
    fields: dict[str, str | int | float | bool] = {}
    contains: str | None = None
    last_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0


def event(inside: Inside, args: Event) -> Finding:
    inside.line.device(args.device)
    rows: list[dict[str, Any]] = inside.lab.request("logs", device=args.device, lines=ROWS)
    since_s = time.time() - args.last_s
    found = [row for row in rows if row["unix_s"] >= since_s and _fits(row, args)]
    exchanges = [Exchange(f"journal of {args.device}", _short(row)) for row in found[-SHOWN:]]
    figures = {"count": float(len(found))}
    if not found:
        return Finding("absent", _ABSENT, figures, [Exchange(f"journal of {args.device}", "–")])
    said = Text(fr=f"{len(found)} entrée(s) au journal", en=f"{len(found)} entries in the journal")
    return Finding("recorded", said, figures, exchanges)


def _fits(row: dict[str, Any], args: Event) -> bool:
    if args.event is not None and row["event"] != args.event:
        return False
    if any(str(row.get(name)) != str(value) for name, value in args.fields.items()):
        return False
    return args.contains is None or args.contains.lower() in str(row).lower()


def _short(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items() if name != "device")[:300]


_ABSENT = Text(fr="rien de tel au journal", en="nothing of the kind in the journal")

PROBES = (Probe("log.event", Event, ("recorded", "absent"), event, "inside", (), ("count",)),)
