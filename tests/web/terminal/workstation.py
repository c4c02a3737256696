"""The workstation's own server in a thread of the test: real shells in real pseudo-terminals, without a container."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from simulators.workstation.server import Workstation
from tests.waiting import HANG_S

# What a person would have set up themselves must not show.
SHELL = ("/bin/bash", "--norc", "--noprofile", "-i")
Shells = Callable[[int, int], socket.socket]


@contextmanager
def shells() -> Iterator[Shells]:
    """Yields what opens a shell in a window of (columns, rows)."""
    # Short, for a Unix socket's path has 107 characters at most.
    with TemporaryDirectory(prefix="ue") as folder:
        path = Path(folder, "workstation.sock")
        loop = asyncio.new_event_loop()
        station = Workstation(path, folder, SHELL)
        loop.run_until_complete(station.start())
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        def opened(columns: int, rows: int) -> socket.socket:
            end = socket.socket(socket.AF_UNIX)
            end.connect(str(path))
            end.sendall(msgspec.json.encode({"terminal": [columns, rows]}) + b"\n")
            said = b""
            while not said.endswith(b"\n"):
                said += end.recv(1)
            assert said == b'{"open":true}\n'
            return end

        yield opened
        asyncio.run_coroutine_threadsafe(station.stop(), loop).result(HANG_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(HANG_S)
        loop.close()
