"""A sensor fails for a while, and is mended."""

from lab.detection.stage import Confounder, Stage
from simulators.text import Text

FAULTS = (
    ("raw_tank", "sensor_stuck:temperature_c"),
    ("buffer_tank", "sensor_noise:brix"),
    ("hall", "sensor_off:humidity_pct"),
    ("pump", "sensor_drift:suction_pressure_bar"),
    ("compressor_motor", "sensor_stuck:temperature_c"),
)


def play(stage: Stage) -> None:
    asset, mode = stage.rng.choice(FAULTS)
    stage.lab.request("fault", asset=asset, mode=mode, severity=stage.rng.uniform(0.5, 1.0))
    try:
        stage.wait(stage.rng.uniform(30.0, 90.0))
    finally:
        stage.lab.request("fault", asset=asset, mode=mode, severity=0.0)


CONFOUNDER = Confounder("sensor_fault", Text(fr="Défaut d'un capteur", en="Sensor fault"), play)
