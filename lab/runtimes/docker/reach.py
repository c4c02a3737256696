"""Containers that are wanted now and then: made when nobody answers on their socket, which their lab's folder holds."""

import asyncio
import contextlib
import os
import shutil
import socket
import time
from collections import defaultdict
from pathlib import Path

from lab.runtimes.docker import images
from lab.runtimes.docker.engine import Engine, Seen
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import ContainerLayout, LabLayout
from lab.runtimes.docker.objects import LabObjects, give
from lab.runtimes.docker.settings import Settings
from simulators.errors import StartError

ANSWER_LIMIT_S = 30.0
LOOK_S = 0.05


class Reach:
    """One lab's."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        gate: Gate,
        objects: LabObjects,
        layout: LabLayout,
        run: Path,
    ) -> None:
        self.settings = settings
        self._engine, self._gate, self._objects, self._layout, self._run = engine, gate, objects, layout, run
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def present(self, role: str | None = None) -> dict[str, Seen]:
        """The lab's containers, by part."""
        return await self._gate.do(self._objects.present, role)

    async def seat(
        self, container: ContainerLayout, name: str, inside: str | None = None, beside: str | None = None
    ) -> socket.socket:
        """A connection to the socket `name` of the container, which is made where nobody answers. Raises: UsineError."""
        part = container.part
        folder = self._run / f"seat-{part}"
        async with self._locks[part]:
            with contextlib.suppress(OSError):
                return await reached(folder / name)
            await self._gate.do(images.check, self._engine, self.settings, container.image)
            await self._make(container, folder, inside, beside)
            deadline = time.monotonic() + ANSWER_LIMIT_S
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    return await reached(folder / name)
                await asyncio.sleep(LOOK_S)
        present = await self.present("seat")
        said = await self._gate.do(self._engine.last_words, present[part].id) if part in present else ""
        raise StartError(
            f"{part} ne répond pas après {ANSWER_LIMIT_S:.0f} s : {said or '–'}",
            f"{part} does not answer after {ANSWER_LIMIT_S:.0f} s: {said or '–'}",
        )

    def clear(self) -> None:
        """The sockets' folders go; the containers go with the lab's."""
        for folder in self._run.glob("seat-*"):
            shutil.rmtree(folder, ignore_errors=True)

    async def _make(
        self, container: ContainerLayout, folder: Path, inside: str | None, beside: str | None
    ) -> None:
        present = await self.present("seat")
        if container.part in present:
            # Never started again: the container that it sat in may be another now.
            await self._gate.do(self._engine.remove, present[container.part].id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.iterdir():
            left.unlink()
        give(folder, self.settings.user)
        await self._gate.do(self._objects.make_seat, self._layout, container, folder, inside, beside)


async def reached(path: Path) -> socket.socket:
    """Through a descriptor of the folder: a path of more than 107 characters cannot be connected to. Raises: OSError."""
    connected = socket.socket(socket.AF_UNIX)
    connected.setblocking(False)
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            await asyncio.get_running_loop().sock_connect(connected, f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
    except BaseException:
        connected.close()
        raise
    return connected
