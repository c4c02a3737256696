"""A lab that is on some machine: its control channel and the ports of the user's tools, here."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from lab.runtimes.swarm.machines import Machine
from lab.runtimes.swarm.streams import LINE_BYTES, Stream, join
from simulators.errors import UsineError
from simulators.host.plan import Plan
from simulators.model import Line

Order = Callable[[dict[str, Any]], Awaitable[Stream]]


def unheard(plan: Plan) -> None:
    """Forget the control channel of a lab that is not placed here yet: whoever led to it was killed, and left its path."""
    Path(plan.control).unlink(missing_ok=True)


class Placed:
    """`plan` is the supervisor's, `shape` the runtime's name; `order` gives the main machine an order.

    `machines` are those that carry it, the main one first: it has the plant, and all ways in. `start` tells this start of the lab from others.
    """

    def __init__(
        self, plan: Plan, shape: str, machine: Machine, order: Order, away: Sequence[Machine] = ()
    ) -> None:
        self.plan, self.shape, self._order = plan, shape, order
        self.start = secrets.token_hex(8)
        self.machines = [machine, *away]
        self._servers: list[asyncio.Server] = []
        self._passing: set[asyncio.Task[Any]] = set()
        self._control: int | None = None  # the socket's inode
        self.opened = False
        self.ending = False

    @property
    def machine(self) -> Machine:
        """The main one."""
        return self.machines[0]

    @property
    def names(self) -> list[str]:
        """What its machines are called."""
        return [machine.name for machine in self.machines]

    def on(self, machine: Machine) -> bool:
        """Whether it carries any of the lab."""
        return any(one.id == machine.id for one in self.machines)

    async def open(self, line: Line, ways_in: dict[str, socket.socket]) -> None:
        """Listen at the control channel's path, and at each device's port."""
        self.opened = True
        control = Path(self.plan.control)
        control.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unheard(self.plan)
        self._servers.append(
            await asyncio.start_unix_server(self._passer({"do": "control"}), str(control), limit=LINE_BYTES)
        )
        self._control = control.stat().st_ino
        for device in line.devices:
            if device.id in ways_in:
                passer = self._passer({"do": "forward", "device": device.id})
                self._servers.append(await asyncio.start_server(passer, sock=ways_in[device.id]))

    async def close(self) -> None:
        """Harmless twice."""
        # Who takes the lab over may listen at the same path already. Looked at while ours is open, for its number may then not
        # be another's.
        control = Path(self.plan.control)
        with contextlib.suppress(FileNotFoundError):
            if control.stat().st_ino == self._control:
                control.unlink()
        self._control = None
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in list(self._passing):
            task.cancel()

    def _passer(
        self, order: dict[str, Any]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._passing.add(task)
            near = Stream(reader, writer)
            try:
                with contextlib.suppress(UsineError, OSError):
                    await join(near, await self._order({**order, "lab": self.plan.name}))
            finally:
                near.close()
                self._passing.discard(task)

        return passes
