"""A line, put together and running."""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from simulators.clock import Clock
from simulators.contracts import Context, Device
from simulators.errors import InputError
from simulators.host.configurations import Configurations
from simulators.host.journal import Journal
from simulators.host.pace import Pace
from simulators.host.plan import Plan
from simulators.host.rack import Progress, Rack
from simulators.host.report import Report
from simulators.model import PLC_KINDS, Line
from simulators.model import Device as DeviceSpec
from simulators.network.flat import FlatNetwork
from simulators.network.forward import Forward
from simulators.network.zones import NamespaceNetwork
from simulators.plant.engine import Plant
from simulators.plc.scan import ScanCycle

GREEN_LIMIT_S = 20.0
GREEN_LOOK_S = 0.02


class Host:
    """Owns the plant, the PLCs, the devices and the clock of one lab.

    Each simulated step: the plant moves, each PLC scans, each device is told; then, once per wake-up,
    the devices bring the network up to date.
    """

    def __init__(
        self,
        plan: Plan,
        line: Line,
        network: NamespaceNetwork | FlatNetwork,
        plant: Plant,
        ways_in: dict[str, socket.socket],
    ) -> None:
        self.plan = plan
        self.line = line
        self.network = network
        self.plant = plant
        self.folder = Path(plan.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(self.folder / "journal.jsonl")
        self.clock = Clock(plan.origin_unix_s or time.time(), plan.speed)
        self.configurations = Configurations(line, self.folder)
        self.plcs: dict[str, ScanCycle] = {d.id: self._plc(d) for d in line.devices_of(*PLC_KINDS)}
        self.live: dict[str, Device] = {}
        self.rack = Rack(
            line.devices, self._context, self.configurations, self.live, self.journal.bind("host")
        )
        self.pace = Pace(self.clock, line.step_s, self._step, self.rack.publish)
        self.report = Report(self)
        self._scans: list[Callable[[float], None]] = [plc.scan for plc in self.plcs.values()]
        self._tasks: list[asyncio.Task[None]] = []
        self._ways_in = ways_in
        self._forwards: list[Forward] = []

    async def start(self, progress: Progress = lambda _device, _state: None) -> None:
        """Return when every device answers its own protocol and is well.

        Raises:
            UsineError: a device could not start, named.
        """
        log = self.journal.bind("forward")
        self._forwards = [
            Forward(self.line, self.network, self.line.device(device_id), way_in, log)
            for device_id, way_in in self._ways_in.items()
        ]
        self._first_step()
        self.clock.jump(0.0)
        await self.rack.start(progress)
        self._tasks.append(asyncio.create_task(self.pace.run(), name="pace"))
        deadline = time.monotonic() + GREEN_LIMIT_S
        while not self.rack.green() and time.monotonic() < deadline:
            await asyncio.sleep(GREEN_LOOK_S)
        self._tasks.append(asyncio.create_task(self.rack.watch(), name="watch"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for forward in self._forwards:
            await forward.stop()
        await self.rack.stop()
        for plc in self.plcs.values():
            plc.save()
        self.journal.close()

    async def reset(self, factory: bool = False) -> None:
        """Plant and PLCs as at the start; with `factory`, default configurations and programs too."""
        self.plant.reset()
        for device_id, plc in self.plcs.items():
            if factory:
                plc.download(self._default_program(self.line.device(device_id)))
                self._program_path(device_id).unlink(missing_ok=True)
            plc.reset()
        if factory:
            self.configurations.forget()
            for device_id in self.rack.slots:
                await self.rack.restart(device_id)
        self._first_step()
        self.pace.restart()
        self.journal.bind("host")("reset", factory=factory)

    def download(self, device_id: str, source: str) -> str:
        """Install a program in a PLC and keep it; returns its SHA-256. Raises: StError, InputError."""
        sha256 = self.plc(device_id).download(source)
        self.keep_program(device_id, source)
        self.journal.bind(device_id)("program_download", sha256=sha256)
        return sha256

    def keep_program(self, device_id: str, source: str) -> None:
        """The PLC has this program after the lab's next start too."""
        path = self._program_path(device_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    def plc(self, device_id: str) -> ScanCycle:
        """Raises: InputError: not a PLC of this line; names those there are."""
        if device_id not in self.plcs:
            known = ", ".join(self.plcs)
            raise InputError(
                f"{device_id} n'est pas un automate ; choisissez parmi : {known}",
                f"{device_id} is not a PLC; choose one of: {known}",
            )
        return self.plcs[device_id]

    def ports(self) -> dict[str, int]:
        """The port on 127.0.0.1 that leads to each device that serves one."""
        return {forward.device: forward.port for forward in self._forwards}

    def of_kind(self, kind: str) -> Mapping[str, Device]:
        """The started devices of a kind."""
        return {d.id: self.live[d.id] for d in self.line.devices_of(kind) if d.id in self.live}

    def _first_step(self) -> None:
        """Before anything is served: nobody is shown the zeros of a plant and of programs that never ran."""
        self.plant.step()
        for scan in self._scans:
            scan(0.0)

    def _step(self, t_s: float) -> None:
        self.plant.step()
        for scan in self._scans:
            scan(t_s)
        self.rack.step(t_s)

    def _context(self, spec: DeviceSpec) -> Context:
        return Context(
            line=self.line,
            spec=spec,
            network=self.network,
            field=self.plant,
            clock=self.clock,
            folder=self.folder / spec.id,
            seed=self.plan.seed,
            plc=self.plcs.get(spec.id),
            devices=self.live,
            log=self.journal.bind(spec.id),
        )

    def _plc(self, spec: DeviceSpec) -> ScanCycle:
        kept = self._program_path(spec.id)
        source = kept.read_text(encoding="utf-8") if kept.exists() else self._default_program(spec)
        retained = self.folder / spec.id / "retained"
        retained.parent.mkdir(parents=True, exist_ok=True)
        return ScanCycle(spec.id, self.line.tags_of(spec.id), self.plant, source, retained, self.line.step_s)

    def _default_program(self, spec: DeviceSpec) -> str:
        return self.line.text_of(spec.program or "")

    def _program_path(self, device_id: str) -> Path:
        return self.folder / device_id / "program.st"
