"""A supervisor of its own in a folder that goes away with it: for author tests, away from the user's labs."""

import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.paths import Paths

END_LIMIT_S = 15.0


@contextmanager
def _told_to_end() -> Iterator[Callable[[], None]]:
    """SIGTERM leaves the block as Ctrl-C does; after what is yielded is called neither does, so that no lab outlives it."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    def deafen() -> None:
        for number in former:
            signal.signal(number, signal.SIG_IGN)

    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, leave)
    try:
        yield deafen
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def workshop() -> Iterator[SupervisorClient]:
    """Its client; all its labs end with the block. Raises: StartError: it does not start."""
    # Short, for a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="lv") as folder:
        paths = Paths(Path(folder))
        process = ensure_supervisor(paths)
        client = SupervisorClient(paths)
        with _told_to_end() as deafen:
            try:
                yield client
            finally:
                deafen()
                if client.running():
                    client.shutdown(labs=True)
                if process is not None:
                    process.wait(END_LIMIT_S)
