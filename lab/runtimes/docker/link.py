"""The supervisor's way to its steward of the container engine: a process that is there when it is first needed."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from simulators.errors import StartError

END_LIMIT_S = 5.0


class StewardLink:
    """Starts a steward (`module`: this machine's, or the head of a swarm) at the first order, and again if it has ended."""

    def __init__(self, home: Path, log: Path, module: str = "lab.runtimes.docker.steward") -> None:
        self._home, self._log, self._module = home, log, module
        self._orders: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def order(self, order: dict[str, Any], fds: list[int]) -> None:
        """Tell it to do something, with these descriptors. Raises: StartError: there is no steward to take it."""
        packet = msgspec.json.encode(order)
        for _attempt in range(2):
            try:
                socket.send_fds(self._served(), [packet], fds)
            except OSError as error:
                self.close()
                why = error
            else:
                return
        raise StartError(
            f"le moteur de conteneurs n'a plus d'intendant ({why}) ; voyez {self._log}",
            f"the container engine has no steward ({why}); see {self._log}",
        )

    def close(self) -> None:
        """It goes; labs stay."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            try:
                self._process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _served(self) -> socket.socket:
        if self._orders is None or not self.alive:
            self.close()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", self._module, str(theirs.fileno()), str(self._home)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()],
                    start_new_session=True, preexec_fn=_own_signals,
                )  # fmt: skip
            theirs.close()
            self._orders = ours
        return self._orders


def _own_signals() -> None:
    """The supervisor's way with signals is not its steward's, who goes when its socket closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
