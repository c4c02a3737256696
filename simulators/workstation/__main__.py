"""`python -m simulators.workstation SOCKET`: the student's machine, until SIGTERM."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from simulators.host.privileges import NET_RAW, become, wanted_user
from simulators.workstation.server import Workstation


async def serve(path: Path) -> None:
    """Until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    workstation = Workstation(path, os.environ.get("HOME", "/"))
    await workstation.start()
    await stopped.wait()
    await workstation.stop()


if __name__ == "__main__":
    become(*wanted_user(), keep=(NET_RAW,))
    asyncio.run(serve(Path(sys.argv[1])))
