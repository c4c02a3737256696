"""The ports on 127.0.0.1 of a lab that is taken over."""

import asyncio
import socket
import sys
import time

from simulators.errors import StartError
from simulators.host.plan import Plan
from simulators.model import Line
from simulators.network.forward import host_sockets

LIMIT_S, AGAIN_S = 10.0, 0.3


async def same_ports(plan: Plan, line: Line) -> dict[str, socket.socket]:
    """Those that the user's tools were told; who carried the lab before may still be letting go of them.

    A lab whose ports somebody else took meanwhile goes on without.
    """
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return host_sockets(line, plan.forwards)
        except StartError as error:
            if time.monotonic() > deadline:
                sys.stderr.write(f"{plan.name}: {error.text.en}\n")
                return {}
            await asyncio.sleep(AGAIN_S)
