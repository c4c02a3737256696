"""One device of a line in a process of its own, with its PLC if it is one, dialled in to the plant."""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from simulators.clock import Clock
from simulators.contracts import Device, Health
from simulators.errors import InputError, StartError, UsineError
from simulators.host.bay import Bay
from simulators.host.bus import BUS_VARIABLE, PART_VARIABLE, TOKEN_VARIABLE, Time, Welcome
from simulators.host.check import note_path
from simulators.host.field import RemoteField
from simulators.host.journal import FILE, Journal
from simulators.host.network import HostNetwork
from simulators.host.note import Note, leave
from simulators.host.pace import Pace
from simulators.host.refusal import refusal
from simulators.model import PLC_KINDS, Line, Tag
from simulators.model import Device as DeviceSpec
from simulators.network.feed import FEED_VARIABLE, Feeds
from simulators.network.wire import Message, Wire, dial
from simulators.os_errors import os_words
from simulators.plc.image import Value
from simulators.snapshot import DeviceStatus

Networks = Callable[[Line, DeviceSpec], HostNetwork]

# The plant may be starting too, on a machine where much starts at once.
DIAL_LIMIT_S = 240.0
RETRY_S = 0.2
LOOK_S, REST_S = 0.1, 0.5
# What only reads the plant needs its values no more often than it says something; twice as often keeps its dates.
READS_A_PERIOD = 2
PUBLISH_REST_S = 0.009
NOTE_PERIOD_S = 5.0
# Devices that follow no step of the plant need no more than this of simulated time.
FREE_STEP_S = 0.5
START_RESTS_S = (0.5, 1.0, 2.0, 5.0)
# Another plant has begun: so must the part (sysexits.h, EX_TEMPFAIL).
EXIT_AGAIN = 75


class PartPlan(msgspec.Struct, frozen=True):
    """Which device, where its plant is, what it shows there, and the folder that survives a restart.

    `feed` is where the gateway takes what taps beside other devices see.
    """

    part: str
    bus: str
    token: str
    folder: str
    feed: str = ""


def plan_of(environment: Mapping[str, str], folder: str) -> PartPlan:
    """Raises: InputError: a variable is not set."""
    names = (PART_VARIABLE, BUS_VARIABLE, TOKEN_VARIABLE)
    lacking = ", ".join(name for name in names if not environment.get(name))
    if lacking:
        raise InputError(
            f"variables non définies : {lacking} ; le runtime les donne à chaque conteneur",
            f"variables not set: {lacking}; the runtime gives them to each container",
        )
    part, bus, token = (environment[name] for name in names)
    return PartPlan(part, bus, token, folder, environment.get(FEED_VARIABLE, ""))


async def run_part(plan: PartPlan, networks: Networks, report: Callable[[Message], None]) -> int:
    """Run until SIGTERM; returns the process's exit status. Reports `{"ready": true}` when the device answers.

    Raises:
        UsineError: no plant answers, or the device does not start.
    """
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    part = Part(plan, networks, report)
    running = asyncio.create_task(part.run())
    ending = asyncio.create_task(stopped.wait())
    await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not running.done():
        running.cancel()
    try:
        return await running
    except asyncio.CancelledError:
        return 0
    finally:
        await part.stop()


class Part:
    """Built from the plant's welcome; reconnects for ever to the same plant, and ends when another has come."""

    def __init__(self, plan: PartPlan, networks: Networks, report: Callable[[Message], None]) -> None:
        self._plan, self._networks, self._report = plan, networks, report
        self._wire: Wire | None = None
        self._plant = ""
        self._built: Built | None = None
        self._told: DeviceStatus | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = False
        self._note, self._noted_s = note_path(), 0.0

    async def run(self) -> int:
        """Returns `EXIT_AGAIN` once another plant answers. Raises: UsineError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DIAL_LIMIT_S
        while True:
            wire = None
            try:
                wire = await dial(self._plan.bus)
                wire.send({"part": self._plan.part, "token": self._plan.token})
                first = await wire.receive()
                welcome = msgspec.convert(first["welcome"], Welcome)
                if self._plant and welcome.plant != self._plant:
                    return EXIT_AGAIN
                await self._session(wire, welcome)
            except (OSError, EOFError, ValueError, KeyError, msgspec.MsgspecError) as error:
                if not self._plant and loop.time() > deadline:
                    why = os_words(error)
                    raise StartError(
                        f"{self._plan.part} : le bus {self._plan.bus} ne répond pas ({why.fr}) ; "
                        "démarrez d'abord la partie « plant »",
                        f"{self._plan.part}: the bus {self._plan.bus} does not answer ({why.en}); "
                        "start the part 'plant' first",
                    ) from error
            finally:
                self._wire = None
                if wire is not None:
                    await wire.end()
            await asyncio.sleep(RETRY_S)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._built is not None:
            await self._built.stop()

    async def _session(self, wire: Wire, welcome: Welcome) -> None:
        self._wire, self._told = wire, None
        if self._built is None:
            self._plant = welcome.plant
            self._built = self._build(welcome)
            self._spawn(self._watch())
        self._built.retime(welcome.time)
        self._wants()
        while True:
            self._hear(self._built, await wire.receive())

    def _build(self, welcome: Welcome) -> "Built":
        """Raises: UsineError: the plant is told too."""
        try:
            return Built(self._plan, welcome, self._networks, self._send, self._wants)
        except (UsineError, OSError) as error:
            told = (
                error
                if isinstance(error, UsineError)
                else StartError(f"{self._plan.part} : {error}", f"{self._plan.part}: {error}")
            )
            self._send({"refused": refusal(told)})
            raise told from error

    def _hear(self, built: "Built", message: Message) -> None:
        if "in" in message:
            built.cycle(message)
        elif "ask" in message:
            self._spawn(self._answer(built, message))
        elif "clock" in message:
            built.retime(msgspec.convert(message["clock"], Time))
        elif "present" in message:
            built.historian.present = set(message["present"])
        elif "rows" in message:
            built.record(message["rows"])
        elif "begin" in message and not self._begun:
            self._begun = True
            self._spawn(self._begin(built))

    async def _begin(self, built: "Built") -> None:
        for rest_s in itertools.chain(START_RESTS_S, itertools.repeat(START_RESTS_S[-1])):
            try:
                await built.start()
            except UsineError as error:
                # It may do after a while: an address that is not there yet, a disk that was full.
                self._send({"refused": refusal(error)})
                self._report({"error": refusal(error)})
                await asyncio.sleep(rest_s)
            else:
                self._report({"ready": True})
                return

    async def _answer(self, built: "Built", message: Message) -> None:
        answer: Message = {"answer": message["ask"]}
        try:
            result = await built.ask(message["device"], message["verb"], message["arguments"])
            answer["result"] = msgspec.to_builtins(result)
        except Exception as error:
            answer["error"] = refusal(error)
            if not isinstance(error, UsineError):
                built.bay.journal.bind("host")("request_failed", error=repr(error))
        self._send(answer)

    async def _watch(self) -> None:
        """Tell the plant what becomes of the device."""
        while True:
            told = self._told
            await asyncio.sleep(REST_S if told is not None and told.health.state == "ok" else LOOK_S)
            if self._built is None or self._wire is None:
                continue
            if self._built.hurried():
                self._wants()
            status = self._built.bay.rack.statuses()[0]
            self._leave_note(self._built, status)
            if self._begun and (self._told is None or self._told.health.state != status.health.state):
                self._told = status
                self._send({"status": msgspec.to_builtins(status)})

    def _leave_note(self, built: "Built", status: DeviceStatus) -> None:
        now = time.time()
        if now - self._noted_s > NOTE_PERIOD_S:
            self._noted_s = now
            leave(Note(status, built.spec.address, built.spec.port, now), self._note)

    def _wants(self) -> None:
        if self._built is not None:
            field = self._built.field
            self._send({"read": field.signals, "listen": field.listen, "every": self._built.every})

    def _send(self, message: Message) -> None:
        if self._wire is not None:
            with contextlib.suppress(OSError):
                self._wire.send(message)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class FarHistorian:
    """The historian as SCADA finds it when it runs elsewhere: rows go over the bus (contracts.Historian, .Device)."""

    def __init__(self, line: Line, send: Callable[[Message], None]) -> None:
        self._id = next((d.id for d in line.devices_of("historian")), "")
        self._send = send
        self.present: set[str] = set()

    def record(self, rows: Sequence[tuple[str, float, Value, str]]) -> None:
        self._send({"rows": rows})

    def health(self) -> Health:
        return Health("ok" if self._id in self.present else "stopped")

    async def start(self) -> None:
        """It runs elsewhere."""

    async def stop(self) -> None:
        """It runs elsewhere."""

    def step(self, t_s: float) -> None:
        """It runs elsewhere."""

    def publish(self, t_s: float) -> None:
        """It runs elsewhere."""


class Built:
    """The device, its field and its clock, as the welcome described them."""

    def __init__(
        self,
        plan: PartPlan,
        welcome: Welcome,
        networks: Networks,
        send: Callable[[Message], None],
        wants: Callable[[], None],
    ) -> None:
        """Raises: InputError: the line has no such device."""
        folder = Path(plan.folder)
        spec = welcome.line.device(plan.part)
        # First: from here on the process may be another user.
        network = networks(welcome.line, spec)
        line = msgspec.structs.replace(welcome.line, folder="", texts=welcome.files)
        self.clock = Clock(welcome.origin_unix_s)
        self.clock.follow(*msgspec.structs.astuple(welcome.time))
        self.field = RemoteField(_signals(line.tags_of(spec.id)), wants)
        self.historian = FarHistorian(line, send)
        (folder / spec.id).mkdir(parents=True, exist_ok=True)
        guests: dict[str, Device] = {d.id: self.historian for d in line.devices_of("historian")}
        self.bay = Bay(
            line, [spec], network, self.field, self.clock, folder, welcome.seed,
            Journal(folder / spec.id / FILE), guests if spec.kind == "scada" else None,
        )  # fmt: skip
        self._line, self.spec, self._send = line, spec, send
        self._scans = spec.kind in PLC_KINDS
        self._fed = asyncio.Event()
        self._scanned = -1
        self._published_s = float("-inf")
        self.every = 1
        self._free: Pace | None = None
        if not self._scans and not self.field.signals:
            self._free = Pace(self.clock, FREE_STEP_S, self.bay.rack.step, self.bay.publish)
        self._task: asyncio.Task[None] | None = None
        self._feed = plan.feed
        self._feeds = Feeds(network.taps, plan.token) if plan.feed else None

    async def start(self) -> None:
        """Return when the device answers its own protocol. Raises: UsineError."""
        if self._feeds is not None:
            await self._feeds.open(self._feed)
        if self._free is None:
            await self._fed.wait()
        await self.bay.start()
        self.bay.guard()
        if self._free is not None:
            self._task = asyncio.get_running_loop().create_task(self._free.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._feeds is not None:
            await self._feeds.close()
        await self.bay.stop()
        self.bay.journal.close()

    def retime(self, time: Time) -> None:
        """The line's clock was changed, or its plant is here again."""
        self.clock.follow(time.t_s, time.speed, time.paused)
        if self._free is not None:
            self._free.done = int(time.t_s / FREE_STEP_S)
            self._free.changed()

    def hurried(self) -> bool:
        """Whether the device says something more often, or less, than it did when the plant was last told."""
        period_s = getattr(self.bay.live.get(self.spec.id), "period_s", None)
        if self._scans or period_s is None:
            return False
        former = self.every
        self.every = max(1, round(period_s / READS_A_PERIOD / self._line.step_s))
        return self.every != former

    def cycle(self, message: Message) -> None:
        """The plant's values at a step: a PLC scans and answers, what reads is told."""
        self.field.take(message["in"], message.get("windows", {}))
        t_s = message["step"] * self._line.step_s
        if self._scans:
            # Values that are sent again, for the device reads another signal now, are no new step.
            if message["step"] != self._scanned:
                self._scanned = message["step"]
                self.bay.scan(t_s)
            self._send({"out": self.field.drives(), "step": message["step"]})
        self._fed.set()
        self.bay.rack.step(t_s)
        now = asyncio.get_running_loop().time()
        if now - self._published_s >= PUBLISH_REST_S:
            self._published_s = now
            self.bay.publish(t_s)

    async def ask(self, device: str, verb: str, arguments: Mapping[str, Any]) -> Any:
        """A verb of the device, or its contribution to the snapshot. Raises: UsineError."""
        if verb == "contribution":
            return await self.bay.contribution()
        return await self.bay.ask(device, verb, arguments)

    def record(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows from SCADA, for the historian that runs here."""
        for historian in self.bay.of_kind("historian").values():
            historian.record([tuple(row) for row in rows])  # type: ignore[attr-defined]  # contracts.Historian


def _signals(tags: Sequence[Tag]) -> list[str]:
    """What the device reads; a vibration sensor counts its machine's turns too."""
    signals = [tag.signal for tag in tags if tag.signal]
    signals += [f"{tag.asset}.speed_rpm" for tag in tags if tag.signal and ".vibration" in tag.signal]
    return signals


def environment_plan() -> PartPlan:
    """The plan of this process's environment. Raises: InputError."""
    return plan_of(os.environ, os.environ.get("USINE_FOLDER", "/data"))
