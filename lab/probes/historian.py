"""What the historian holds of a tag: enough points, no gap."""

from itertools import pairwise
from typing import Annotated, Any

import msgspec

from lab.probes.contract import Exchange, Finding, Inside, Probe
from simulators.text import Text


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last `minutes` of the lab's clock; a point in which the quality was bad is a gap."""

    tag: str
    minutes: Annotated[float, msgspec.Meta(gt=0, le=1440)] = 5.0
    gap_most_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    points_least: Annotated[int, msgspec.Meta(ge=1)] = 2


def content(inside: Inside, args: Content) -> Finding:
    inside.line.tag(args.tag)
    curve: list[list[Any]] = inside.lab.request("trend", tags=[args.tag], minutes=args.minutes)[args.tag]
    now_s = float(inside.lab.request("clock")["unix_s"])
    dates = [float(t) for t, value in curve if value is not None]
    begin_s = now_s - 60 * args.minutes
    gaps = [later - earlier for earlier, later in pairwise([begin_s, *dates, now_s])]
    longest = max(gaps)
    figures = {
        "points": float(len(dates)),
        "gaps": float(sum(gap > args.gap_most_s for gap in gaps)),
        "max_gap_s": round(longest, 1),
    }
    exchange = Exchange(f"history of {args.tag}, {args.minutes:g} min", f"{len(dates)} points")
    if not dates:
        return Finding("empty", _EMPTY, figures, [exchange])
    said = Text(
        fr=f"{len(dates)} points, le plus long trou dure {longest:.0f} s",
        en=f"{len(dates)} points, the longest gap lasts {longest:.0f} s",
    )
    whole = longest <= args.gap_most_s and len(dates) >= args.points_least
    return Finding("complete" if whole else "gaps", said, figures, [exchange])


_EMPTY = Text(fr="l'historien n'a aucune valeur", en="the historian has no value")

PROBES = (
    Probe(
        "historian.content", Content, ("complete", "gaps", "empty"), content, "inside", (),
        ("points", "gaps", "max_gap_s"),
    ),
)  # fmt: skip
