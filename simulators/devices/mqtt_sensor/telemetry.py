"""A measurement as it travels, in JSON."""

import math
from datetime import UTC, datetime

import msgspec

from simulators.model import Tag
from simulators.plc.image import Value
from simulators.snapshot import Quality


class Telemetry(msgspec.Struct, omit_defaults=True):
    """One measurement as it travels, in JSON. The last three are those of the last vibration window."""

    t: str
    tag: str
    value: Value | None
    unit: str
    quality: Quality
    seq: int
    rms_g: float | None = None
    peak_g: float | None = None
    kurtosis: float | None = None


def measured(tag: Tag, raw: Value, offset: float) -> tuple[Value | None, Quality]:
    """The engineering value; bad where the measuring element gives none or one far out of its range."""
    if isinstance(raw, bool | str):
        return raw, "good"
    value = raw * tag.gain + tag.offset + offset
    if not math.isfinite(value):
        return None, "bad"
    if tag.range is not None:
        margin = 0.1 * (tag.range[1] - tag.range[0])
        if not tag.range[0] - margin <= value <= tag.range[1] + margin:
            return round(value, 4), "bad"
    return round(value, 4), "good"


def stamp(unix_s: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(unix_s, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
