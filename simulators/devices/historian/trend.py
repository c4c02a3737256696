"""A curve of a tag with no more points than a screen shows, that hides no peak."""

import sqlite3
from collections.abc import Iterable

from simulators.devices.historian.store import Store
from simulators.plc.image import Value

Curve = list[tuple[float, Value | None]]
_BAD = 2
_RAW = "SELECT t, value, quality FROM history WHERE tag=? AND t BETWEEN ? AND ? ORDER BY t LIMIT ?"
_BEFORE = "SELECT value, quality FROM history WHERE tag=? AND t BETWEEN ? AND ? ORDER BY t DESC LIMIT 1"
# SQLite gives the other columns of the row that holds the minimum or maximum.
_EXTREMES = """
SELECT t, value FROM (
    SELECT t, min(value) AS value FROM history
    WHERE tag=:tag AND t BETWEEN :since AND :until AND quality<:bad GROUP BY (t-:since)/:bucket
    UNION
    SELECT t, max(value) AS value FROM history
    WHERE tag=:tag AND t BETWEEN :since AND :until AND quality<:bad GROUP BY (t-:since)/:bucket
) ORDER BY t
"""


def trend(
    store: Store, tags: Iterable[str], since_unix_s: float, until_unix_s: float, points: int, hold_s: float
) -> dict[str, Curve]:
    """Tag → [(unix seconds, value)], about `points` at most, None where quality was bad.

    All rows where they are few enough, else the minimum and the maximum of each of `points` / 2 intervals.
    The curve begins at `since` with the value kept up to `hold_s` before. Tags without history are empty.
    """
    since, until = round(since_unix_s * 1000), round(until_unix_s * 1000)
    curves: dict[str, Curve] = {}
    for tag in tags:
        number = store.id_of(tag)
        curves[tag] = (
            []
            if number is None
            else _curve(store.database, number, since, until, points, round(hold_s * 1000))
        )
    return curves


def _curve(database: sqlite3.Connection, tag: int, since: int, until: int, points: int, hold: int) -> Curve:
    begin: Curve = [
        (since / 1000, None if quality >= _BAD else value)
        for value, quality in database.execute(_BEFORE, (tag, since - hold, since - 1))
    ]
    rows = database.execute(_RAW, (tag, since, until, points + 1)).fetchall()
    if len(rows) <= points:
        return begin + [(t / 1000, None if quality >= _BAD else value) for t, value, quality in rows]
    bucket = max(1, 2 * (until - since) // max(points, 2))
    places = {"tag": tag, "since": since, "until": until, "bucket": bucket, "bad": _BAD}
    return begin + [(t / 1000, value) for t, value in database.execute(_EXTREMES, places)]
