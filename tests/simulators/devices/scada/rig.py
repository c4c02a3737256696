"""SCADA on loopback with the line's real devices, or with a PLC that answers what a test wants."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.contracts import Device, Health
from simulators.devices import kind
from simulators.devices._mqtt.session import MqttSession
from simulators.devices.scada import Scada, create, parse
from simulators.model import Alarm, Tag
from simulators.plc.image import Value
from simulators.text import Text
from tests.fakes import (
    ORIGIN_UNIX_S,
    FakeNetwork,
    FakePlc,
    Log,
    a_context,
    a_device,
    a_line,
    a_tag,
)
from tests.waiting import eventually, last_served

HOT = Text(fr="Cuve trop chaude", en="Tank too hot")
LEVEL = a_tag("Tank.Level", "plc1", "%IW0", "INT", gain=0.1, range=(0, 100), unit="%")
MODBUS = [
    LEVEL,
    a_tag("Tank.High", "plc1", "%IX0.3", "BOOL"),
    a_tag("Tank.Heater", "plc1", "%QX0.1", "BOOL", writable=True),
    a_tag("Tank.Temperature", "plc1", "%ID0", "REAL",
          alarms=[Alarm(when="above", limit=80, priority=1, text=HOT)]),
    a_tag("Tank.SetPoint", "plc1", "%MD0", "REAL", range=(20, 90), unit="°C", writable=True),
    a_tag("Tank.Count", "plc1", "%MD1", "UDINT"),
    a_tag("Tank.Mode", "plc1", "%MW0", "INT", range=(-1, 2), writable=True,
          states={"0": Text(fr="Arrêt", en="Off"), "1": Text(fr="Marche", en="On")}),
    a_tag("Tank.Speed", "plc1", "%MW1", "INT", gain=0.01, range=(0, 300), writable=True),
    a_tag("Tank.Hold", "plc1", "%MD2", "TIME"),
    a_tag("Tank.Mass", "plc1", "%ML0", "LREAL"),
]  # fmt: skip
OPCUA = [
    a_tag("Filler.SetPoint", "plc2", "%MD0", "REAL", range=(200, 600), writable=True),
    a_tag("Filler.Rate", "plc2", "%IW0", "INT", gain=0.5),
    a_tag("Filler.Run", "plc2", "%MX0.0", "BOOL", writable=True),
    a_tag("Filler.Count", "plc2", "%MD1", "UDINT"),
    a_tag("Filler.Delay", "plc2", "%ML0", "TIME", writable=True),
]
MQTT = [
    a_tag("Pump.Vibration", "sensor1", "small/pump/vibration"),
    a_tag("Pump.Heat", "sensor1", "small/pump/heat"),
    a_tag("Hall.Temperature", "sensor2", "small/hall/temperature"),
]
PLACES = {
    "plc1": ("modbus_plc", "control", "10.20.1.10", 502),
    "plc2": ("opcua_plc", "control", "10.20.1.11", 4840),
    "broker": ("mqtt_broker", "iiot", "10.20.2.10", 1883),
}
SPECS = [
    *(
        a_device(name, of, zone, address, port=port, program="main.st" if of.endswith("_plc") else None)
        for name, (of, zone, address, port) in PLACES.items()
    ),
    a_device("sensor1", "mqtt_sensor", "iiot", "10.20.2.21"),
    a_device("sensor2", "mqtt_sensor", "iiot", "10.20.2.22"),
    a_device("scada", "scada", "supervision", "10.20.3.20"),
    a_device("historian", "historian", "supervision", "10.20.3.21"),
]


class OpenNetwork(FakeNetwork):
    """Every zone sees each device where it is, also one that is a program of its own."""

    def place(self, zone: str, address: str, port: int) -> tuple[str, int]:
        home = {place[2]: place[1] for place in PLACES.values()}
        return super().place(home.get(address, zone), address, port)


class KeptRows:
    """A historian that remembers what it was given."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, Value, str]] = []

    def record(self, rows: Sequence[tuple[str, float, Value, str]]) -> None:
        self.rows.extend(rows)

    def health(self) -> Health:
        return Health("ok")


class Rig:
    """`scada` over `tags`, and the devices that a test adds."""

    def __init__(self, folder: Path, tags: Sequence[Tag], text: str = "") -> None:
        self.folder = folder
        self.network = OpenNetwork()
        self.log = Log()
        self.live: dict[str, Any] = {}
        used = {tag.device for tag in tags} | (
            {"broker"} if any(t.device[:6] == "sensor" for t in tags) else set()
        )
        specs = [spec for spec in SPECS if spec.id in used or spec.kind in {"scada", "historian"}]
        self.line = a_line(specs, tags)
        self.clock = Clock(ORIGIN_UNIX_S)
        self.scada = self.again(text)
        self._stops: list[Callable[[], Any]] = []

    def again(self, text: str) -> Scada:
        """SCADA with another configuration, not started."""
        context = a_context(
            self.line, "scada", self.folder, self.network, log=self.log, devices=self.live, clock=self.clock
        )
        return create(context, parse(text, "scada.yaml"))

    async def device(self, name: str, text: str = "") -> tuple[Device, FakePlc]:
        """Start one of the line's real devices."""
        plc = FakePlc([tag for tag in self.line.tags_of(name) if tag.address[0] == "%"])
        context = a_context(self.line, name, self.folder, self.network, plc=plc)
        module = kind(context.spec.kind)
        device: Device = module.create(context, module.parse(text, f"{name}.yaml"))
        await device.start()
        self._stops.append(device.stop)
        return device, plc

    async def liar(self) -> "Liar":
        """A Modbus PLC in plc1's place that answers what the test tells it."""
        liar = Liar(self.network)
        await liar.start()
        self._stops.append(liar.stop)
        return liar

    async def sensor(self) -> MqttSession:
        """A client that publishes, connected."""
        _, zone, address, port = PLACES["broker"]
        session = MqttSession(lambda: self.network.connect(zone, "10.20.2.21", address, port), "sensor")
        await session.start()
        self._stops.append(session.stop)
        await eventually(lambda: session.connected)
        return session

    def value(self, tag: str) -> Any:
        return self.scada.shown()[tag].value

    def quality(self, tag: str) -> str:
        return self.scada.shown()[tag].quality

    def alarms(self) -> dict[str, str]:
        return {alarm.id: alarm.state for alarm in self.scada.alarms()}

    async def close(self) -> None:
        await self.scada.stop()
        for stop in reversed(self._stops):
            await stop()
        self.network.close()


@asynccontextmanager
async def a_rig(folder: Path, tags: Sequence[Tag], text: str = "") -> AsyncIterator[Rig]:
    """A rig whose SCADA is not started yet."""
    rig = Rig(folder, tags, text)
    try:
        yield rig
    finally:
        await rig.close()


def telemetry(value: object, quality: str = "good") -> bytes:
    return json.dumps({"value": value, "quality": quality, "unit": "mm/s", "unix_s": 1.0}).encode()


class Liar:
    """`answer(pdu)` gives the answer's PDU, or None for silence. `one_at_a_time` drops pipelined requests."""

    def __init__(self, network: FakeNetwork) -> None:
        self._network = network
        self.answer: Callable[[bytes], bytes | None] = lambda pdu: reading(pdu, 0)
        self.raw = b""
        self.hang_up = False
        self.one_at_a_time = False
        self.connections = 0
        self.requests: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        _, zone, address, port = PLACES["plc1"]
        self._server = await asyncio.start_server(self._serve, sock=self._network.listen(zone, address, port))

    async def stop(self) -> None:
        if self._server is not None:
            await last_served(self._server)
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while data := await reader.read(4096):
                self._reply(data, writer)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def _reply(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.raw:
            writer.write(self.raw)
            return
        for frame in list(_frames(data))[: 1 if self.one_at_a_time else None]:
            self.requests.append(frame[7:])
            answer = self.answer(frame[7:])
            if answer is not None:
                writer.write(frame[:4] + struct.pack(">HB", len(answer) + 1, frame[6]) + answer)
        if self.hang_up:
            writer.close()


def reading(pdu: bytes, register: int) -> bytes:
    """The answer to a read request: every register is `register`, every bit is its low bit; a write succeeds."""
    function, count = pdu[0], int.from_bytes(pdu[3:5], "big")
    if function in {1, 2}:
        data = (b"\xff" if register & 1 else b"\x00") * ((count + 7) // 8)
    elif function in {3, 4}:
        data = struct.pack(">H", register) * count
    else:
        return pdu[:5]
    return bytes([function, len(data)]) + data


def _frames(data: bytes) -> Any:
    while len(data) >= 8:
        end = 6 + int.from_bytes(data[4:6], "big")
        yield data[:end]
        data = data[end:]
