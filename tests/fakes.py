"""Stand-ins that keep the seams of `simulators.contracts`: a network on loopback, a field, a PLC, a small line."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.contracts import Context, Device, Diagnostics, Fault, Mode, Plc, Vibration
from simulators.errors import InputError, StartError
from simulators.model import Conduit, Line, Tag, Zone
from simulators.model import Device as DeviceSpec
from simulators.plc.address import parse_address
from simulators.plc.image import Image, Value
from simulators.text import Text

Key = tuple[str, str, int]
ORIGIN_UNIX_S = 1_800_000_000.0
ZONES = [
    Zone(id="control", name=Text(fr="Commande", en="Control"), subnet="10.20.1.0/24", level=1),
    Zone(id="iiot", name=Text(fr="Capteurs", en="Sensors"), subnet="10.20.2.0/24", level=1),
    Zone(id="supervision", name=Text(fr="Supervision", en="Supervision"), subnet="10.20.3.0/24", level=3),
    Zone(id="enterprise", name=Text(fr="Entreprise", en="Enterprise"), subnet="10.20.4.0/24", level=4),
]


class FakeNetwork:
    """Every (zone, address, port) has a port of 127.0.0.1 that the system chose, the same after a restart.

    Flat: what does not listen in its own zone is looked for in the others, unless `flat` is False.
    A source such as 127.0.0.9 is really the peer that the listener sees; any other becomes 127.0.0.1.
    """

    enforces_zones = False

    def __init__(self, flat: bool = True) -> None:
        self.flat = flat
        self._places: dict[Key, socket.socket] = {}
        self._ports: dict[Key, int] = {}
        self._listeners: dict[Key, socket.socket] = {}
        self._children: list[subprocess.Popen[bytes]] = []

    def listen(self, zone: str, address: str, port: int) -> socket.socket:
        key = (zone, address, port)
        if self._live(key):
            raise StartError(
                f"{address}:{port} est déjà pris ; arrêtez l'autre programme",
                f"{address}:{port} is already taken; stop the other program",
            )
        self._reserve(key)
        listener = self._places.pop(key, None) or _bound(self._ports[key])
        listener.listen(128)
        listener.setblocking(False)
        self._listeners[key] = listener
        return listener

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        client = socket.socket()
        client.setblocking(False)
        try:
            if source.startswith("127."):
                client.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(client, self.place(zone, address, port))
        except BaseException:
            client.close()
            raise
        return client

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        key = (zone, address, port)
        others = [k for k in self._listeners if k[1:] == key[1:] and self._live(k)]
        if self.flat and not self._live(key) and others:
            key = others[0]
        self._reserve(key)
        return "127.0.0.1", self._ports[key]

    def spawn(self, zone: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(list(command), **options)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End what was started here and give the ports back."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        for held in (*self._places.values(), *self._listeners.values()):
            held.close()

    def _live(self, key: Key) -> bool:
        return key in self._listeners and self._listeners[key].fileno() != -1

    def _reserve(self, key: Key) -> None:
        # Bound but not listening: a connection is refused, and nobody else is given the port. A child
        # process that sets SO_REUSEADDR, as brokers do, can still listen there.
        if key not in self._ports:
            self._places[key] = _bound(0)
            self._ports[key] = self._places[key].getsockname()[1]


def _bound(port: int) -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


class FakeField:
    """Signals are what the test put in `values` (0.0 otherwise); what is driven is found there too."""

    def __init__(self, values: dict[str, Value] | None = None) -> None:
        self.values: dict[str, Value] = values or {}
        self.heard = Vibration(bytes(25_600))

    def read(self, signals: Sequence[str]) -> list[Value]:
        return [self.values.get(signal, 0.0) for signal in signals]

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        self.values.update(zip(signals, values, strict=True))

    def vibration(self, asset: str) -> Vibration:
        return self.heard


class FakePlc:
    """A PLC whose program is none: the test writes the cells."""

    def __init__(self, tags: Sequence[Tag] = ()) -> None:
        self.image = Image()
        self.mode: Mode = "RUN"
        self.cause: Fault | None = None
        self.source = "PROGRAM main END_PROGRAM"
        self.scan_count = 0
        for tag in tags:
            self.image.declare(parse_address(tag.address), tag.type)

    def diagnostics(self) -> Diagnostics:
        fault = self.cause.text.en if self.cause is not None else ""
        return Diagnostics(self.mode, fault, 150, 900, self.scan_count, 2, 70_000, "ab" * 32, self.cause)

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode

    def download(self, source: str) -> str:
        self.source = source
        return "cd" * 32

    def upload(self) -> str:
        return self.source

    def write(self, address: str, value: Value) -> None:
        """Put `value` in the declared cell at `address`."""
        self.image.cells[self._index(address)] = value

    def read(self, address: str) -> Value:
        return self.image.cells[self._index(address)]

    def _index(self, address: str) -> int:
        index = self.image.index_of(parse_address(address))
        if index is None:
            raise InputError(f"{address} non déclaré", f"{address} is not declared")
        return index


@dataclass
class Log:
    """A `context.log` that remembers: `log.events("denied")`."""

    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, **fields: Any) -> None:
        self.rows.append((event, fields))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.rows if event == name]


def a_tag(tag_id: str, device: str, address: str, type: str = "REAL", **more: Any) -> Tag:  # noqa: A002 -- as in Tag
    """A tag with a name in both languages."""
    return Tag(id=tag_id, name=Text(fr=tag_id, en=tag_id), device=device, address=address, type=type, **more)  # type: ignore[arg-type]


def a_device(device_id: str, kind: str, zone: str = "control", address: str = "", **more: Any) -> DeviceSpec:
    """A device in one zone; `.10` of the zone's subnet unless told."""
    subnet = next(z.subnet for z in ZONES if z.id == zone)
    interfaces = {zone: address or subnet.replace("0/24", "10")}
    return DeviceSpec(
        id=device_id, kind=kind, name=Text(fr=device_id, en=device_id), interfaces=interfaces, **more
    )


def a_line(
    devices: Sequence[DeviceSpec],
    tags: Sequence[Tag] = (),
    conduits: Sequence[Conduit] = (),
    folder: Path | str = "",
) -> Line:
    """A small line in the bottling line's four zones; nothing crosses-checks it."""
    return Line(
        schema="usine-ecole/line/v1",
        id="small",
        name=Text(fr="Petite ligne", en="Small line"),
        sector="agri_food",
        description=Text(fr="Pour les tests", en="For tests"),
        zones=ZONES,
        conduits=list(conduits),
        assets=[],
        devices=list(devices),
        tags=list(tags),
        folder=str(folder),
    )


def a_context(
    line: Line,
    device_id: str,
    folder: Path,
    network: FakeNetwork | None = None,
    plc: Plc | None = None,
    field: FakeField | None = None,
    log: Callable[..., None] | None = None,
    devices: dict[str, Device] | None = None,
    clock: Clock | None = None,
) -> Context:
    """What the host would give the device: its own folder under `folder`, fakes for what is left out."""
    own = folder / device_id
    own.mkdir(parents=True, exist_ok=True)
    spec = line.device(device_id)
    if plc is None and spec.kind.endswith("_plc"):
        plc = FakePlc(line.tags_of(device_id))
    return Context(
        line=line,
        spec=spec,
        network=network or FakeNetwork(),
        field=field or FakeField(),
        clock=clock or Clock(ORIGIN_UNIX_S),
        folder=own,
        seed=1,
        plc=plc,
        devices={} if devices is None else devices,
        log=log or Log(),
    )
