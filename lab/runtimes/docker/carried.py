"""One lab's life in containers, in the steward: made, watched, mended, found again, ended."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker import images
from lab.runtimes.docker.doors import Doors
from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import FIELD, ContainerLayout, LabLayout
from lab.runtimes.docker.mender import DEATHS_AT_START, DEATHS_MAX, Mender
from lab.runtimes.docker.objects import LabObjects, give
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.ports import same_ports
from lab.runtimes.docker.reach import Reach
from lab.runtimes.docker.seats import Seats, Ways
from lab.runtimes.docker.settings import Settings
from lab.runtimes.docker.shapes import Shape
from lab.runtimes.docker.storage import Kept
from lab.runtimes.docker.taps import LabTaps
from simulators.addressing import Addressing, settle
from simulators.errors import NotFoundError, StartError, UsineError
from simulators.host.journal import Journal
from simulators.host.plan import Plan
from simulators.host.refusal import refusal
from simulators.model import Line, load_line
from simulators.network.forward import Forwards, host_sockets

Report = Callable[[dict[str, Any]], None]

TRIES = 3


class CarriedLab:
    """`plan` is the supervisor's; the plant in its container has one of its own, with paths as it sees them."""

    def __init__(
        self, engine: Engine, settings: Settings, gate: Gate, pool: Pool, shape: Shape, plan: Plan
    ) -> None:
        self.plan, self._shape = plan, shape
        self._engine, self._settings, self._gate, self._pool = engine, settings, gate, pool
        self.folder = Path(plan.folder)
        self.run = Path(plan.control).parent
        given = plan.places.networks if plan.places else None
        self.objects = LabObjects(engine, settings, plan.name, self.folder, self.run, given)
        self.line: Line | None = None
        self._layout: LabLayout | None = None
        self._forwards: Forwards | None = None
        self._journal: Journal | None = None
        self._reports: asyncio.Server | None = None
        # Until forwards take them.
        self._ways_in: dict[str, socket.socket] = {}
        self.ways: Ways | None = None
        self._mender = Mender(engine, gate, self.objects, self._log, self._given_up)
        self._ending = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.lost = asyncio.Event()

    async def start(self, report: Report) -> None:
        """Make everything; `report` is told each device, then that all answer. Raises: UsineError: all is removed."""
        try:
            ways_in = await self._prepare()
            ready = await self._listen(report)
            await self._make()
            await self._until_ready(ready, report, ways_in)
        except BaseException:
            await self.end(graceful=False)
            raise

    async def alive(self) -> bool:
        """Whether the plant of a lab of this plan runs. Raises: UsineError: the engine does not answer."""
        present = await self._gate.do(self.objects.present, "line")
        return self._shape.main in present and present[self._shape.main].state == "running"

    async def adopt(self) -> None:
        """Take over a lab that runs. Raises: NotFoundError: its containers are not there; UsineError."""
        if not await self.alive():
            raise NotFoundError(
                f"{self.plan.name} : ses conteneurs ont disparu", f"{self.plan.name}: its containers are gone"
            )
        self.line = load_line(Path(self.plan.line))
        self._layout = self._laid_out(self.line, self._field_subnet())
        self._open_forwards(await same_ports(self.plan, self.line))
        for seen in (await self._gate.do(self.objects.present, "line")).values():
            if seen.state != "running":
                await self._gate.do(self._engine.start, seen.id)

    async def end(self, graceful: bool = True) -> None:
        """Remove everything of it that is on the engine; harmless twice."""
        self._ending = True
        self._mender.close()
        for task in list(self._tasks):
            task.cancel()
        if self._reports is not None:
            self._reports.close()
        for way_in in self._ways_in.values():
            way_in.close()
        self._ways_in = {}
        if self._forwards is not None:
            await self._forwards.close()
        if self.ways is not None:
            await self.ways.close()
        if graceful:
            await self._gate.all(self.objects.dismiss)
        await self._gate.one_by_one(self.objects.remove)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self.lost.set()

    def died(self, part: str, code: int | None) -> None:
        """A container of the line has ended: it is started again, unless it does nothing but end."""
        if self._ending or self._layout is None:
            return
        never_ready = self._forwards is None and part == self._shape.main
        self._mender.died(self._layout, part, code, DEATHS_AT_START if never_ready else DEATHS_MAX)

    def kept(self) -> list[Kept]:
        """The folders of this machine that it writes to."""
        return self.objects.kept(self._layout) if self._layout is not None else []

    async def shrink(self, kept: Kept, size: int | None) -> None:
        """One of them has more than it may. Raises: UsineError."""
        await self._mender.shrink(kept, size)

    def _given_up(self, part: str) -> None:
        if part == self._shape.main:
            self.lost.set()

    # The start, step by step

    async def _prepare(self) -> dict[str, socket.socket]:
        """The line at its own addresses, its networks, the ports on 127.0.0.1."""
        await self._gate.do(images.check, self._engine, self._settings, "device")
        await self._gate.one_by_one(self.objects.remove)
        model = load_line(Path(self.plan.line))
        subnets = await self._networks(model)
        self.line = load_line(Path(self.plan.line))
        ways_in = self._ways_in = host_sockets(self.line, self.plan.forwards)
        ports = {device: way_in.getsockname()[1] for device, way_in in ways_in.items()}
        self.plan = msgspec.structs.replace(self.plan, forwards=ports)
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_plan(subnets[FIELD])
        give(self.run, self._settings.user)
        give(self.folder, self._settings.user)
        return ways_in

    async def _networks(self, model: Line) -> dict[str, str]:
        """Subnets that nobody has, and the networks on them. Raises: UsineError."""
        if self.plan.places is not None:
            subnets = self.plan.places.subnets
            self._layout = self._laid_out(self._settle(model, subnets), subnets[FIELD])
            return subnets
        for attempt in range(TRIES):
            used = await self._gate.do(self._engine.subnets)
            subnets = self._shape.subnets(model, self._pool, used, self._former(model))
            try:
                line = self._settle(model, subnets)
                self._layout = self._laid_out(line, subnets[FIELD])
                await self._gate.do(self.objects.make_networks, self._layout)
            except StartError:
                # Another orchestrator of this engine was faster.
                if attempt == TRIES - 1:
                    raise
            else:
                return subnets
            finally:
                self._pool.release(subnets.values())
        raise AssertionError

    def _former(self, model: Line) -> dict[str, str]:
        """The subnets that the lab had when it last ran."""
        path = self._line_path(model)
        if not path.exists():
            return {}
        try:
            former = load_line(path)
        except UsineError:
            return {}
        return {zone.id: zone.subnet for zone in former.zones}

    def _settle(self, model: Line, subnets: dict[str, str]) -> Line:
        """Write the line at its addresses; what a trainee configured moves along. `plan.line` is then that line."""
        former = self._former(model)
        moved = Addressing(former, subnets) if former else None
        path = settle(model, subnets, self._line_path(model).parent)
        if moved is not None and not moved.identical:
            for kept in self.folder.glob("*/configuration*"):
                kept.write_text(moved.text(kept.read_text(encoding="utf-8")), encoding="utf-8")
        self.plan = msgspec.structs.replace(self.plan, line=str(path))
        return load_line(path)

    def _line_path(self, model: Line) -> Path:
        return self.folder / "line" / model.id / "line.yaml"

    def _laid_out(self, line: Line, field_subnet: str) -> LabLayout:
        """What of the lab is on this machine."""
        whole = self._shape.layout(line, field_subnet, self.plan, self._settings.user)
        away = self.plan.places.away if self.plan.places else {}
        return whole.without(away)

    def _write_plan(self, field_subnet: str) -> None:
        """The plant's own plan, with paths as its container has them."""
        line = Path(self.plan.line).relative_to(self.folder)
        inner = self._shape.inner(self.plan, line, field_subnet)
        path = self.run / "plan.json"
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(inner))

    def _field_subnet(self) -> str:
        """As the plan in the plant's own folder has it."""
        inner = msgspec.json.decode((self.run / "plan.json").read_bytes(), type=Plan)
        if inner.bus is None:
            return ""
        host = (inner.bus or "").removeprefix("tcp:").rpartition(":")[0]
        assert self.line is not None
        length = min(ipaddress.IPv4Network(zone.subnet).prefixlen for zone in self.line.zones)
        return str(ipaddress.IPv4Network(f"{host}/{length}", strict=False))

    async def _make(self) -> None:
        assert self._layout is not None
        main, *devices = self._layout.containers
        kept = msgspec.json.encode(self.plan).decode()
        await self._gate.do(self.objects.make, self._layout, main, kept)
        # To the end of all: what is made after the removal of the others would stay for ever.
        await self._gate.each(self._make_device, devices)

    def _make_device(self, container: ContainerLayout) -> None:
        """Unless the lab was given up while it waited for its turn."""
        if not self.lost.is_set():
            assert self._layout is not None
            self.objects.make(self._layout, container)

    async def _listen(self, report: Report) -> asyncio.Future[dict[str, Any]]:
        """What the plant reports; the future is its last word of the start."""
        last: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        path = self.run / "report.sock"
        path.unlink(missing_ok=True)

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                while line := await reader.readline():
                    message = msgspec.json.decode(line, type=dict[str, Any])
                    if "device" in message:
                        report(message)
                    elif not last.done():
                        last.set_result(message)
            writer.close()

        self._reports = server = await asyncio.start_unix_server(hear, str(path))
        give(path, self._settings.user)
        last.add_done_callback(lambda _last: server.close())
        return last

    async def _until_ready(
        self, ready: asyncio.Future[dict[str, Any]], report: Report, ways_in: dict[str, socket.socket]
    ) -> None:
        lost = asyncio.get_running_loop().create_task(self.lost.wait())
        ends: set[asyncio.Future[Any]] = {ready, lost}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        said = ready.result() if ready.done() else {"error": refusal(await self._never_ready())}
        if "error" in said:
            report(said)
            await self.end(graceful=False)
            return
        self._open_forwards(ways_in)
        report({**said, "forwards": self.ports(), "line": self.plan.line})

    async def _never_ready(self) -> StartError:
        present, main = await self._gate.do(self.objects.present), self._shape.main
        said = await self._gate.do(self._engine.last_words, present[main].id) if main in present else ""
        return StartError(
            f"{self.plan.name} : le conteneur principal s'arrête dès son démarrage : {said or '–'}",
            f"{self.plan.name}: the main container ends as soon as it starts: {said or '–'}",
        )

    def _open_forwards(self, ways_in: dict[str, socket.socket]) -> None:
        assert self.line is not None
        assert self._layout is not None
        self._journal = Journal(self.folder / "steward.jsonl")
        reach = Reach(self._engine, self._settings, self._gate, self.objects, self._layout, self.run)
        if not self._shape.networked:
            self.ways = Doors(reach, self.plan, self.line, self.run)
        elif self.plan.places is not None:
            self.ways = Seats(reach, self.line, self._layout, self.plan.places.away)
        else:
            self.ways = Seats(reach, self.line)
            taps = LabTaps(
                self._engine,
                self._gate,
                self.objects,
                self.plan,
                self.line,
                self._layout,
                self._settings.user,
            )
            self._spawn(taps.run())
        self._ways_in = {}
        self._forwards = Forwards(self.line, self.ways, ways_in)
        self._forwards.open(self._journal.bind("forward"))

    def ports(self) -> dict[str, int]:
        """The port on 127.0.0.1 that leads to each device."""
        return self._forwards.ports() if self._forwards is not None else {}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _log(self, event: str, **fields: Any) -> None:
        if self._journal is not None:
            self._journal.bind("host")(event, **fields)
