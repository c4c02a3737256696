"""The web process that `lab up` keeps alive."""

import os
import socket
import subprocess
import sys
import time

from lab.paths import Paths
from simulators.errors import StartError
from simulators.text import language

READY_LIMIT_S = 15.0
LOOK_S = 0.02
DEFAULT_PORT = 8000
LINK_MINUTES = 12 * 60.0


class WebProcess:
    """Serves the pages on one port of 127.0.0.1; `link` opens them once for who runs this machine.

    Raises: UsineError: the accounts' database cannot be used.
    """

    def __init__(self, paths: Paths, port: int) -> None:
        self._paths = paths
        self._port = port
        self._login = owner_token(paths)
        self._process = self._start()

    @property
    def link(self) -> str:
        return f"http://127.0.0.1:{self._port}/login/{self._login}?lang={language()}"

    def wait_ready(self) -> None:
        """Raises: StartError: the page does not answer."""
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(LOOK_S)
        log = self._paths.run / "web.log"
        raise StartError(f"la page ne démarre pas ; voyez {log}", f"the page does not start; see {log}")

    def mend(self) -> bool:
        """Start it again if it has ended; says whether it had. The labs do not notice."""
        if self._process.poll() is None:
            return False
        self._process = self._start()
        return True

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._paths.run / "web.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "web.serve", "--port", str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "USINE_HOME": str(self._paths.home)},
            )


def owner_token(paths: Paths) -> str:
    """A one-time login for the account of who runs this machine. Raises: UsineError."""
    # The database's library is slow to import, and most commands need none of it.
    from lab.training.service import open_people

    people = open_people(paths)
    return people.link(people.owner(), LINK_MINUTES).token


def free_port(wanted: int | None) -> int:
    """The port wanted, or 8000 or else any free one.

    Raises:
        StartError: the one wanted is taken.
    """
    for port in (wanted,) if wanted is not None else (DEFAULT_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise StartError(
        f"le port {wanted} est pris ou interdit ; choisissez-en un autre avec --port",
        f"port {wanted} is taken or not allowed; choose another one with --port",
    )
