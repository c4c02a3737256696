"""The runtimes that a supervisor has, by name, and the one that this environment chooses."""

from collections.abc import Mapping

from simulators.errors import InputError

CONTAINERS = ("docker", "docker-compact")
SWARM = ("swarm", "swarm-compact")
RUNTIMES = ("local", *CONTAINERS, *SWARM)
# Those whose labs have a student's machine in each zone, for terminals (`lab.labs.Labs.terminal`).
WITH_WORKSTATION = frozenset({"docker"})
# Those that put one lab's devices on several machines where asked to (`lab start --spread`).
SPREADING = frozenset({"swarm"})
VARIABLE = "USINE_RUNTIME"


def chosen_runtime(environment: Mapping[str, str]) -> str:
    """What carries the labs that pages and classes start: `USINE_RUNTIME`, else `local`.

    Raises:
        InputError: there is no such runtime; says which there are.
    """
    name = environment.get(VARIABLE, "") or RUNTIMES[0]
    if name not in RUNTIMES:
        known = ", ".join(RUNTIMES)
        raise InputError(
            f"{VARIABLE}={name} : runtime inconnu ; choisissez parmi : {known}",
            f"{VARIABLE}={name}: unknown runtime; choose one of: {known}",
        )
    return name
