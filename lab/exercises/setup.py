"""Brings a lab that has just started into an exercise's starting state."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from lab.exercises.folder import file_text
from lab.exercises.model import Exercise
from lab.exercises.parameters import fill
from lab.exercises.ready import LOOK_S, Sleep, ill, snapshot, wait_until_well
from lab.labs import Connection
from simulators.clock import SPEED_MAX
from simulators.errors import StartError

Say = Callable[[dict[str, Any]], None]
WELL_LIMIT_S = 15.0
# A busy machine does not keep up with the highest speed; this many times slower is given up.
SLOWNESS = 20.0


def apply(
    exercise: Exercise,
    lab: Connection,
    parameters: Mapping[str, Any],
    *,
    progress: Say = lambda _message: None,
    sleep: Sleep = time.sleep,
    speed: float | None = None,
) -> None:
    """Configurations, faults, warm-up, then the setup's speed, or `speed`. `parameters` are all the drawn ones.

    `progress` is told `{"device", "state"}` as at the start of a lab.

    Raises:
        UsineError: a device refuses its configuration, or the lab does not get well.
    """
    for device, name in exercise.setup.configurations.items():
        progress({"device": device, "state": "configuring"})
        lab.request("configure", device=device, text=file_text(exercise, name, parameters))
        progress({"device": device, "state": "ok"})
    for fault in exercise.setup.faults:
        lab.request("fault", **fill(fault, parameters))
    if exercise.setup.warm_up_s:
        _warm_up(lab, exercise.setup.warm_up_s, sleep)
    lab.request("speed", speed=speed or exercise.setup.speed)
    # A line that is hardened at the start may refuse some of SCADA's reads; a device must answer.
    if not wait_until_well(lab, WELL_LIMIT_S, None, sleep) and ill(snapshot(lab)):
        raise StartError(
            f"exercice {exercise.id} : des équipements ne répondent pas après leur configuration ; voyez « lab logs »",
            f"exercise {exercise.id}: devices do not answer after their configuration; see 'lab logs'",
        )


def starting_configuration(exercise: Exercise, device: str, parameters: Mapping[str, Any]) -> str | None:
    """The configuration that the setup gives a device, None where it leaves the line's default. Raises: InputError."""
    name = exercise.setup.configurations.get(device)
    return None if name is None else file_text(exercise, name, parameters)


def _warm_up(lab: Connection, warm_up_s: float, sleep: Sleep) -> None:
    """Let simulated seconds pass at the highest speed. Raises: StartError: they do not, within a bound."""
    until_s = snapshot(lab).t_s + warm_up_s
    lab.request("speed", speed=SPEED_MAX)
    for _ in range(round(30 / LOOK_S + warm_up_s / SPEED_MAX * SLOWNESS / LOOK_S)):
        if snapshot(lab).t_s >= until_s:
            return
        sleep(LOOK_S)
    raise StartError(
        f"la ligne n'a pas fini sa mise en température ({warm_up_s:g} s) à temps ; machine trop chargée ?",
        f"the line did not end its warm-up ({warm_up_s:g} s) in time; is the machine overloaded?",
    )
