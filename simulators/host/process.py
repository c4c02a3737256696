"""The life of a lab's process, from the fork (or the command line) to its end."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.devices import kinds
from simulators.errors import StartError, UsineError
from simulators.host.bay import Bay
from simulators.host.channel import Channel
from simulators.host.crew import Crew
from simulators.host.host import Host, Namespaces
from simulators.host.journal import FILE, Journal
from simulators.host.links import Links
from simulators.host.plan import Plan
from simulators.host.rack import configuration_name, parsed
from simulators.host.refusal import refusal
from simulators.host.warmth import offer_pages
from simulators.model import PLC_KINDS, Line
from simulators.network.choose import best_network, namespaces_available
from simulators.network.flat import FlatNetwork
from simulators.network.forward import Forwards, door_sockets, host_sockets
from simulators.network.zones import NamespaceNetwork
from simulators.os_errors import os_words
from simulators.plant import vibration
from simulators.plant.engine import Plant

Report = Callable[[dict[str, Any]], None]

# Most of what a lab allocates lives as long as it does: collecting young garbage rarely is enough.
GC_THRESHOLDS = (20_000, 20, 20)
REHEARSED_STEPS = 50
FILES_MAX = 4096


def preload() -> None:
    """Import and build, in a warm parent, all that its children can share."""
    for module in kinds().values():
        warm = getattr(module, "preload", None)
        if warm is not None:
            warm()
    vibration.prepare()
    namespaces_available()


def prepare(line: Line) -> None:
    """Run the line a little, in a warm parent, without its devices: what that imports, compiles and caches is shared.

    What is wrong with the line is left for its lab to say.
    """
    # Here, for a plant whose PLCs run elsewhere should not pay for the compiler.
    from simulators.plc.scan import ScanCycle

    with contextlib.suppress(UsineError):
        plant = Plant(line, seed=0)
        plcs = [
            ScanCycle(d.id, line.tags_of(d.id), plant, line.text_of(d.program or ""), None, line.step_s)
            for d in line.devices_of(*PLC_KINDS)
        ]
        for step in range(REHEARSED_STEPS):
            plant.step()
            for plc in plcs:
                plc.scan(step * line.step_s)
        plant.kpis()
        plant.assets()
        for device in line.devices:
            text = line.text_of(device.config) if device.config else ""
            parsed(device.kind, text, configuration_name(device))


def run(plan: Plan, line: Line, report: Report) -> int:
    """Run a lab until it is told to stop; returns the process's exit status.

    With `plan.bus` this process is the plant, and the devices dial in; else it is the whole line.
    `report` is told `{"device", "state"}` for each device, then `{"ready": true, "forwards", "zones"}` or
    `{"error": {"kind", "fr", "en"}}`.
    """
    gc.disable()
    _allow_files()
    offer_pages()
    try:
        listener = _control_listener(Path(plan.control))
        carriage = _apart(plan, line) if plan.bus else _together(plan, line)
        return asyncio.run(_live(plan, line, carriage, listener, report))
    except UsineError as error:
        report({"error": refusal(error)})
        return 1
    except OSError as error:
        why, log = os_words(error), "« lab doctor »"
        report({"error": refusal(StartError(
            f"{plan.name} : {why.fr} ; voyez {log}", f"{plan.name}: {why.en}; see 'lab doctor'"
        ))})  # fmt: skip
        return 1


@dataclass
class Carriage:
    """How the devices of a line are carried. `crew` is made of them once there is a plant and a clock."""

    crew: Callable[[Plant, Clock, Journal], Crew]
    enforces_zones: bool
    namespaces: Callable[[str], Namespaces | None]
    ports: Callable[[], dict[str, int]]
    open: Callable[[Journal], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def _together(plan: Plan, line: Line) -> Carriage:
    """All in this process, which leaves the host's network for the line's zones. Raises: UsineError."""
    ways_in = door_sockets(line, Path(plan.doors)) if plan.doors else host_sockets(line, plan.forwards)
    network = FlatNetwork(line) if plan.flat else best_network(line)[0]
    network.enter()
    forwards = Forwards(line, network, ways_in)

    def crew(plant: Plant, clock: Clock, journal: Journal) -> Crew:
        return Bay(line, line.devices, network, plant, clock, Path(plan.folder), plan.seed, journal)

    async def open_(journal: Journal) -> None:
        forwards.open(journal.bind("forward"))

    namespaces = network.fds if isinstance(network, NamespaceNetwork) else lambda _zone: None
    ports = (lambda: plan.forwards) if plan.doors else forwards.ports
    return Carriage(crew, network.enforces_zones, namespaces, ports, open_, forwards.close)


def _apart(plan: Plan, line: Line) -> Carriage:
    """Each in a process of its own, whose network whoever made it separated into zones."""
    made: list[Links] = []

    def crew(plant: Plant, clock: Clock, journal: Journal) -> Crew:
        made.append(Links(plan, line, plant, clock, journal.bind("host")))
        return made[0]

    async def open_(_journal: Journal) -> None:
        await made[0].open()

    async def close() -> None:
        """The crew closes its own."""

    return Carriage(crew, True, lambda _zone: None, lambda: plan.forwards, open_, close)


async def _live(plan: Plan, line: Line, carriage: Carriage, listener: socket.socket, report: Report) -> int:
    folder = Path(plan.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # It has been ready before: its process died and was started again.
    journal = Journal(folder / FILE, recall=bool(plan.forwards))
    plant = Plant(line, plan.seed)
    clock = Clock(plan.origin_unix_s or time.time(), plan.speed)
    crew = carriage.crew(plant, clock, journal)
    host = Host(
        plan, line, plant, clock, crew, journal, carriage.enforces_zones, carriage.ports, carriage.namespaces
    )
    channel = Channel(host, listener, plan.token)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, channel.stopped.set)
    try:
        await channel.start()
        await carriage.open(journal)
        await host.start(lambda device, state: report({"device": device, "state": state}))
        report({"ready": True, "forwards": host.ports(), "zones": host.enforces_zones})
        _settle()
        await channel.stopped.wait()
    finally:
        await channel.stop()
        await carriage.close()
        await host.stop()
        Path(plan.control).unlink(missing_ok=True)
    return 0


def _allow_files() -> None:
    """As many descriptors as the system lets this user have: a flood of connections takes many."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _settle() -> None:
    """What stands now stays: keep the collector, and so the copying of shared pages, off it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


def _control_listener(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        why = os_words(error)
        raise StartError(
            f"{path} : {why.fr} ; choisissez un dossier d'état plus court (USINE_HOME)",
            f"{path}: {why.en}; choose a shorter state folder (USINE_HOME)",
        ) from error
    finally:
        os.umask(mask)
    listener.listen(64)
    listener.setblocking(False)
    return listener
