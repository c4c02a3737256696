"""Durations, dates and times of day as they are written, in nanoseconds."""

import re
from datetime import UTC, datetime

_UNITS_NS = {"d": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000,
             "ms": 1_000_000, "us": 1_000, "ns": 1}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|ns|d|h|m|s)", re.IGNORECASE)


def duration(body: str) -> int:
    """`1m2s500ms`, `-1.5h` → nanoseconds.

    Raises:
        ValueError: it is no duration, or one beyond 64 bits.
    """
    text = body.replace("_", "")
    parts = _PART.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text.lstrip("+-"):
        raise ValueError
    total = 0
    for amount, unit in parts:
        whole, _, fraction = amount.partition(".")
        scale = _UNITS_NS[unit.lower()]
        if len(whole) > 20:
            raise ValueError
        total += int(whole) * scale + (
            int(fraction[:18]) * scale // 10 ** len(fraction[:18]) if fraction else 0
        )
    if total >= 1 << 63:
        raise ValueError
    return -total if text.startswith("-") else total


def calendar(kind: str, body: str) -> int:
    """`2026-01-31`, `12:30:15.5` or `2026-01-31-12:30:00` → nanoseconds since 1970, or midnight; `kind`: date, tod, dt.

    Raises:
        ValueError: there is no such moment.
    """
    if kind == "tod":
        return _clock(body)
    year, month, day, *rest = body.split("-", 3)
    midnight = midnight_of(int(year), int(month), int(day))
    if kind == "date":
        if rest:
            raise ValueError
        return midnight
    return midnight + _clock(rest[0] if rest else "")


def _clock(body: str) -> int:
    hours, minutes, seconds = body.split(":")
    whole, _, fraction = seconds.partition(".")
    nanoseconds = int((fraction + "000000000")[:9])
    h, m, s = int(hours), int(minutes), int(whole)
    if not (0 <= h < 24 and 0 <= m < 60 and 0 <= s < 60):
        raise ValueError
    return ((h * 60 + m) * 60 + s) * 1_000_000_000 + nanoseconds


def midnight_of(year: int, month: int, day: int) -> int:
    """When a day starts. Raises: ValueError: there is no such day."""
    return round(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000_000
