"""Runs a supervisor until it is told to end."""

import os
import signal
import sys
from collections.abc import Mapping

from lab.paths import default_paths
from lab.runtimes.contract import Runtime
from lab.runtimes.docker.link import StewardLink
from lab.runtimes.docker.runtime import DockerRuntime
from lab.runtimes.limits import Limits
from lab.runtimes.local import LocalRuntime
from lab.runtimes.names import CONTAINERS, SWARM
from lab.supervisor.supervisor import Supervisor
from simulators.errors import InputError, UsineError

RUNTIME_VARIABLE = "USINE_RUNTIME"


def main() -> int:
    """Returns the process's exit status."""
    paths = default_paths()
    try:
        paths.prepare()
        local = LocalRuntime(Limits(), paths.supervisor_log)
        steward = StewardLink(paths.home, paths.supervisor_log)
        head = StewardLink(paths.home, paths.supervisor_log, "lab.runtimes.swarm.head")
        containers = [
            *(DockerRuntime(name, paths.home, steward) for name in CONTAINERS),
            *(DockerRuntime(name, paths.home, head) for name in SWARM),
        ]
        runtimes: dict[str, Runtime] = {
            local.name: local,
            **{runtime.name: runtime for runtime in containers},
        }
        supervisor = Supervisor(paths, runtimes, usual_runtime(runtimes))
    except UsineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: supervisor.end(labs=True))
    local.warm()
    supervisor.serve()
    return 0


def usual_runtime(runtimes: Mapping[str, Runtime]) -> str:
    """What carries labs that are asked for without a runtime, as the pages do. Raises: InputError: there is no such one."""
    chosen = os.environ.get(RUNTIME_VARIABLE) or LocalRuntime.name
    if chosen not in runtimes:
        known = ", ".join(runtimes)
        raise InputError(
            f"{RUNTIME_VARIABLE}={chosen} : runtime inconnu ; choisissez parmi : {known}",
            f"{RUNTIME_VARIABLE}={chosen}: unknown runtime; choose one of: {known}",
        )
    return chosen


if __name__ == "__main__":
    sys.exit(main())
