"""A device comes and goes several times: all its clients connect again, and are refused meanwhile."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

DEVICES = ("gateway", "plc1", "plc2", "broker", "scada")


def play(stage: Stage) -> None:
    device = stage.rng.choice(DEVICES)
    for _ in range(stage.rng.randint(2, 3)):
        stage.lab.request("restart", device=device)
        stage.wait(stage.rng.uniform(10.0, 30.0))


CONFOUNDER = Confounder("reconnect_storm", Text(fr="Tempête de reconnexions", en="Reconnect storm"), play)
