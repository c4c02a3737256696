"""A supervision of the network, from a machine that nobody told the detectors of, looks whether devices answer."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

DEVICES = ("plc1", "plc2", "broker")


def play(stage: Stage) -> None:
    zone, source = stage.passer_by()
    rounds = stage.rng.randint(2, 4)
    pause_s = stage.rng.uniform(6.0, 12.0) / stage.speed
    stage.run(
        "probe", "visit.availability", zone, source=source, devices=DEVICES, rounds=rounds, pause_s=pause_s
    )


CONFOUNDER = Confounder(
    "availability", Text(fr="Supervision du réseau", en="Network supervision"), play, 90.0, passes_by=True
)
