"""The bottling line with two sensors of its seven and no monitor: eight containers of devices in place of fourteen.

For tests of what is around a lab (zones, rights, machines); what is in it is tested on the whole line.
"""

import shutil
from pathlib import Path

import yaml

from lab.catalog import line_path

LEFT_OUT = {
    "conveyor_sensor", "filler_sensor", "compressor_sensor", "air_sensor", "energy_sensor", "monitor",
}  # fmt: skip


def short_line(folder: Path) -> str:
    """Write it below `folder`; returns what a lab is started with."""
    whole = line_path("bottling")
    made = folder / "short" / whole.name
    shutil.copytree(whole.parent, made.parent)
    line = yaml.safe_load(whole.read_text(encoding="utf-8"))
    line["devices"] = [each for each in line["devices"] if each["id"] not in LEFT_OUT]
    line["tags"] = [each for each in line["tags"] if each["device"] not in LEFT_OUT]
    made.write_text(yaml.safe_dump(line, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return str(made)
