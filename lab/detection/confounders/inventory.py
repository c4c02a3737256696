"""An inventory of the plant's equipment asks each PLC what it is: one question each, and goes."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

DEVICES = ("plc1", "plc2")


def play(stage: Stage) -> None:
    zone, source = stage.passer_by()
    devices = stage.rng.sample(DEVICES, len(DEVICES))
    pause_s = stage.rng.uniform(5.0, 15.0) / stage.speed
    stage.run("probe", "visit.inventory", zone, source=source, devices=devices, pause_s=pause_s)


CONFOUNDER = Confounder(
    "inventory", Text(fr="Inventaire des équipements", en="Equipment inventory"), play, 90.0, passes_by=True
)
