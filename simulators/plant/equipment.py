"""What an asset kind's file holds, and how the files are found and made into equipment.

A file of `simulators/plant/assets` names a kind (`pump.py` is kind `pump`) and holds:

| name | what |
|---|---|
| Params | frozen msgspec.Struct: the kind's constants with their defaults, overridden by `params` in the line |
| PORTS | {port: kind of port it must be joined to} (`simulators.plant.ports.KINDS`) |
| OFFERS | {port: kind of port} that others may be joined to |
| SIGNALS | {quantity: Signal} that PLCs and sensors reach as `asset.quantity` |
| FAULTS | {mode: attribute that holds its severity, 0 to 1}; an asset's `without` names those it cannot have |
| DISTURBANCES | {name: attribute} that schedules and exercises may set from outside |
| create | a slotted dataclass made from (site, params, rng); ports are fields of the same names, with metadata=WIRING |

The object's `step()` advances it by one step of the site, `stored()` gives the product's (kg, J) inside,
and an optional `running` says whether it runs.
"""

import importlib
from collections.abc import Mapping
from random import Random
from typing import Any, Literal, Protocol, cast

import msgspec

from simulators.errors import InputError
from simulators.kinds import asset_kinds
from simulators.model import Asset
from simulators.plant import assets
from simulators.plant.site import Site
from simulators.validation import fitted


class Signal(msgspec.Struct, frozen=True):
    """A quantity of an asset. A sensor is noisy (`noise`, one standard deviation) within `low` to `high`."""

    role: Literal["sensor", "actuator"]
    attribute: str
    low: float = 0.0
    high: float = 1.0
    noise: float = 0.0
    boolean: bool = False


def sensor(attribute: str, low: float, high: float, noise: float = 0.0) -> Signal:
    """An analogue measurement; `low` and `high` bound the transmitter."""
    return Signal("sensor", attribute, low, high, noise)


def switch(attribute: str) -> Signal:
    """A contact, limit switch or photo-eye."""
    return Signal("sensor", attribute, boolean=True)


def drive(attribute: str, low: float, high: float) -> Signal:
    """An analogue actuator, bounded to `low` to `high`."""
    return Signal("actuator", attribute, low, high)


def coil(attribute: str) -> Signal:
    """An on/off actuator."""
    return Signal("actuator", attribute, boolean=True)


class Equipment(Protocol):
    """One asset of a running plant."""

    def step(self) -> None: ...

    def stored(self) -> tuple[float, float]:
        """Product inside: mass (kg) and, with the equipment's own heat, energy above 0 °C (J)."""
        ...


class Kind(Protocol):
    """A module of `simulators/plant/assets`."""

    Params: type
    PORTS: Mapping[str, str]
    OFFERS: Mapping[str, str]
    SIGNALS: Mapping[str, Signal]
    FAULTS: Mapping[str, str]
    DISTURBANCES: Mapping[str, str]

    def create(self, site: Site, params: Any, rng: Random) -> Equipment: ...


# Marks a field that joins equipment: set once when the plant is built, no part of its state.
WIRING = {"wiring": True}
_NAMES = ("Params", "PORTS", "OFFERS", "SIGNALS", "FAULTS", "DISTURBANCES", "create")


def kinds() -> list[str]:
    """Every asset kind there is, by its file."""
    return asset_kinds()


def kind_of(asset: Asset) -> Kind:
    """The module of the asset's kind.

    Raises:
        InputError: no such kind, or its file is broken.
    """
    if asset.kind not in kinds():
        known = ", ".join(kinds())
        raise InputError(
            f"actif {asset.id} : type {asset.kind} inconnu ; choisissez parmi : {known}",
            f"asset {asset.id}: unknown kind {asset.kind}; choose one of: {known}",
        )
    name = f"{assets.__name__}.{asset.kind}"
    try:
        module = importlib.import_module(name)
        missing = [part for part in _NAMES if not hasattr(module, part)]
        if missing:
            raise AttributeError(", ".join(missing))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"type d'actif {asset.kind} : fichier {name} défectueux ({reason}) ; corrigez-le",
            f"asset kind {asset.kind}: file {name} is broken ({reason}); correct it",
        ) from error
    return cast("Kind", module)


def make(asset: Asset, kind: Kind, site: Site, seed: int) -> Equipment:
    """The asset, not joined yet; its random numbers depend on the seed and its name only.

    Raises:
        InputError: a parameter is unknown or out of shape.
    """
    params: Any = fitted(asset.params, kind.Params, f"actif {asset.id} : params", f"asset {asset.id}: params")
    return kind.create(site, params, Random(f"{seed}/{asset.id}"))  # noqa: S311 -- a simulation, no secret


def join(asset: Asset, kind: Kind, made: Mapping[str, tuple[Kind, Equipment]]) -> None:
    """Set the asset's ports to the equipment that the line names.

    Raises:
        InputError: a port is missing, unknown, or joined to what does not fit.
    """
    if set(asset.ports) != set(kind.PORTS):
        wanted = ", ".join(kind.PORTS) or "–"
        raise InputError(
            f"actif {asset.id} : ports {sorted(asset.ports)} ; le type {asset.kind} demande : {wanted}",
            f"asset {asset.id}: ports {sorted(asset.ports)}; kind {asset.kind} needs: {wanted}",
        )
    _, equipment = made[asset.id]
    for port, target in asset.ports.items():
        other_id, _, other_port = target.partition(".")
        offered = made[other_id][0].OFFERS if other_id in made else {}
        if offered.get(other_port) not in _fitting(kind.PORTS[port]):
            raise InputError(
                f"actif {asset.id} : port {port} : {target} ne convient pas ; il faut un port {kind.PORTS[port]}",
                f"asset {asset.id}: port {port}: {target} does not fit; a {kind.PORTS[port]} port is needed",
            )
        setattr(equipment, port, made[other_id][1])
    started = getattr(equipment, "joined", None)
    if started:
        started()


def _fitting(wanted: str) -> set[str]:
    return {wanted, "liquid_path"} if wanted == "liquid_sink" else {wanted}
