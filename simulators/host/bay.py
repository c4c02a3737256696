"""The devices of a line that one process hosts, with their PLCs, configurations and journal."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.clock import Clock
from simulators.contracts import Context, Device, FieldIO
from simulators.errors import NotFoundError, UsineError
from simulators.host.configurations import Configurations
from simulators.host.contribution import Contribution, contribution
from simulators.host.files import keep_text
from simulators.host.journal import Journal
from simulators.host.network import HostNetwork
from simulators.host.rack import Progress, Rack
from simulators.model import PLC_KINDS, Line, Tag
from simulators.model import Device as DeviceSpec
from simulators.plc.address import parse_address
from simulators.plc.image import Image, Value

if TYPE_CHECKING:
    from simulators.plc.scan import ScanCycle


class Bay:
    """All devices of a line, or one of them where its parts run in processes of their own.

    `guests` are devices that run elsewhere and that these find in the live table all the same.
    """

    def __init__(
        self,
        line: Line,
        specs: Sequence[DeviceSpec],
        network: HostNetwork,
        field: FieldIO,
        clock: Clock,
        folder: Path,
        seed: int,
        journal: Journal,
        guests: Mapping[str, Device] | None = None,
    ) -> None:
        self.line, self.network, self.clock, self.folder = line, network, clock, folder
        self.specs = list(specs)
        self.journal = journal
        self.configurations = Configurations(line, folder)
        self._field, self._seed = field, seed
        self.plcs: dict[str, ScanCycle] = {s.id: self._plc(s) for s in specs if s.kind in PLC_KINDS}
        self.live: dict[str, Device] = {}
        self._known: Mapping[str, Device] = {**guests} if guests else self.live
        self.rack = Rack(list(specs), self._context, self.configurations, self.live, journal.bind("host"))
        self._scans: list[Callable[[float], None]] = [plc.scan for plc in self.plcs.values()]
        self._watch: asyncio.Task[None] | None = None

    async def start(self, progress: Progress = lambda _device, _state: None) -> None:
        """Return when every device answers its own protocol. Raises: UsineError: one could not start, named."""
        await self.rack.start(progress)

    def guard(self) -> None:
        """From now on restart what fails."""
        self._watch = asyncio.create_task(self.rack.watch(), name="watch")

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self.rack.stop()
        for plc in self.plcs.values():
            plc.save()

    def scan(self, t_s: float) -> None:
        """Each PLC makes one cycle."""
        for scan in self._scans:
            scan(t_s)

    def step(self, t_s: float) -> None:
        """One simulated step: the PLCs scan, then each device is told."""
        self.scan(t_s)
        self.rack.step(t_s)

    def publish(self, t_s: float) -> None:
        """The devices bring the network up to date."""
        self.rack.publish(t_s)

    def green(self) -> bool:
        """Every device is well."""
        return self.rack.green()

    async def contribution(self) -> Contribution:
        """What its devices have to say for the lab's snapshot."""
        return contribution(self)

    async def ask(self, device: str, verb: str, arguments: Mapping[str, Any]) -> Any:
        """One verb of a device (`simulators.host.verbs.of_device`). Raises: UsineError."""
        # Here, for the verbs are made of bays.
        from simulators.host.verbs import of_device

        whose = () if verb in of_device.KIND_OF else (device,)
        return await of_device.VERBS[verb](self, *whose, **arguments)

    def retime(self) -> None:
        """The clock was changed: it is this process's own."""

    def cells(self) -> dict[str, Value]:
        """The PLCs' own values of the tags that no signal drives, in engineering units."""
        tags = [tag for plc in self.plcs for tag in self.line.tags_of(plc) if not tag.signal]
        found = {tag.id: _cell(tag, self.plcs[tag.device].image) for tag in tags}
        return {tag: value for tag, value in found.items() if value is not None}

    async def reset(self, device_id: str, factory: bool) -> None:
        """A PLC is as at the start; with `factory`, the device has its default configuration and program."""
        spec = self.line.device(device_id)
        plc = self.plcs.get(device_id)
        if plc is not None:
            if factory:
                plc.download(self.default_program(spec))
                self._program_path(device_id).unlink(missing_ok=True)
            plc.reset()
        if factory:
            self.configurations.forget(spec)
            await self.rack.restart(device_id)

    def plc(self, device_id: str) -> "ScanCycle":
        """Raises: NotFoundError: not a PLC of this line; names those there are."""
        if device_id not in self.plcs:
            known = ", ".join(device.id for device in self.line.devices_of(*PLC_KINDS))
            raise NotFoundError(
                f"{device_id} n'est pas un automate ; choisissez parmi : {known}",
                f"{device_id} is not a PLC; choose one of: {known}",
            )
        return self.plcs[device_id]

    def download(self, device_id: str, source: str, name: str | None = None) -> str:
        """Keep a program and install it in a PLC; returns its SHA-256. `name` is what errors call it.

        Raises:
            StError, InputError, NotFoundError: nothing changed.
        """
        plc = self.plc(device_id)
        plc.check(source, name)
        self.keep_program(device_id, source)
        return plc.download(source, name)

    def keep_program(self, device_id: str, source: str) -> None:
        """The PLC has this program after the lab's next start too. Raises: InputError: it cannot be written."""
        keep_text(self._program_path(device_id), source)

    def default_program(self, spec: DeviceSpec) -> str:
        """The line's own."""
        return self.line.text_of(spec.program or "")

    def of_kind(self, kind: str) -> Mapping[str, Device]:
        """The started devices of a kind."""
        return {s.id: self.live[s.id] for s in self.specs if s.kind == kind and s.id in self.live}

    def _context(self, spec: DeviceSpec) -> Context:
        return Context(
            line=self.line,
            spec=spec,
            network=self.network,
            field=self._field,
            clock=self.clock,
            folder=self.folder / spec.id,
            seed=self._seed,
            plc=self.plcs.get(spec.id),
            devices=self._known,
            log=self.journal.bind(spec.id),
        )

    def _plc(self, spec: DeviceSpec) -> "ScanCycle":
        kept = self._program_path(spec.id)
        if kept.exists():
            try:
                return self._scan_cycle(spec, kept.read_text(encoding="utf-8"))
            except (UsineError, OSError, UnicodeDecodeError) as error:
                why = error.text.en if isinstance(error, UsineError) else str(error)
                self.journal.bind(spec.id)("plc_program_unusable", why=why, instead="the line's own")
        return self._scan_cycle(spec, self.default_program(spec))

    def _scan_cycle(self, spec: DeviceSpec, source: str) -> "ScanCycle":
        # Here, for a process that hosts no PLC should not pay for the compiler.
        from simulators.plc.scan import ScanCycle

        retained = self.folder / spec.id / "retained"
        retained.parent.mkdir(parents=True, exist_ok=True)
        return ScanCycle(
            spec.id, self.line.tags_of(spec.id), self._field, source, retained, self.line.step_s,
            log=self.journal.bind(spec.id),
        )  # fmt: skip

    def _program_path(self, device_id: str) -> Path:
        return self.folder / device_id / "program.st"


def _cell(tag: Tag, image: Image) -> Value | None:
    index = image.index_of(parse_address(tag.address))
    if index is None:
        return None
    raw = image.cells[index]
    if isinstance(raw, bool | str) or (tag.gain == 1.0 and tag.offset == 0.0):
        return raw
    return raw * tag.gain + tag.offset
