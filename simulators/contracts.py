"""The seams of a running line: what host, devices, plant, PLCs and network expect of each other."""

import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from simulators.clock import Clock
from simulators.model import Device as DeviceSpec
from simulators.model import Line
from simulators.plc.image import Image, Value
from simulators.text import Text


class Vibration(msgspec.Struct, frozen=True, array_like=True):
    """The last second of acceleration at 12.8 kHz, and what a vibration sensor shows of it (ISO 13373-1).

    `samples`: 12 800 little-endian int16, full scale ±16 g. RMS and peak in g; the kurtosis of noise is 3, of rest 0.
    """

    samples: bytes
    rms_g: float = 0.0
    peak_g: float = 0.0
    kurtosis: float = 0.0


class FieldIO(Protocol):
    """The plant as its sensors and actuators see it (`signal` is `asset.quantity`)."""

    def read(self, signals: Sequence[str]) -> list[Value]:
        """What the sensors report: the truth through each sensor's noise, drift and faults."""
        ...

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        """Drive actuators."""
        ...

    def vibration(self, asset: str) -> Vibration:
        """What an accelerometer on a motor hears."""
        ...


Mode = Literal["RUN", "STOP", "PROGRAM"]


FaultKind = Literal["other", "division", "range", "watchdog"]


class Fault(msgspec.Struct, frozen=True):
    """Why a program stopped; `line` is that of its source, 0 where it is not known."""

    kind: FaultKind
    line: int
    text: Text


class Diagnostics(msgspec.Struct, frozen=True):
    """A PLC's status tags. `fault` is what `cause` says, in the language of the PLC's process; empty without one."""

    mode: Mode
    fault: str
    scan_last_us: int
    scan_max_us: int
    scan_count: int
    overruns: int
    uptime_s: int
    program_sha256: str
    cause: Fault | None = None


class Plc(Protocol):
    """The logic solver behind a PLC's network server (`simulators.plc.scan.ScanCycle`)."""

    image: Image

    def diagnostics(self) -> Diagnostics: ...

    def set_mode(self, mode: Mode) -> None: ...

    def download(self, source: str) -> str:
        """Compile and install a program; returns its SHA-256. Raises: StError: nothing changed."""
        ...

    def upload(self) -> str:
        """The source of the program installed."""
        ...


class Network(Protocol):
    """Where the line's sockets live: a namespace per zone, or flat loopback.

    Addresses are the line's own (`10.20.1.10`, 502) whatever carries them.
    """

    enforces_zones: bool

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        """A listening, non-blocking TCP socket. Raises: StartError: the address is taken."""
        ...

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        """A connected, non-blocking TCP socket from `source`, a host of `zone`. Raises: OSError."""
        ...

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        """The real host and port that stand for `address`:`port` seen from `zone` (same in namespaces)."""
        ...

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program inside `zone`; options as of `subprocess.Popen`."""
        ...


class Health(msgspec.Struct, frozen=True):
    """Of one device. `state` is what a lamp shows; `detail` says why it is not `ok`."""

    state: Literal["starting", "ok", "degraded", "failed", "stopped"]
    detail: Text | None = None
    figures: dict[str, float | int | str] = {}


class Device(Protocol):
    """One device of the line, in the process that hosts it.

    Its module in `simulators/devices` has `KIND`, `parse(text, name) -> Config` (raises InputError) and
    `create(context, config) -> Device`, which opens and starts nothing: a configuration is checked by making a device
    of it. `step` and `publish` do no input or output and never wait.
    """

    async def start(self) -> None:
        """Return once it answers its own protocol. Raises: StartError."""
        ...

    async def stop(self) -> None:
        """Release every socket, task and process; harmless twice, or before start."""
        ...

    def step(self, t_s: float) -> None:
        """One simulated step has passed (the host calls it for every one, whatever the speed)."""
        ...

    def publish(self, t_s: float) -> None:
        """Bring what the network sees up to date: once per wake-up of the host, after its steps."""
        ...

    def health(self) -> Health: ...


class Historian(Protocol):
    """Where SCADA keeps values."""

    def record(self, rows: Sequence[tuple[str, float, Value, str]]) -> None:
        """Keep (tag, unix seconds, value, quality) rows; buffered, committed about once a second."""
        ...


@dataclass(frozen=True)
class Context:
    """What a device is given. `folder` is its own, for logs, certificates and data that survive a restart."""

    line: Line
    spec: DeviceSpec
    network: Network
    field: FieldIO
    clock: Clock
    folder: Path
    seed: int
    plc: Plc | None = None
    devices: Mapping[str, Device] | None = None  # the host's live table, by id: for the historian's clients
    log: Callable[..., None] = lambda _event, **_fields: None
