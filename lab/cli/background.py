"""Starting the supervisor when a command needs it and none runs."""

import os
import subprocess
import sys
import time

from lab.connection import SupervisorClient
from lab.paths import Paths
from simulators.errors import StartError

START_LIMIT_S = 20.0
LOOK_S = 0.01


def ensure_supervisor(paths: Paths) -> subprocess.Popen[bytes] | None:
    """Have a supervisor that answers; returns its process if this call started it.

    Raises:
        StartError: it does not start; names its log.
    """
    client = SupervisorClient(paths)
    if client.running():
        return None
    paths.prepare()
    paths.token()
    with paths.supervisor_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "USINE_HOME": str(paths.home), "MALLOC_ARENA_MAX": "1"},
        )
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if client.running():
            return process
        time.sleep(LOOK_S)
    raise StartError(
        f"le superviseur ne démarre pas ; voyez {paths.supervisor_log}",
        f"the supervisor does not start; see {paths.supervisor_log}",
    )
