"""A vibration window as it travels: a header of 36 bytes, then the samples as little-endian int16.

| offset | type | field |
|---|---|---|
| 0 | 4 bytes | `UEV1` |
| 4 | uint16 | header size, 36 |
| 6 | uint16 | channels, 1 |
| 8 | uint64 | end of the window, milliseconds since 1970 |
| 16 | uint32 | samples a second |
| 20 | float32 | g a unit |
| 24 | uint32 | samples |
| 28 | uint32 | sequence number |
| 32 | float32 | shaft speed in Hz, by the sensor's magnetic pick-up; 0 where it is not known |

All little-endian. A header of 32 bytes, without the last field, is read too.
"""

import math
import struct
from dataclasses import dataclass

RATE_HZ = 12_800
G_PER_UNIT = 16.0 / 32768.0
MAGIC = b"UEV1"
SHAFT_MAX_HZ = 10_000.0
HEADER = struct.Struct("<4sHHQIfII")
SPEED = struct.Struct("<f")


@dataclass(frozen=True)
class Window:
    """One window. `samples` are little-endian int16."""

    unix_ms: int
    rate_hz: int
    g_per_unit: float
    sequence: int
    samples: bytes
    shaft_hz: float = 0.0


def encode_window(window: Window) -> bytes:
    """The message's payload."""
    header = HEADER.pack(
        MAGIC, HEADER.size + SPEED.size, 1, window.unix_ms, window.rate_hz, window.g_per_unit, len(window.samples) // 2,
        window.sequence,
    )  # fmt: skip
    return header + SPEED.pack(window.shaft_hz) + window.samples


def decode_window(payload: bytes) -> Window:
    """The window in a message. Raises: ValueError: it is not one."""
    if len(payload) < HEADER.size or payload[:4] != MAGIC:
        raise ValueError("not a vibration window")
    _, size, channels, unix_ms, rate_hz, g_per_unit, count, sequence = HEADER.unpack_from(payload)
    samples = payload[size:]
    if size < HEADER.size or channels != 1 or len(samples) != 2 * count or not math.isfinite(g_per_unit):
        raise ValueError("a vibration window cut short")
    shaft_hz = SPEED.unpack_from(payload, HEADER.size)[0] if size >= HEADER.size + SPEED.size else 0.0
    if not 0.0 <= shaft_hz < SHAFT_MAX_HZ:
        raise ValueError("a shaft speed that no shaft has")
    return Window(unix_ms, rate_hz, g_per_unit, sequence, samples, shaft_hz)
