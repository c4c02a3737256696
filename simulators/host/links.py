"""The crew of a line whose devices run in processes of their own, each behind its link (crew.Crew)."""

import asyncio
import contextlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from simulators.clock import Clock
from simulators.contracts import FieldIO, Health, Vibration
from simulators.errors import StartError, UsineError
from simulators.host.bus import Time, Welcome, part_token
from simulators.host.contribution import Contribution, joined
from simulators.host.link import Link
from simulators.host.plan import Plan
from simulators.host.rack import FIRST, Progress
from simulators.host.refusal import refused
from simulators.model import PLC_KINDS, Line
from simulators.network.wire import Message, Wire, place
from simulators.os_errors import os_words
from simulators.plc.address import parse_address
from simulators.plc.image import Value
from simulators.snapshot import DeviceStatus
from simulators.text import Text

# The parts of thirty labs may be starting side by side.
START_LIMIT_S = 240.0
TOKEN_LIMIT_S = 5.0
# Of the wall: a PLC that has not answered by then does so later, with the outputs of an earlier step.
CYCLE_LIMIT_S = 0.05
# Simulated time without an answer, then the outputs that a PLC drives are FALSE or 0, as in a remote I/O's own watchdog.
FIELD_WATCHDOG_S = 1.0
WINDOW_PERIOD_STEPS = 50
SYNC_PERIOD_S = 5.0
CONTRIBUTION_LIMIT_S = 1.0
ROWS_MAX = 50_000
TURNS_MAX = 10


class Links:
    """Parts dial in; `plant` is what their sensors read and their actuators drive.

    Each step, every PLC that is there gets its inputs and is waited for, so that the run is the one that a single
    process would make. A part that has gone is seen at once, by the end of its connection.
    """

    def __init__(
        self, plan: Plan, line: Line, plant: FieldIO, clock: Clock, log: Callable[..., None]
    ) -> None:
        self._plan, self._line, self._plant, self._clock, self._log = plan, line, plant, clock, log
        self._specs = {device.id: device for device in line.devices}
        self._links: dict[str, Link] = {}
        self._wires: set[Wire] = set()
        self._life = secrets.token_hex(8)
        self._files = _files(line)
        self._server: asyncio.Server | None = None
        self._sync: asyncio.Task[None] | None = None
        self._progress: Progress = lambda _device, _state: None
        self._news = asyncio.Event()
        self._refusals: dict[str, UsineError] = {}
        self._lost: dict[str, Text] = {}
        self._restarts = dict.fromkeys(self._specs, -1)
        self._step = 0
        self._awaited: set[str] = set()
        self._round: asyncio.Future[None] | None = None
        self._plcs = {device.id: _driven(line, device.id) for device in line.devices_of(*PLC_KINDS)}
        self._answered_s = dict.fromkeys(self._plcs, 0.0)
        self._rows: list[Any] = []
        self._begun = False

    # The crew

    async def open(self) -> None:
        """Listen for the parts; before `start`. Raises: StartError."""
        where = place(self._plan.bus or "")
        try:
            if isinstance(where, str):
                Path(where).unlink(missing_ok=True)
                self._server = await asyncio.start_unix_server(self._serve, where)
            else:
                self._server = await asyncio.start_server(self._serve, *where)
        except OSError as error:
            why = os_words(error)
            raise StartError(
                f"bus {self._plan.bus} impossible ({why.fr})",
                f"bus {self._plan.bus} is not possible ({why.en})",
            ) from error

    async def start(self, progress: Progress = lambda _device, _state: None) -> None:
        self._progress = progress
        if self._server is None:
            await self.open()
        deadline = time.monotonic() + START_LIMIT_S
        while not all(self._state(device) != "starting" for device in self._specs):
            for refusal in self._refusals.values():
                raise refusal
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise self._incomplete()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left_s)
        self._begun = True
        self._sync = asyncio.create_task(self._keep_in_time(), name="clock of the parts")

    def guard(self) -> None:
        """Each part guards its own device, and the runtime each part."""

    async def stop(self) -> None:
        if self._sync is not None:
            self._sync.cancel()
        if self._server is not None:
            self._server.close()
        for wire in list(self._wires):
            wire.abort()
        for _ in range(TURNS_MAX):  # the loop closes them in its next turns
            if not self._wires:
                break
            await asyncio.sleep(0)

    def scan(self, t_s: float) -> Awaitable[None] | None:
        return self._cycle(t_s) if self._links else None

    def step(self, t_s: float) -> Awaitable[None] | None:
        return self._cycle(t_s)

    def publish(self, t_s: float) -> None:
        """The values of this instant, to those that only read."""
        self._step = self._number(t_s)
        for link in self._links.values():
            due = abs(self._step - link.sent_step) >= link.every
            if due and link.read and link.part not in self._plcs:
                link.offer(self._inputs(link))

    def retime(self) -> None:
        now = self._now()
        for link in self._links.values():
            link.retime(now)

    def green(self) -> bool:
        return all(self._state(device) == "ok" for device in self._specs)

    async def contribution(self) -> Contribution:
        parts = await asyncio.gather(*(self._contribution(device) for device in self._specs))
        return joined(list(parts))

    async def ask(self, device: str, verb: str, arguments: Mapping[str, Any]) -> Any:
        link = self._links.get(device)
        if link is None:
            if device:
                self._line.device(device)
            raise self._away(device)
        try:
            return await link.ask(device, verb, arguments)
        except ConnectionError as error:
            raise self._away(device) from error

    # The cycle

    async def _cycle(self, t_s: float) -> None:
        self._step = self._number(t_s)
        here = [link for link in self._links.values() if link.part in self._plcs]
        self._awaited = {link.part for link in here if link.offer(self._inputs(link))}
        if self._awaited:
            self._round = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CYCLE_LIMIT_S):
                    await self._round
            self._round = None
        for plc, answered_s in self._answered_s.items():
            if t_s < answered_s:
                self._answered_s[plc] = t_s
            elif t_s - answered_s > FIELD_WATCHDOG_S:
                self._plant.write(list(self._plcs[plc]), list(self._plcs[plc].values()))

    def _inputs(self, link: Link) -> Message:
        message: Message = {"step": self._step, "in": self._plant.read(link.read)}
        if link.listen and self._step // WINDOW_PERIOD_STEPS != link.sent_step // WINDOW_PERIOD_STEPS:
            message["windows"] = {asset: self._window(asset) for asset in link.listen}
        link.sent_step = self._step
        return message

    def _window(self, asset: str) -> Vibration:
        try:
            return self._plant.vibration(asset)
        except UsineError:
            return Vibration(b"")

    def _drive(self, part: str, message: Message) -> None:
        driven: dict[str, Value] = message["out"]
        known = self._plcs.get(part, {})
        mine = {signal: value for signal, value in driven.items() if signal in known}
        self._plant.write(list(mine), list(mine.values()))
        if part in known or part in self._answered_s:
            self._answered_s[part] = message["step"] * self._line.step_s
        if message["step"] == self._step:
            self._awaited.discard(part)
            if not self._awaited and self._round is not None and not self._round.done():
                self._round.set_result(None)

    def _number(self, t_s: float) -> int:
        return round(t_s / self._line.step_s)

    # A part's life

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        self._wires.add(wire)
        part = ""
        try:
            async with asyncio.timeout(TOKEN_LIMIT_S):
                part = self._admitted(await wire.receive())
            if not part:
                return
            link = self._welcome(part, wire)
            try:
                while True:
                    self._hear(link, await wire.receive())
            finally:
                self._leave(link)
        except (OSError, EOFError, TimeoutError):
            pass
        except (ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            self._log("part_misunderstood", of=part, error=repr(error))
        finally:
            self._wires.discard(wire)
            wire.close()

    def _admitted(self, first: Message) -> str:
        """The part's name; empty for a stranger."""
        part, shown = str(first.get("part", "")), str(first.get("token", ""))
        wanted = part_token(self._plan.bus_secret, part)
        return part if part in self._specs and hmac.compare_digest(shown, wanted) else ""

    def _welcome(self, part: str, wire: Wire) -> Link:
        former = self._links.pop(part, None)
        if former is not None:
            former.cut()
        link = Link(part, wire)
        welcome = Welcome(
            self._life, self._line, self._files, self._plan.seed, self._clock.origin_unix_s, self._now()
        )
        link.send({"welcome": msgspec.to_builtins(welcome)})
        self._links[part] = link
        self._restarts[part] += 1
        self._lost.pop(part, None)
        self._progress(part, "starting")
        self._let_begin()
        return link

    def _leave(self, link: Link) -> None:
        link.over()
        if self._links.get(link.part) is link:
            del self._links[link.part]
            self._lost[link.part] = Text(fr="arrêté ; redémarrage en cours", en="ended; being restarted")
            self._log("part_lost", of=link.part)
            self._awaited.discard(link.part)
            self._tell_present()
            self._news.set()

    def _hear(self, link: Link, message: Message) -> None:
        if "out" in message:
            self._drive(link.part, message)
        elif "answer" in message:
            link.answered(message)
        elif "read" in message:
            link.read, link.listen = [str(s) for s in message["read"]], [str(a) for a in message["listen"]]
            link.every = max(1, int(message.get("every", 1)))
            link.sent_step = -1
            link.send(self._inputs(link))
        elif "status" in message:
            self._status(link, msgspec.convert(message["status"], DeviceStatus))
        elif "rows" in message:
            self._keep_rows(message["rows"])
        elif "refused" in message:
            self._refusals[link.part] = refused(message["refused"])
            self._news.set()

    def _status(self, link: Link, status: DeviceStatus) -> None:
        was, link.status = link.status, status
        if was is None or was.health.state != status.health.state:
            self._progress(link.part, status.health.state)
            self._let_begin()
            self._tell_present()
            self._send_rows()
        self._news.set()

    def _let_begin(self) -> None:
        """What others connect to begins first, so that nobody's first try fails."""
        first = [d for d, spec in self._specs.items() if spec.kind in FIRST]
        open_to_all = self._begun or all(self._state(device) in {"ok", "degraded"} for device in first)
        for link in self._links.values():
            if open_to_all or link.part in first:
                link.send({"begin": True})

    def _tell_present(self) -> None:
        present = [device for device in self._specs if self._state(device) in {"ok", "degraded"}]
        for link in self._links.values():
            link.send({"present": present})

    def _state(self, device: str) -> str:
        link = self._links.get(device)
        return link.status.health.state if link is not None and link.status is not None else "starting"

    async def _contribution(self, device: str) -> Contribution:
        link = self._links.get(device)
        if link is None or link.status is None:
            return Contribution([self._absent(device)])
        try:
            said = await link.ask(device, "contribution", {}, CONTRIBUTION_LIMIT_S)
            found = msgspec.convert(said, Contribution)
        except (ConnectionError, UsineError, msgspec.ValidationError):
            return Contribution([self._absent(device)])
        # The part counts what its own host restarted; its own restarts are counted here.
        own = [
            msgspec.structs.replace(s, restarts=s.restarts + self._restarts[device]) for s in found.statuses
        ]
        return msgspec.structs.replace(found, statuses=own)

    def _absent(self, device: str) -> DeviceStatus:
        why = self._lost.get(device) or Text(fr="ne répond pas", en="does not answer")
        health = Health("starting" if self._restarts[device] < 0 else "failed", why)
        return DeviceStatus(device, self._specs[device].kind, health, max(self._restarts[device], 0))

    # Rows from SCADA to the historian

    def _keep_rows(self, rows: list[Any]) -> None:
        self._rows = (self._rows + rows)[-ROWS_MAX:]
        self._send_rows()

    def _send_rows(self) -> None:
        for spec in self._line.devices_of("historian")[:1]:
            link = self._links.get(spec.id)
            if self._rows and link is not None and self._state(spec.id) in {"ok", "degraded"}:
                link.send({"rows": self._rows})
                self._rows = []

    # Time

    async def _keep_in_time(self) -> None:
        while True:
            await asyncio.sleep(SYNC_PERIOD_S)
            self.retime()

    def _now(self) -> Time:
        return Time(self._clock.now_s(), self._clock.speed, self._clock.paused)

    # Errors

    def _incomplete(self) -> StartError:
        slow = ", ".join(device for device in self._specs if self._state(device) == "starting")
        return StartError(
            f"{self._plan.name} : pas prêt après {START_LIMIT_S:.0f} s (attendus : {slow}) ; voyez « lab logs »",
            f"{self._plan.name}: not ready after {START_LIMIT_S:.0f} s (awaited: {slow}); see 'lab logs'",
        )

    def _away(self, device: str) -> StartError:
        return StartError(
            f"{device or '–'} ne répond pas ; attendez son redémarrage, voyez « lab logs »",
            f"{device or '–'} does not answer; wait for its restart, see 'lab logs'",
        )


def _files(line: Line) -> dict[str, str]:
    """The files of the line's folder that its devices read."""
    names = {name for device in line.devices for name in (device.program, device.config) if name}
    return {name: line.text_of(name) for name in sorted(names)}


def _driven(line: Line, device: str) -> dict[str, Value]:
    """The signals that a PLC drives, with the value of each that a raw FALSE or 0 stands for."""
    return {
        tag.signal: False if tag.type == "BOOL" else tag.offset
        for tag in line.tags_of(device)
        if tag.signal and parse_address(tag.address).area == "Q"
    }
