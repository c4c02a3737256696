"""An operator changes some set points, through SCADA."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

# Tag → values that the process takes without harm.
CHOICES = {
    "Pasteuriser.SetPoint": (71.5, 72.0, 72.5, 73.0),
    "Pump.FlowSetPoint": (19.0, 20.0, 21.0),
    "BufferTank.LevelSetPoint": (55.0, 60.0, 65.0),
    "RawTank.LevelSetPoint": (60.0, 65.0, 70.0),
    "Filler.RateSetPoint": (38.0, 40.0, 42.0),
}


def play(stage: Stage) -> None:
    for tag in stage.rng.sample(sorted(CHOICES), stage.rng.randint(2, 4)):
        stage.lab.request("write", tag=tag, value=stage.rng.choice(CHOICES[tag]))
        stage.wait(stage.rng.uniform(4.0, 20.0))


CONFOUNDER = Confounder("set_points", Text(fr="Consignes de l'opérateur", en="Operator's set points"), play)
