"""An auditor of energy or quality, on a laptop, reads a few tags of the PLC one by one."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

TAGS = (
    "Pump.Flow",
    "Pump.Current",
    "Pasteuriser.HeaterPower",
    "Pasteuriser.Units",
    "BufferTank.Brix",
    "BufferTank.Level",
    "RawTank.Temperature",
)


def play(stage: Stage) -> None:
    zone, source = stage.passer_by()
    tags = stage.rng.sample(TAGS, stage.rng.randint(2, 5))
    pause_s = stage.rng.uniform(4.0, 9.0) / stage.speed
    stage.run("probe", "visit.reading", zone, source=source, tags=tags, pause_s=pause_s)


CONFOUNDER = Confounder(
    "auditor", Text(fr="Relevé d'un auditeur", en="An auditor's readings"), play, 90.0, passes_by=True
)
