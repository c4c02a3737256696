"""What a lab says of itself, once a second and on request: the control channel's largest message."""

from typing import Literal

import msgspec

from simulators.contracts import Health
from simulators.plc.image import Value
from simulators.text import Text

Quality = Literal["good", "stale", "bad"]


class TagValue(msgspec.Struct, frozen=True):
    """A tag twice: the plant's `truth` (instructor, grader) and what SCADA was told (`shown`, what operators see)."""

    truth: Value | None
    shown: Value | None
    quality: Quality
    unix_s: float


class Shown(msgspec.Struct, frozen=True):
    """A tag as operators' displays show it; None while nothing was ever heard of it."""

    value: Value | None
    quality: Quality
    unix_s: float


class AlarmState(msgspec.Struct, frozen=True):
    """An alarm that is active or still to be acknowledged (ISA-18.2 states)."""

    id: str
    tag: str
    priority: int
    state: Literal["unacknowledged", "acknowledged", "returned_unacknowledged"]
    since_unix_s: float
    value: Value | None
    text: Text


class DeviceStatus(msgspec.Struct, frozen=True):
    """A device's health; `restarts` counts those that the host had to make."""

    id: str
    kind: str
    health: Health
    restarts: int = 0


class AssetStatus(msgspec.Struct, frozen=True):
    """An asset's true state: hidden from operators. `faults` maps mode to severity (0 to 1)."""

    id: str
    faults: dict[str, float]
    health_pct: float
    running: bool | None


class Snapshot(msgspec.Struct, frozen=True):
    """`kpis` keys: oee, availability, performance, quality (0 to 1), bottles_per_min, fill_deviation_ml,
    rejects, bottles_good, bottles_total, pasteurisation_units, kwh_per_1000_bottles."""

    lab: str
    line: str
    seed: int
    t_s: float
    unix_s: float
    speed: float
    paused: bool
    enforces_zones: bool
    tags: dict[str, TagValue]
    kpis: dict[str, float]
    alarms: list[AlarmState]
    devices: list[DeviceStatus]
    assets: list[AssetStatus]
    figures: dict[str, float]
