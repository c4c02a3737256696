"""A Modbus PLC on loopback, its clients, and raw frames."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from simulators.devices.modbus_plc import ModbusPlc, create, parse
from tests.fakes import FakeNetwork, FakePlc, Log, a_context, a_device, a_line, a_tag
from tests.waiting import HANG_S

ADDRESS, PORT, SECURE_PORT = "10.20.1.10", 502, 802
TAGS = [
    a_tag("Tank.High", "plc1", "%IX0.0", "BOOL"),
    a_tag("Tank.Low", "plc1", "%IX0.1", "BOOL"),
    a_tag("Pump.Command", "plc1", "%QX0.0", "BOOL"),
    a_tag("Valve.Command", "plc1", "%QX0.1", "BOOL"),
    a_tag("Tank.Level", "plc1", "%IW0", "INT"),
    a_tag("Tank.Temperature", "plc1", "%IW1", "INT"),
    a_tag("Pump.Flow", "plc1", "%ID0", "REAL"),
    a_tag("Pump.Speed", "plc1", "%QW0", "INT"),
    a_tag("Process.Command", "plc1", "%MW0", "INT"),
    a_tag("Process.State", "plc1", "%MW1", "UINT"),
    a_tag("Process.Recipe", "plc1", "%MW4", "WORD"),
    a_tag("Pasteuriser.SetPoint", "plc1", "%MD0", "REAL"),
    a_tag("Process.Count", "plc1", "%MD1", "DINT"),
    a_tag("Process.Hold", "plc1", "%MD2", "TIME"),
    a_tag("Process.Mass", "plc1", "%ML0", "LREAL"),
]
LINE = a_line([a_device("plc1", "modbus_plc", address=ADDRESS, port=PORT, program="main.st")], TAGS)


class Rig:
    """`device` with its fakes."""

    def __init__(self, folder: Path, text: str = "", network: FakeNetwork | None = None) -> None:
        self.network = network or FakeNetwork()
        self.plc = FakePlc(TAGS)
        self.log = Log()
        context = a_context(LINE, "plc1", folder, self.network, plc=self.plc, log=self.log)
        self.folder = context.folder
        self.device: ModbusPlc = create(context, parse(text, "plc1.yaml"))

    def place(self, port: int = PORT) -> tuple[str, int]:
        return self.network.place("control", ADDRESS, port)

    @asynccontextmanager
    async def client(self, source: str = "127.0.0.1") -> AsyncIterator[AsyncModbusTcpClient]:
        """pymodbus' own client, connected from `source`."""
        host, port = self.place()
        client = AsyncModbusTcpClient(
            host, port=port, timeout=HANG_S, retries=0, reconnect_delay=0, source_address=(source, 0)
        )
        assert await client.connect()
        try:
            yield client
        finally:
            client.close()


@asynccontextmanager
async def running(folder: Path, text: str = "") -> AsyncIterator[Rig]:
    """A started PLC with the configuration `text`."""
    rig = Rig(folder, text)
    await rig.device.start()
    try:
        yield rig
    finally:
        await rig.device.stop()
        rig.network.close()


class Raw:
    """A socket that speaks frames that a library would not send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def receive(self) -> tuple[int, int, bytes]:
        """Transaction, unit and PDU of the next answer. Raises: IncompleteReadError at the end."""
        head = await asyncio.wait_for(self.reader.readexactly(7), HANG_S)
        transaction, _, length, unit = struct.unpack(">HHHB", head)
        return transaction, unit, await asyncio.wait_for(self.reader.readexactly(length - 1), HANG_S)

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        self.send(frame(7, pdu, unit))
        return (await self.receive())[2]

    async def silent(self, for_s: float = 0.15) -> bool:
        """Nothing arrives for `for_s`."""
        try:
            data = await asyncio.wait_for(self.reader.read(1), for_s)
        except TimeoutError:
            return True
        return not data

    async def ended(self) -> bool:
        """The server closes, whatever it still sends."""
        try:
            await asyncio.wait_for(self.reader.read(), 3)
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def raw(rig: Rig, source: str = "127.0.0.1") -> AsyncIterator[Raw]:
    host, port = rig.place()
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def frame(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def read(function: int, start: int, count: int) -> bytes:
    return struct.pack(">BHH", function, start, count)
