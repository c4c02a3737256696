"""Sensors as PLCs read them: the truth through noise and the four sensor faults."""

from dataclasses import dataclass, field
from typing import Any

from simulators.plant.equipment import WIRING, Equipment, Signal
from simulators.plant.noise import gaussian
from simulators.plc.image import Value

# In fault names: `sensor_stuck:level_pct`.
SENSOR_MODES = ("sensor_stuck", "sensor_drift", "sensor_noise", "sensor_off")


@dataclass(slots=True, eq=False)
class Point:
    """One signal of one asset.

    With severity s and the transmitter's span: a stuck sensor keeps its last value; a drifting one gains
    10 % of span · s an hour; a noisy one has 5 % of span · s more noise; one that is off sends no current,
    which a 4–20 mA input shows as 25 % of span under its low end.
    """

    equipment: Equipment = field(metadata=WIRING)
    signal: Signal = field(metadata=WIRING)
    start: int = field(metadata=WIRING)
    faults: dict[str, float] = field(default_factory=dict)
    held: Value = 0.0
    since_s: float = 0.0

    def truth(self) -> Value:
        """The physical quantity."""
        value: Value = getattr(self.equipment, self.signal.attribute)
        return value

    def read(self, step: int, t_s: float) -> Value:
        """What the sensor says at this step."""
        signal = self.signal
        value: Any = getattr(self.equipment, signal.attribute)
        if self.faults:
            return self._faulty(value, step, t_s)
        said: Value = value + signal.noise * gaussian(step, self.start) if signal.noise else value
        return said

    def _faulty(self, value: Any, step: int, t_s: float) -> Value:
        signal, faults = self.signal, self.faults
        if signal.role == "actuator":
            return bool(value) if signal.boolean else float(value)
        span = signal.high - signal.low
        if "sensor_off" in faults:
            return False if signal.boolean else signal.low - 0.25 * span
        if "sensor_stuck" in faults:
            return self.held
        if signal.boolean:
            flips = gaussian(step, self.start) > 3.0 - 2.0 * faults.get("sensor_noise", 0.0)
            return bool(value) != flips
        noise = signal.noise + 0.05 * span * faults.get("sensor_noise", 0.0)
        drift = 0.1 * span * faults.get("sensor_drift", 0.0) * (t_s - self.since_s) / 3600.0
        said = float(value) + drift + noise * gaussian(step, self.start)
        return min(signal.high + 0.05 * span, max(signal.low - 0.05 * span, said))

    def fault(self, mode: str, severity: float, step: int, t_s: float) -> None:
        """Begin a sensor fault, or end it with severity 0."""
        if severity == 0.0:
            self.faults.pop(mode, None)
            return
        if mode == "sensor_stuck" and mode not in self.faults:
            self.held = self.read(step, t_s)
        if mode == "sensor_drift" and mode not in self.faults:
            self.since_s = t_s
        self.faults[mode] = severity

    def drive(self, value: Value) -> None:
        """Set an actuator; what is out of its range is bounded, what is no number is taken as the low end."""
        signal = self.signal
        if signal.boolean:
            setattr(self.equipment, signal.attribute, bool(value))
            return
        number = float(value)
        low, high = signal.low, signal.high
        number = number if low <= number <= high else (high if number > high else low)
        setattr(self.equipment, signal.attribute, number)
