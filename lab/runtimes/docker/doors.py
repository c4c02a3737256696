"""Beside a line that is in one container: ways in through its own doors, and an agent for each of its zones."""

import asyncio
import socket
from pathlib import Path

from lab.connection import LabConnection, connect
from lab.labs import Job
from lab.runtimes.docker.agent import ENTER_VARIABLE
from lab.runtimes.docker.layout import AGENT_NEED, COMPACT, RUN, ContainerLayout
from lab.runtimes.docker.reach import Reach, reached
from simulators.errors import StartError, ToolMissingError
from simulators.host.plan import Plan
from simulators.model import Line
from simulators.network.forward import door_path


class Doors:
    """Keeps what `seats.Seats` does. The container's first process is the line; its namespaces are entered from there."""

    enforces_zones = True

    def __init__(self, reach: Reach, plan: Plan, line: Line, run: Path) -> None:
        self._reach, self._plan, self._line, self._run = reach, plan, line, run

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """A connection to a device, from its zone's workstation. Raises: OSError."""
        del zone, source, port  # the door leads there
        device = next(d for d in self._line.devices if address in d.interfaces.values())
        return await reached(door_path(self._run, device.id))

    async def terminal(self, zone: str, columns: int, rows: int) -> socket.socket:
        """None: whoever has a shell there is beside the line itself."""
        del zone, columns, rows
        raise ToolMissingError(
            f"{self._plan.name} est dans un seul conteneur : pas de poste de travail ; prenez le runtime docker",
            f"{self._plan.name} is in one container: no workstation; take the runtime docker",
        )

    async def agent(self, job: Job) -> socket.socket:
        """A connection to the agent of the job's zone. Raises: UsineError."""
        self._line.zone(job.zone)
        entry = await asyncio.to_thread(self._entry, job.zone)
        memory, cpu, processes = AGENT_NEED
        container = ContainerLayout(
            f"agent-{job.zone}", "platform", ("python3", "-m", "lab.runtimes.docker.agent", f"{RUN}/agent.sock"),
            {ENTER_VARIABLE: f"1:{entry['user']}:{entry['net']}"}, {}, memory, cpu, processes, own_namespaces=True,
        )  # fmt: skip
        present = await self._reach.present("line")
        if COMPACT not in present:
            raise StartError("le conteneur de la ligne a disparu", "the line's container is gone")
        return await self._reach.seat(container, "agent.sock", beside=present[COMPACT].id)

    async def close(self) -> None:
        """Their sockets' folders go; the containers go with the lab's."""
        self._reach.clear()

    def _entry(self, zone: str) -> dict[str, int]:
        with LabConnection(self._plan.name, connect(self._plan)) as lab:
            entry = lab.request("enter", zone=zone)
        if entry is None:
            raise ToolMissingError(
                f"{self._plan.name} : le moteur refuse les espaces de noms, ses zones ne sont pas séparées",
                f"{self._plan.name}: the engine refuses namespaces, its zones are not enforced",
            )
        return dict(entry)
