"""The names of the faults that an instructor can inject."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext

from simulators.model import Line
from web.language import reader


def named(line: Line, modes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """{asset: {mode: words}}. A mode that has no words here shows its own name.

    A sensor's mode (`sensor_stuck:level_pct`) is offered where a tag reads that signal, under the tag's name.
    """
    return {asset: _of_asset(line, asset, names) for asset, names in modes.items()}


def _of_asset(line: Line, asset: str, modes: Sequence[str]) -> dict[str, str]:
    measured = {tag.signal: reader(tag.name) for tag in reversed(line.tags) if tag.signal}
    words = _words()
    shown: dict[str, str] = {}
    for mode in modes:
        fault, colon, quantity = mode.partition(":")
        if not colon:
            shown[mode] = words.get(mode, mode.replace("_", " "))
        elif f"{asset}.{quantity}" in measured:
            shown[mode] = _sensor(fault, measured[f"{asset}.{quantity}"])
    return shown


def _sensor(fault: str, name: str) -> str:
    words: dict[str, str] = {
        "sensor_stuck": gettext("Stuck: %(name)s", name=name),
        "sensor_drift": gettext("Drift: %(name)s", name=name),
        "sensor_noise": gettext("Noise: %(name)s", name=name),
        "sensor_off": gettext("Off: %(name)s", name=name),
    }
    return words.get(fault, f"{fault}: {name}")


def _words() -> dict[str, str]:
    return {
        "bearing_ball": gettext("Bearing damage, ball"),
        "bearing_inner": gettext("Bearing damage, inner race"),
        "bearing_outer": gettext("Bearing damage, outer race"),
        "belt_slip": gettext("Belt slip"),
        "cavitation": gettext("Cavitation"),
        "clutch_wear": gettext("Clutch wear"),
        "cooling": gettext("Cooling blocked"),
        "dosing_drift": gettext("Dosing drift"),
        "filter_clogging": gettext("Filter clogging"),
        "fouling": gettext("Fouling"),
        "friction": gettext("Friction"),
        "heater_element": gettext("Heating element failing"),
        "imbalance": gettext("Imbalance"),
        "inlet_stiction": gettext("Inlet valve sticking"),
        "jam": gettext("Jam"),
        "leak": gettext("Leak"),
        "rejector_stuck": gettext("Rejector stuck"),
        "scale_drift": gettext("Scale drift"),
        "seal_leak": gettext("Seal leak"),
        "stiction": gettext("Valve sticking"),
        "valve_stiction": gettext("Filling valve sticking"),
        "wear": gettext("Wear"),
    }
