"""An operator by hand: runs the bottling plant without any PLC."""

from pathlib import Path

from simulators.model import Line, load_line
from simulators.plant.engine import Plant

BOTTLING = Path(__file__).parents[3] / "scenarios" / "lines" / "bottling" / "line.yaml"
COMMANDS: dict[str, float | bool] = {
    "panel.process_ready": True,
    "raw_tank.inlet_open": True,
    "pump.run": True,
    "pump.speed_pct": 70.0,
    "conveyor.run": True,
    "conveyor.speed_pct": 60.0,
    "conveyor.gate_open": True,
    "filler.run": True,
    "filler.rate_set_per_min": 40.0,
    "filler.volume_set_ml": 500.0,
    "capper.run": True,
    "capper.torque_set_nm": 1.8,
    "compressor.run": True,
}
_HAND = ("pasteuriser.heater_pct", "diversion_valve.forward", "raw_tank.inlet_open", "compressor.run")


def bottling() -> Line:
    """The bottling line."""
    return load_line(BOTTLING)


def started(line: Line, seed: int = 1) -> Plant:
    """A plant whose machines are all switched on."""
    plant = Plant(line, seed)
    plant.disturb("panel.run_switch", True)
    plant.write(list(COMMANDS), list(COMMANDS.values()))
    return plant


def operate(plant: Plant, seconds: float) -> None:
    """Let it run, with a hand on the heater, the diversion valve, the raw juice and the air."""
    watched = ("pasteuriser.water_temperature_c", "pasteuriser.holding_temperature_c", "raw_tank.level_pct")
    for step in range(round(seconds / plant.line.step_s)):
        if step % 10 == 0:
            water_c, holding_c, level_pct = (float(value) for value in plant.truth(watched))
            heater_pct = min(100.0, max(0.0, 35.0 + 10.0 * (73.5 - water_c)))
            pressure_bar = float(plant.truth(["compressor.pressure_bar"])[0])
            plant.write(_HAND, [heater_pct, holding_c > 71.0, level_pct < 80.0, pressure_bar < 6.8])
        plant.step()


def value(plant: Plant, signal: str) -> float:
    """The truth of one signal."""
    return float(plant.truth([signal])[0])
