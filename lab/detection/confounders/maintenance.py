"""A maintenance window: the engineering station identifies the PLC, reads, and writes set points."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

ZONE = "supervision"  # its workstation is the plant's engineering station
TAGS = (
    "Pasteuriser.SetPoint",
    "Pasteuriser.DivertTemperature",
    "Pump.FlowSetPoint",
    "BufferTank.LevelSetPoint",
    "RawTank.LevelSetPoint",
)


def play(stage: Stage) -> None:
    tags = stage.rng.sample(TAGS, stage.rng.randint(3, len(TAGS)))
    pause_s = stage.rng.uniform(5.0, 15.0) / stage.speed
    stage.run("probe", "operation.maintenance", ZONE, tags=tags, pause_s=pause_s)


CONFOUNDER = Confounder("maintenance", Text(fr="Fenêtre de maintenance", en="Maintenance window"), play)
