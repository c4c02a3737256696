"""The plant of a line: its assets, stepped together, as sensors, actuators, instructors and graders see it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simulators.contracts import Vibration
from simulators.errors import InputError, NotFoundError
from simulators.line_checks import located
from simulators.model import Line
from simulators.plant import checkpoint, noise, vibration
from simulators.plant.balance import Balance
from simulators.plant.equipment import Equipment, Kind, join, kind_of, make
from simulators.plant.schedule import Schedule
from simulators.plant.sensing import SENSOR_MODES, Point
from simulators.plant.site import Site
from simulators.plc.image import Value
from simulators.snapshot import AssetStatus

_FORMAT = 1
# What was set is a fault as soon as it has an effect; natural wear only once it would be repaired.
_SET_SHOWN, _WEAR_SHOWN = 0.01, 0.2


class Plant:
    """Everything physical of one line. Same line, seed and calls: same run, bit for bit.

    `step()` advances by the line's `step_s`. Reading moves nothing. Assets are stepped in the line's order.

    Raises:
        InputError: an asset's kind, parameter or port is wrong, or a tag's signal does not exist.
    """

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self.seed = seed
        self.site = Site(line.step_s)
        self._kinds: dict[str, Kind] = {}
        self._equipment: dict[str, Equipment] = {}
        for number, asset in enumerate(line.assets):
            with located(line, "assets", number):
                self._kinds[asset.id] = kind_of(asset)
            with located(line, "assets", number, "params"):
                self._equipment[asset.id] = make(asset, self._kinds[asset.id], self.site, seed)
        made = {name: (self._kinds[name], item) for name, item in self._equipment.items()}
        for number, asset in enumerate(line.assets):
            with located(line, "assets", number, "ports"):
                join(asset, self._kinds[asset.id], made)
        self._points: dict[str, Point] = {
            f"{name}.{quantity}": Point(item, signal, noise.place(seed, f"{name}.{quantity}"))
            for name, item in self._equipment.items()
            for quantity, signal in self._kinds[name].SIGNALS.items()
        }
        _check_tags(line, self._points)
        self._set: list[str] = []
        with located(line, "disturbances"):
            self._schedule = Schedule(line.disturbances, self)
        self._steps = [item.step for item in self._equipment.values()]
        self._minute_steps = round(60.0 / line.step_s)
        self._stored_at_start = self._stored()

    @property
    def t_s(self) -> float:
        """Simulated seconds since the origin."""
        return self.site.t_s

    def step(self) -> None:
        """Advance by one `step_s`."""
        site = self.site
        site.step += 1
        site.t_s = site.step * site.dt_s
        site.demand_w = 0.0
        if site.t_s >= self._schedule.next_s:
            self._schedule.run(site.t_s)
        for step in self._steps:
            step()
        if site.step % self._minute_steps == 0:
            site.production.tick()

    # The plant as PLCs and sensors see it (simulators.contracts.FieldIO).

    def read(self, signals: Sequence[str]) -> list[Value]:
        """What the sensors report: the truth through each sensor's noise and faults."""
        points, step, t_s = self._points, self.site.step, self.site.t_s
        return [points[signal].read(step, t_s) for signal in signals]

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        """Drive actuators; a value out of range is bounded, one that is no number ignored."""
        for signal, value in zip(signals, values, strict=True):
            point = self._points[signal]
            if point.signal.role == "actuator":
                point.drive(value)

    def vibration(self, asset: str) -> Vibration:
        """What an accelerometer on a motor hears. Raises: InputError: the asset is not a motor."""
        if asset not in self._equipment or self.line.asset(asset).kind != "motor":
            motors = ", ".join(item.id for item in self.line.assets if item.kind == "motor")
            raise InputError(
                f"{asset} : pas de capteur de vibration ; choisissez parmi : {motors}",
                f"{asset}: no vibration sensor; choose one of: {motors}",
            )
        samples = vibration.window(self._equipment[asset], noise.place(self.seed, asset), self.site.step)
        return vibration.heard(samples)

    # The plant as instructor and grader see it.

    def signals(self) -> list[str]:
        """Every `asset.quantity` that can be read."""
        return list(self._points)

    def role(self, signal: str) -> str:
        """`sensor` or `actuator`."""
        return self._points[signal].signal.role

    def truth(self, signals: Sequence[str]) -> list[Value]:
        """The physical quantities themselves."""
        return [self._points[signal].truth() for signal in signals]

    def modes(self, asset: str) -> list[str]:
        """The fault modes of an asset, sensor faults included.

        Raises:
            NotFoundError: no such asset.
        """
        self.line.asset(asset)
        kind = self._kinds[asset]
        measured = [name for name, signal in kind.SIGNALS.items() if signal.role == "sensor"]
        # A fault of a part that this asset was built without cannot be had.
        without = getattr(self._equipment[asset], "without", ())
        own = [mode for mode in kind.FAULTS if mode not in without]
        return [*own, *(f"{mode}:{name}" for name in measured for mode in SENSOR_MODES)]

    def fault_modes(self) -> dict[str, list[str]]:
        """The fault modes of every asset."""
        return {asset.id: self.modes(asset.id) for asset in self.line.assets}

    def fault(self, asset: str, mode: str, severity: float) -> None:
        """Set a fault's severity, 0 to 1; 0 mends. A sensor's mode names its signal: `sensor_stuck:level_pct`.

        Raises:
            NotFoundError: no such asset or mode; says which there are.
            InputError: severity out of bounds.
        """
        if mode not in self.modes(asset):
            known = ", ".join(self.modes(asset))
            raise NotFoundError(
                f"actif {asset} : défaut {mode} inconnu ; choisissez parmi : {known}",
                f"asset {asset}: unknown fault {mode}; choose one of: {known}",
            )
        if not 0.0 <= severity <= 1.0:
            raise InputError(
                f"défaut {mode} : gravité {severity} ; donnez un nombre de 0 (réparé) à 1",
                f"fault {mode}: severity {severity}; give a number from 0 (mended) to 1",
            )
        sensor_mode, colon, name = mode.partition(":")
        if colon:
            point = self._points[f"{asset}.{name}"]
            point.fault(sensor_mode, float(severity), self.site.step, self.site.t_s)
        else:
            setattr(self._equipment[asset], self._kinds[asset].FAULTS[mode], float(severity))
            self._set = sorted(
                {*self._set, f"{asset}.{mode}"} - ({f"{asset}.{mode}"} if not severity else set())
            )

    def faults(self) -> dict[str, dict[str, float]]:
        """What is wrong: {asset: {mode: severity}}, assets without a fault left out."""
        found: dict[str, dict[str, float]] = {}
        for name, item in self._equipment.items():
            for mode, attribute in self._kinds[name].FAULTS.items():
                severity = getattr(item, attribute)
                if severity >= (_SET_SHOWN if f"{name}.{mode}" in self._set else _WEAR_SHOWN):
                    found.setdefault(name, {})[mode] = severity
        for name, point in self._points.items():
            asset, _, quantity = name.partition(".")
            for mode, severity in point.faults.items():
                found.setdefault(asset, {})[f"{mode}:{quantity}"] = severity
        return found

    def disturb(self, name: str, value: Value) -> None:
        """Set what the world or an operator at the machine sets, such as `panel.recipe` or `hall.offset_c`.

        Raises:
            InputError: no such disturbance (says which there are), or the value does not fit.
        """
        asset, _, key = name.partition(".")
        known = self.disturbances()
        if name not in known:
            raise InputError(
                f"perturbation {name} inconnue ; choisissez parmi : {', '.join(known)}",
                f"unknown disturbance {name}; choose one of: {', '.join(known)}",
            )
        attribute = self._kinds[asset].DISTURBANCES[key]
        now = getattr(self._equipment[asset], attribute)
        number = not isinstance(value, str) and abs(value) < 1e6
        if not number or (isinstance(now, bool) and not isinstance(value, bool)):
            raise InputError(
                f"perturbation {name} : valeur {value} incorrecte (actuellement {now})",
                f"disturbance {name}: value {value} does not fit (now {now})",
            )
        setattr(self._equipment[asset], attribute, type(now)(value))

    def disturbances(self) -> list[str]:
        """The names that `disturb` takes."""
        return [f"{name}.{key}" for name, kind in self._kinds.items() for key in kind.DISTURBANCES]

    def kpis(self) -> dict[str, float]:
        """The figures of `simulators.snapshot.Snapshot`, and `escaped`: bad bottles that left the line."""
        return self.site.production.figures(self.site.t_s)

    def assets(self) -> list[AssetStatus]:
        """Each asset's true state; health is what its worst damage leaves, sensors apart."""
        faults = self.faults()
        return [
            AssetStatus(
                id=name,
                faults=faults.get(name, {}),
                health_pct=self._health_pct(name),
                running=getattr(item, "running", None),
            )
            for name, item in self._equipment.items()
        ]

    def _health_pct(self, asset: str) -> float:
        item = self._equipment[asset]
        worst = max(
            (getattr(item, attribute) for attribute in self._kinds[asset].FAULTS.values()), default=0.0
        )
        return round(100.0 * (1.0 - float(worst)), 1)

    def balance(self) -> Balance:
        """Mass and energy since the start."""
        site = self.site
        kg, joule = self._stored()
        return Balance(
            supplied_kg=site.supplied_kg,
            bottled_kg=site.bottled_kg,
            rejected_kg=site.rejected_kg,
            leaked_kg=site.leaked_kg,
            scrapped_kg=site.scrapped_kg,
            stored_gain_kg=kg - self._stored_at_start[0],
            electric_j=site.electric_j,
            enthalpy_in_j=site.enthalpy_in_j,
            enthalpy_out_j=site.enthalpy_out_j,
            lost_j=site.lost_j,
            stored_gain_j=joule - self._stored_at_start[1],
        )

    def _stored(self) -> tuple[float, float]:
        parts = [item.stored() for item in self._equipment.values()]
        return sum(kg for kg, _ in parts), sum(joule for _, joule in parts)

    # State.

    def checkpoint(self) -> bytes:
        """The whole state; `restore` on a plant of the same line continues bit for bit."""
        return checkpoint.encode(
            {
                "format": _FORMAT,
                "line": self.line.id,
                "seed": self.seed,
                "site": checkpoint.state_of(self.site),
                "schedule": checkpoint.state_of(self._schedule),
                "stored_at_start": self._stored_at_start,
                "set": self._set,
                "assets": {name: checkpoint.state_of(item) for name, item in self._equipment.items()},
                "points": {name: checkpoint.state_of(point) for name, point in self._points.items()},
            }
        )

    def reset(self) -> None:
        """As at the start, faults and disturbances forgotten."""
        self.restore(Plant(self.line, self.seed).checkpoint())

    def restore(self, data: bytes) -> None:
        """Go back to a checkpoint.

        Raises:
            InputError: not a checkpoint of this line and seed; nothing changed.
        """
        state = self._parse(data)
        for item, part in self._parts(state):
            checkpoint.restore(item, part)
        kg, joule = state["stored_at_start"]
        self._stored_at_start = (kg, joule)
        self._set = state["set"]

    def _parts(self, state: Mapping[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
        """Each object that keeps state with its part of a checkpoint."""
        parts = [(self.site, state["site"]), (self._schedule, state["schedule"])]
        parts += [(item, state["assets"][name]) for name, item in self._equipment.items()]
        return parts + [(point, state["points"][name]) for name, point in self._points.items()]

    def _parse(self, data: bytes) -> Mapping[str, Any]:
        expected = {"format": _FORMAT, "line": self.line.id, "seed": self.seed}
        try:
            state: dict[str, Any] = checkpoint.decode(data)
            found = {key: state[key] for key in expected}
            fits = all(checkpoint.state_of(item).keys() == part.keys() for item, part in self._parts(state))
        except (msgspec.DecodeError, AttributeError, TypeError, KeyError, ValueError) as error:
            raise InputError(
                "point de reprise abîmé ; prenez-en un nouveau", "damaged checkpoint; take a new one"
            ) from error
        if found != expected or not fits:
            raise InputError(
                f"point de reprise de {found} ; il faut {expected} et la même version",
                f"checkpoint of {found}; {expected} and the same version are needed",
            )
        return state

    def state_hash(self) -> str:
        """SHA-256 of the state: two runs are the same if theirs are."""
        return hashlib.sha256(self.checkpoint()).hexdigest()


def _check_tags(line: Line, points: Mapping[str, Point]) -> None:
    for number, tag in enumerate(line.tags):
        if tag.signal is not None and tag.signal not in points:
            asset = tag.signal.partition(".")[0]
            known = ", ".join(name for name in points if name.startswith(f"{asset}."))
            with located(line, "tags", number, "signal"):
                raise InputError(
                    f"variable {tag.id} : signal {tag.signal} inconnu ; choisissez parmi : {known}",
                    f"tag {tag.id}: unknown signal {tag.signal}; choose one of: {known}",
                )
