"""Remote commands to a sensor: JSON such as `{"period_s": 2}` or `{"offset": {"Pump.Vibration": -1.5}}`."""

import hmac
import math
from dataclasses import dataclass, field

import msgspec

from simulators.devices.mqtt_sensor.config import PERIOD_MAX_S, PERIOD_MIN_S, Commands

LIMIT_BYTES = 4096


@dataclass
class Adjustment:
    """What commands have changed since the sensor started."""

    period_s: float
    window_period_s: float
    offset: dict[str, float] = field(default_factory=dict)
    mute: bool = False


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    token: str = ""
    period_s: float | None = None
    window_period_s: float | None = None
    offset: dict[str, float] | None = None
    mute: bool | None = None


def obey(payload: bytes, rules: Commands, tags: list[str], adjustment: Adjustment) -> str:
    """Change `adjustment` as the message says; returns why not, or an empty text.

    The answer goes back over the wire, so it is short and English; nothing is changed unless all is permitted.
    """
    if not rules.enabled:
        return "commands are disabled"
    if len(payload) > LIMIT_BYTES:
        return "too long"
    try:
        order = msgspec.json.decode(payload, type=_Order)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "not understood"
    if rules.token is not None and not hmac.compare_digest(order.token.encode(), rules.token.encode()):
        return "not authorised"
    asked = [
        word for word in ("period_s", "window_period_s", "offset", "mute") if getattr(order, word) is not None
    ]
    if not asked or not set(asked) <= set(rules.allowed):
        return "not permitted"
    if not _sensible(order, tags):
        return "value out of range"
    for word in asked:
        setattr(adjustment, word, getattr(order, word))
    return ""


def _sensible(order: _Order, tags: list[str]) -> bool:
    periods = [each for each in (order.period_s, order.window_period_s) if each is not None]
    offsets = order.offset or {}
    return (
        all(PERIOD_MIN_S <= each <= PERIOD_MAX_S for each in periods)
        and set(offsets) <= set(tags)
        and all(math.isfinite(each) for each in offsets.values())
    )
