"""Somebody's old client asks the broker for a port that it does not serve any more, again and again."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

PORTS = (8883, 1884, 8080)


def play(stage: Stage) -> None:
    zone, source = stage.passer_by()
    port = stage.rng.choice(PORTS)
    times = stage.rng.randint(8, 20)
    pause_s = stage.rng.uniform(1.0, 3.0) / stage.speed
    stage.run(
        "probe", "visit.lost_client", zone,
        source=source, device="broker", port=port, times=times, pause_s=pause_s,
    )  # fmt: skip


CONFOUNDER = Confounder(
    "lost_client", Text(fr="Client égaré", en="A client gone astray"), play, 90.0, passes_by=True
)
