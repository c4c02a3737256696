"""A product change-over: the line is set for other bottles, several commands in a row, then back."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

ORDERS = (
    ("Filler.SetPoint", (330.0, 500.0)),
    ("Filler.RateSetPoint", (44.0, 40.0)),
    ("Capper.TorqueSetPoint", (1.6, 1.8)),
    ("Checkweigher.Tolerance", (8.0, 10.0)),
)


def play(stage: Stage) -> None:
    for turn in (0, 1):
        for tag, values in ORDERS:
            stage.lab.request("write", tag=tag, value=values[turn])
            stage.wait(stage.rng.uniform(1.0, 4.0))
        stage.wait(stage.rng.uniform(20.0, 40.0) * (1 - turn))


CONFOUNDER = Confounder("change_over", Text(fr="Changement de produit", en="Product change-over"), play)
