"""One part of a line in a process of its own: the plant, or one device with its PLC."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.clock import Clock
from simulators.contracts import Context, Device, FieldIO, Network
from simulators.host.configurations import Configurations
from simulators.host.fieldbus import FieldServer, RemoteField
from simulators.host.journal import Journal
from simulators.host.pace import Pace
from simulators.host.plan import Plan
from simulators.host.rack import Rack
from simulators.model import PLC_KINDS, Line
from simulators.model import Device as DeviceSpec

if TYPE_CHECKING:
    from simulators.plc.scan import ScanCycle

Report = Callable[[dict[str, Any]], None]

GREEN_LIMIT_S = 60.0
GREEN_LOOK_S = 0.05


async def run_part(plan: Plan, line: Line, network: Network, report: Report) -> None:
    """Run `plan.only` until SIGTERM; reports `{"ready": true}` when it answers.

    Raises:
        UsineError: it does not start.
    """
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    if plan.only == "plant":
        await _plant(plan, line, report, stopped)
    else:
        await _device(plan, line, network, report, stopped)


async def _plant(plan: Plan, line: Line, report: Report, stopped: asyncio.Event) -> None:
    # Here, for a device's own process should not pay for what it does not need.
    from simulators.plant.engine import Plant

    plant = Plant(line, plan.seed)
    server = FieldServer(plant)
    listening = await asyncio.start_unix_server(server.serve, plan.field)
    pace = Pace(
        Clock(time.time(), plan.speed), line.step_s, lambda _t_s: plant.step(), lambda _t_s: server.publish()
    )
    task = asyncio.create_task(pace.run())
    report({"ready": True})
    await stopped.wait()
    task.cancel()
    listening.close()


async def _device(plan: Plan, line: Line, network: Network, report: Report, stopped: asyncio.Event) -> None:
    spec = line.device(plan.only or "")
    part = Part(plan, line, network, spec)
    await part.start()
    report({"ready": True})
    await stopped.wait()
    await part.stop()


class Part:
    """A device, its PLC if it is one, and the field bus to the plant."""

    def __init__(self, plan: Plan, line: Line, network: Network, spec: DeviceSpec) -> None:
        folder = Path(plan.folder)
        (folder / spec.id).mkdir(parents=True, exist_ok=True)
        self._line, self._network, self._plan, self._spec = line, network, plan, spec
        self._journal = Journal(folder / spec.id / "journal.jsonl")
        tags = [tag for tag in line.tags_of(spec.id) if tag.signal]
        signals = [tag.signal for tag in tags if tag.signal]
        # A vibration sensor counts its machine's turns too.
        signals += [f"{tag.asset}.speed_rpm" for tag in tags if tag.signal and ".vibration" in tag.signal]
        field_path = plan.field or ""
        self._field = RemoteField(lambda: asyncio.open_unix_connection(field_path), signals)
        self._clock = Clock(time.time(), plan.speed)
        self._plc = self._make_plc(self._field) if spec.kind in PLC_KINDS else None
        live: dict[str, Device] = {}
        self._rack = Rack(
            [spec], self._context, Configurations(line, folder), live, self._journal.bind("host")
        )
        self._live = live
        self._pace = Pace(self._clock, line.step_s, self._step, self._rack.publish)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._field.start()
        await self._rack.start()
        self._tasks = [asyncio.create_task(self._pace.run()), asyncio.create_task(self._rack.watch())]
        deadline = time.monotonic() + GREEN_LIMIT_S
        while not self._rack.green() and time.monotonic() < deadline:
            await asyncio.sleep(GREEN_LOOK_S)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._rack.stop()
        await self._field.stop()
        if self._plc is not None:
            self._plc.save()
        self._journal.close()

    def _step(self, t_s: float) -> None:
        if self._plc is not None:
            self._plc.scan(t_s)
        self._rack.step(t_s)

    def _make_plc(self, field: FieldIO) -> "ScanCycle":
        from simulators.plc.scan import ScanCycle

        spec = self._spec
        source = self._line.text_of(spec.program or "")
        retained = Path(self._plan.folder) / spec.id / "retained"
        return ScanCycle(spec.id, self._line.tags_of(spec.id), field, source, retained, self._line.step_s)

    def _context(self, spec: DeviceSpec) -> Context:
        return Context(
            line=self._line, spec=spec, network=self._network, field=self._field, clock=self._clock,
            folder=Path(self._plan.folder) / spec.id, seed=self._plan.seed, plc=self._plc, devices=self._live,
            log=self._journal.bind(spec.id),
        )  # fmt: skip
