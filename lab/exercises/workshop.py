"""A supervisor of its own in a folder that goes away with it: for author tests, away from the user's labs."""

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.paths import Paths

END_LIMIT_S = 15.0


def _heed_termination() -> Any:
    """Have SIGTERM leave the block like Ctrl-C does, so that no lab outlives it; the former handler, if this thread may."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    return signal.signal(signal.SIGTERM, leave)


@contextmanager
def workshop() -> Iterator[SupervisorClient]:
    """Its client; all its labs end with the block. Raises: StartError: it does not start."""
    # Short, for a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="lv") as folder:
        paths = Paths(Path(folder))
        process = ensure_supervisor(paths)
        client = SupervisorClient(paths)
        former = _heed_termination()
        try:
            yield client
        finally:
            if former is not None:
                signal.signal(signal.SIGTERM, former)
            if client.running():
                client.shutdown(labs=True)
            if process is not None:
                process.wait(END_LIMIT_S)
