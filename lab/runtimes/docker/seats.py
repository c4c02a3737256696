"""Containers that stand in a lab's zones beside the line, each made when it is first wanted: workstations and agents."""

import asyncio
import contextlib
import os
import shutil
import socket
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from lab.labs import Job
from lab.runtimes.docker import images
from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import AGENT_NEED, ContainerLayout, LabLayout, workstation_layout
from lab.runtimes.docker.objects import RUN, LabObjects, give
from lab.runtimes.docker.settings import Settings
from simulators.errors import InputError, StartError, UsineError
from simulators.model import Line
from simulators.network.addresses import AddressBook, workstation

ANSWER_LIMIT_S = 30.0
LOOK_S = 0.05
WORKSTATION_SOCKET, AGENT_SOCKET = "workstation.sock", "agent.sock"


class Seats:
    """One lab's. A container that has ended, for nobody used it, is made again."""

    enforces_zones = True

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        gate: Gate,
        objects: LabObjects,
        line: Line,
        layout: LabLayout,
        run: Path,
    ) -> None:
        self._engine, self._settings, self._gate = engine, settings, gate
        self._objects, self._line, self._layout, self._run = objects, line, layout, run
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._book = AddressBook(line)

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """A connection from the zone's workstation to a host (network.forward.Way). Raises: OSError."""
        del source  # the workstation's own
        try:
            return await self._workstation(zone, {"connect": [address, port]})
        except UsineError as error:
            raise OSError(error.text.en) from error

    async def terminal(self, zone: str, columns: int, rows: int) -> socket.socket:
        """A terminal on the zone's workstation, which speaks in `simulators.workstation.frames`. Raises: UsineError."""
        self._line.zone(zone)
        await self._gate.do(images.check, self._engine, self._settings, "workstation")
        try:
            return await self._workstation(zone, {"terminal": [columns, rows]})
        except OSError as error:
            raise StartError(
                f"pas de terminal dans {zone} : {error}", f"no terminal in {zone}: {error}"
            ) from error

    async def agent(self, job: Job) -> socket.socket:
        """A connection to the agent that does the job, from the address that it claims. Raises: UsineError."""
        zone, source = job.zone, str(job.arguments.get("source") or "")
        self._line.zone(zone)
        own = source or workstation(self._line, zone)
        self._book.check(zone, own)
        await self._gate.do(images.check, self._engine, self._settings, "platform")
        host, name = await self._host(zone, own)
        memory, cpu, processes = AGENT_NEED
        part = f"agent-{name}"
        container = ContainerLayout(
            part, "platform", ("python3", "-m", "lab.runtimes.docker.agent", f"{RUN}/{AGENT_SOCKET}"),
            {"USINE_ADDRESS": own}, {}, memory, cpu, processes,
        )  # fmt: skip
        return await self._reached(part, container, AGENT_SOCKET, inside=host)

    async def close(self) -> None:
        """Their sockets' folders go; the containers go with the lab's."""
        for folder in self._run.glob("seat-*"):
            shutil.rmtree(folder, ignore_errors=True)

    async def _workstation(self, zone: str, request: dict[str, Any]) -> socket.socket:
        container = workstation_layout(self._line, zone, self._settings.user)
        connected = await self._reached(container.part, container, WORKSTATION_SOCKET)
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

    async def _host(self, zone: str, address: str) -> tuple[str, str]:
        """The container whose network the address is that of, made if there is none, and a name for who sits in it."""
        owner = self._book.owner(address)
        device = next((d for d in self._line.devices if d.id == owner and zone in d.interfaces), None)
        if device is not None and device.kind != "gateway":
            present = await self._gate.do(self._objects.present)
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
        container = workstation_layout(self._line, zone, self._settings.user, None if own else address)
        (await self._reached(container.part, container, WORKSTATION_SOCKET)).close()
        present = await self._gate.do(self._objects.present, "seat")
        return present[container.part].id, zone if own else container.part

    async def _reached(
        self, part: str, container: ContainerLayout, socket_name: str, inside: str | None = None
    ) -> socket.socket:
        """A connection to the seat's own socket; it is made, or started again, where nobody answers. Raises: UsineError."""
        folder = self._run / f"seat-{part}"
        path = folder / socket_name
        async with self._locks[part]:
            with contextlib.suppress(OSError):
                return await _connect(path)
            await self._make(part, container, folder, inside)
            deadline = time.monotonic() + ANSWER_LIMIT_S
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    return await _connect(path)
                await asyncio.sleep(LOOK_S)
        present = await self._gate.do(self._objects.present, "seat")
        said = await self._gate.do(self._engine.last_words, present[part].id) if part in present else ""
        raise StartError(
            f"{part} ne répond pas après {ANSWER_LIMIT_S:.0f} s : {said or '–'}",
            f"{part} does not answer after {ANSWER_LIMIT_S:.0f} s: {said or '–'}",
        )

    async def _make(self, part: str, container: ContainerLayout, folder: Path, inside: str | None) -> None:
        present = await self._gate.do(self._objects.present, "seat")
        if part in present:
            # Never started again: the container that it sat in may be another now.
            await self._gate.do(self._engine.remove, present[part].id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.iterdir():
            left.unlink()
        give(folder, self._settings.user)
        await self._gate.do(self._objects.make_seat, self._layout, container, folder, inside)


async def _connect(path: Path) -> socket.socket:
    """Through a descriptor of the folder: a path of more than 107 characters cannot be connected to. Raises: OSError."""
    connected = socket.socket(socket.AF_UNIX)
    connected.setblocking(False)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        await asyncio.get_running_loop().sock_connect(connected, f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        connected.close()
        raise
    finally:
        os.close(folder)
    return connected


async def _line(connected: socket.socket) -> bytes:
    """One line, byte by byte: what follows belongs to somebody else. Raises: OSError."""
    loop, line = asyncio.get_running_loop(), b""
    while not line.endswith(b"\n"):
        byte = await loop.sock_recv(connected, 1)
        if not byte:
            raise OSError("closed")
        line += byte
    return line
