"""Containers that stand in a lab's zones beside the line, each made when it is first wanted: workstations and agents."""

import asyncio
import socket
from collections.abc import Collection
from typing import Any, Protocol

import msgspec

from lab.labs import Job
from lab.runtimes.docker.layout import (
    AGENT_NEED,
    RUN,
    ContainerLayout,
    LabLayout,
    with_route,
    workstation_layout,
)
from lab.runtimes.docker.reach import ANSWER_LIMIT_S, Reach
from simulators.errors import InputError, StartError, UsineError
from simulators.model import Line
from simulators.network.addresses import AddressBook, workstation

WORKSTATION_SOCKET, AGENT_SOCKET = "workstation.sock", "agent.sock"


class Ways(Protocol):
    """How who is outside gets into a lab's zones (`Seats`, `doors.Doors`)."""

    @property
    def enforces_zones(self) -> bool: ...

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """A connection from the zone's workstation to a host. Raises: OSError."""
        ...

    async def terminal(self, zone: str, columns: int, rows: int) -> socket.socket:
        """A terminal on the zone's workstation, which speaks in `simulators.workstation.frames`. Raises: UsineError."""
        ...

    async def agent(self, job: Job) -> socket.socket:
        """A connection to the agent that does the job. Raises: UsineError."""
        ...

    async def close(self) -> None: ...


class Seats:
    """One lab's, where zones are networks of the engine. What has ended, for nobody used it, is made again.

    `routes` is the layout of a lab whose hosts set their route themselves, `away` are its devices on other machines.
    """

    enforces_zones = True

    def __init__(
        self, reach: Reach, line: Line, routes: LabLayout | None = None, away: Collection[str] = ()
    ) -> None:
        self._reach, self._line, self._book = reach, line, AddressBook(line)
        self._routes, self._away = routes, away

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        del source  # the workstation's own
        try:
            return await self._workstation(zone, {"connect": [address, port]})
        except UsineError as error:
            raise OSError(error.text.en) from error

    async def terminal(self, zone: str, columns: int, rows: int) -> socket.socket:
        self._line.zone(zone)
        try:
            return await self._workstation(zone, {"terminal": [columns, rows]})
        except OSError as error:
            raise StartError(
                f"pas de terminal dans {zone} : {error}", f"no terminal in {zone}: {error}"
            ) from error

    async def agent(self, job: Job) -> socket.socket:
        """The one at the address that the job claims as its source."""
        zone, source = job.zone, str(job.arguments.get("source") or "")
        self._line.zone(zone)
        own = source or workstation(self._line, zone)
        self._book.check(zone, own)
        host, name = await self._host(zone, own)
        memory, cpu, processes = AGENT_NEED
        container = ContainerLayout(
            f"agent-{name}", "platform", ("python3", "-m", "lab.runtimes.docker.agent", f"{RUN}/{AGENT_SOCKET}"),
            {"USINE_ADDRESS": own}, {}, memory, cpu, processes,
        )  # fmt: skip
        return await self._reach.seat(container, AGENT_SOCKET, inside=host)

    async def close(self) -> None:
        self._reach.clear()

    async def _workstation(self, zone: str, request: dict[str, Any]) -> socket.socket:
        connected = await self._reach.seat(self._machine(zone), WORKSTATION_SOCKET)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(connected, msgspec.json.encode(request) + b"\n")
            async with asyncio.timeout(ANSWER_LIMIT_S):
                said = msgspec.json.decode(await _line(connected), type=dict[str, Any])
        except (TimeoutError, msgspec.MsgspecError) as error:
            connected.close()
            raise OSError(str(error) or "no answer") from error
        except BaseException:
            connected.close()
            raise
        if "open" not in said:
            connected.close()
            raise OSError(str(said.get("error", "refused")))
        return connected

    def _machine(self, zone: str, address: str | None = None) -> ContainerLayout:
        container = workstation_layout(self._line, zone, self._reach.settings.user, address)
        return with_route(container, self._routes) if self._routes is not None else container

    async def _host(self, zone: str, address: str) -> tuple[str, str]:
        """The container whose network the address is that of, made if there is none, and a name for who sits in it."""
        owner = self._book.owner(address)
        device = next((d for d in self._line.devices if d.id == owner and zone in d.interfaces), None)
        if device is not None and device.id in self._away:
            raise InputError(
                f"{device.id} est sur une autre machine de l'essaim : rien ne peut partir de son adresse ; choisissez une "
                "autre source, ou un labo démarré sans --spread",
                f"{device.id} is on another machine of the swarm: nothing can come from its address; choose another "
                "source, or a lab that was started without --spread",
            )
        if device is not None and device.kind != "gateway":
            present = await self._reach.present("line")
            if device.id not in present or present[device.id].state != "running":
                raise StartError(
                    f"{device.id} ne tourne pas ; attendez son redémarrage",
                    f"{device.id} does not run; wait for its restart",
                )
            return present[device.id].id, f"{zone}-{device.id}"
        if self._book.zone_of(address) != zone:
            raise InputError(
                f"{address} n'est pas une adresse de la zone {zone} ; choisissez-en une",
                f"{address} is not an address of the zone {zone}; choose one",
            )
        own = address == workstation(self._line, zone)
        container = self._machine(zone, None if own else address)
        (await self._reach.seat(container, WORKSTATION_SOCKET)).close()
        present = await self._reach.present("seat")
        return present[container.part].id, zone if own else container.part


async def _line(connected: socket.socket) -> bytes:
    """One line, byte by byte: what follows belongs to somebody else. Raises: OSError."""
    loop, line = asyncio.get_running_loop(), b""
    while not line.endswith(b"\n"):
        byte = await loop.sock_recv(connected, 1)
        if not byte:
            raise OSError("closed")
        line += byte
    return line
