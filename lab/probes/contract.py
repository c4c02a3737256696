"""What a probe is: a name, typed arguments, the outcomes that it tells apart, and a function that looks."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import msgspec

from lab.labs import Connection, Labs
from simulators.errors import InputError, NotFoundError
from simulators.model import Line
from simulators.text import Text

LIMIT_S = 10.0


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer, in the protocol's own words, short enough to read."""

    request: str
    answer: str


class Finding(msgspec.Struct, frozen=True):
    """What a probe saw. `observed` is one of the probe's outcomes; `said` tells a person."""

    observed: str
    said: Text
    figures: dict[str, float] = {}
    exchanges: list[Exchange] = []


class Evidence(msgspec.Struct, frozen=True):
    """A finding, with all that is needed to look at it again. Kept in the event log and shown.

    `observed` is `silent` when nothing answered within the limit: that is no refusal, and proves nothing.
    """

    probe: str
    arguments: dict[str, Any]
    observed: str
    said: Text
    figures: dict[str, float] = {}
    exchanges: list[Exchange] = []
    unix_s: float = 0.0
    duration_s: float = 0.0


class Where(Protocol):
    """A place in a zone of one lab, for a probe or an attack that runs there with ordinary sockets.

    The process that holds it is inside the zone's network: nothing else can be reached from it.
    """

    line: Line
    zone: str

    def address(self, device: str, port: int | None = None) -> tuple[str, int]:
        """Host and port to connect to for a device (its own port unless another is named).

        Raises:
            InputError: no such device, or it cannot be reached by that port on this machine.
        """
        ...

    def check(self, host: str) -> str:
        """`host`, if it is an address of this lab's own zones. Raises: InputError: it is not."""
        ...

    def claim(self, source: str) -> str:
        """The address to speak from: `source`, or the zone's workstation where it is empty.

        Raises:
            InputError: it is no address of the lab, or not one that this place can have.
        """
        ...


class Inside(Protocol):
    """The lab from the grader's side, out of band: the control channel, and the plant's own truth.

    `line` has the addresses of this lab. `rules` is what the trainee wrote in the rule editor, in the addresses that the
    line's files have. `seed` is drawn for this check and never shown:
    hidden runs start from it. `labs` starts hidden labs, whose names begin with `hidden-`.
    """

    line: Line
    lab: Connection
    lab_name: str
    labs: Labs
    rules: str
    parameters: dict[str, Any]
    seed: int
    runtime: str

    def doing(self, text: Text) -> None:
        """Tell who waits what a long observation is at."""
        ...


class Ahead(msgspec.Struct, frozen=True):
    """What hidden runs are made of before there is a lab to check; `patient`: nobody waits for them yet."""

    line: Line
    labs: Labs
    seed: int
    runtime: str = "local"
    patient: bool = False


InZone = Callable[[Where, Any], Awaitable[Finding]]
OutOfBand = Callable[[Inside, Any], Finding]


@dataclass(frozen=True)
class Probe:
    """`arguments` is a frozen msgspec Struct (unknown fields forbidden): its schema goes to editors.

    `refusals` are the outcomes in which a request was refused: a check that expects one needs a control.
    `ahead` plays the hidden runs of a seed and keeps them, so that `look` finds them there. `ready` makes what takes
    time and serves any number of looks: once, before processes are forked for them.
    """

    name: str
    arguments: type[msgspec.Struct]
    outcomes: tuple[str, ...]
    look: InZone | OutOfBand
    place: Literal["zone", "inside"]
    refusals: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    limit_s: float = LIMIT_S
    ahead: Callable[[Ahead], object] | None = None
    ready: Callable[[], object] | None = None


@cache
def probes() -> dict[str, Probe]:
    """Every probe by its name (`opcua.session`): what the modules of this package call `PROBES`."""
    found: dict[str, Probe] = {}
    package = importlib.import_module("lab.probes")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        for probe in getattr(importlib.import_module(f"lab.probes.{module.name}"), "PROBES", ()):
            if probe.name in found:
                raise InputError(f"sonde {probe.name} définie deux fois", f"probe {probe.name} defined twice")
            found[probe.name] = probe
    return found


def probe(name: str) -> Probe:
    """Raises: NotFoundError: no such probe; says which there are."""
    known = probes()
    if name not in known:
        raise NotFoundError(
            f"sonde {name} inconnue ; choisissez parmi : {', '.join(known)}",
            f"unknown probe {name}; choose one of: {', '.join(known)}",
        )
    return known[name]
