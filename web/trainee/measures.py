"""What a condition monitor measures, as its panel names it."""

from typing import Any

from flask_babel import gettext

ACCELERATION, VELOCITY, LEVEL, SHARE = "g", "mm/s", "dB", "%"


def measures() -> dict[str, dict[str, Any]]:
    """By the feature's id, `index` and `alarm`: its name, unit and sensible decimals."""
    return {
        "index": _of(gettext("Share of the alarm level"), SHARE, 0),
        "alarm": _of(gettext("Alarm of the monitor"), "", 0),
        "rms_g": _of(gettext("Acceleration, RMS"), ACCELERATION, 3),
        "peak_g": _of(gettext("Acceleration, peak"), ACCELERATION, 2),
        "crest": _of(gettext("Crest factor"), "", 1),
        "kurtosis": _of(gettext("Kurtosis"), "", 1),
        "band_rms_g": _of(gettext("Acceleration, 2 to 5.5 kHz"), ACCELERATION, 3),
        "velocity_mm_s": _of(gettext("Velocity, RMS, 10 to 1000 Hz"), VELOCITY, 2),
        "bpfo_db": _of(gettext("Envelope, outer race (BPFO)"), LEVEL, 1),
        "bpfi_db": _of(gettext("Envelope, inner race (BPFI)"), LEVEL, 1),
        "bsf_db": _of(gettext("Envelope, balls (BSF)"), LEVEL, 1),
        "envelope_db": _of(gettext("Envelope, highest of the three"), LEVEL, 1),
    }


def _of(name: str, unit: str, digits: int) -> dict[str, Any]:
    return {"name": name, "unit": unit, "digits": digits}
