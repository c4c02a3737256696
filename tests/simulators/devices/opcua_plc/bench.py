"""A PLC served for one test, and clients of every kind for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from asyncua import ua
from asyncua.crypto import security_policies as policies
from cryptography import x509

from simulators.devices import opcua_plc
from simulators.devices.opcua_plc.certificates import own_certificate
from simulators.devices.opcua_plc.device import OpcuaPlc
from simulators.model import Alarm
from simulators.text import Text
from tests.fakes import FakeNetwork, FakePlc, Log, a_context, a_device, a_line, a_tag
from tests.simulators.devices.opcua_plc import pki
from tests.simulators.devices.opcua_plc.raw import MODE, Raw

ADDRESS, PORT = "10.20.1.11", 4840
ALARM_TEXT = Text(fr="Niveau haut", en="High level")
TAGS = [
    a_tag("Tank.Level", "plc", "%ID0", "REAL", unit="%", range=(0, 100),
          alarms=[Alarm(when="above", limit=80, deadband=5, text=ALARM_TEXT)]),
    a_tag("Tank.Count", "plc", "%MW1", "INT"),
    a_tag("Filler.SetPoint", "plc", "%MD0", "REAL", unit="mL", range=(200, 600), writable=True),
    a_tag("Filler.Command", "plc", "%MW0", "INT", range=(0, 3), writable=True),
    a_tag("Filler.Run", "plc", "%MX0.0", "BOOL", writable=True),
    a_tag("Filler.Delay", "plc", "%ML0", "TIME", writable=True),
    a_tag("Filler.Valve", "plc", "%QX0.0", "BOOL"),
    a_tag("Secret.Recipe", "plc", "%MD9", "REAL", writable=True),
]  # fmt: skip
LEVEL, COUNT, SET_POINT, COMMAND, RUN, DELAY, VALVE, SECRET = (f"ns=2;s={tag.id}" for tag in TAGS)
HARD = """\
policies: [Basic256Sha256_SignAndEncrypt]
identities:
  users:
    - {name: watch, password: watch-pass, role: observer}
    - {name: run, password: run-pass, role: operator}
    - {name: build, password: build-pass, role: engineer}
    - {name: guard, password: guard-pass, role: security_admin}
    - {name: scada, password: scada-pass, role: operator, essential: true}
trust_list: {mode: accept_any}
lockout: {attempts: 3, window_s: 60}
permissions:
  tags:
    Secret: {read: [engineer], write: [engineer]}
"""
# The same, over a channel without security: for checks that have nothing to do with the channel.
OPEN = HARD.replace("[Basic256Sha256_SignAndEncrypt]", "[None]").replace(
    "identities:\n", "identities:\n  anonymous: observer\n  clear_passwords: true\n"
)


@dataclass
class Bench:
    device: OpcuaPlc
    plc: FakePlc
    folder: Path
    network: FakeNetwork
    log: Log
    clients: list[Raw] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, int]:
        return self.network.place("control", ADDRESS, PORT)

    @property
    def url(self) -> str:
        return "opc.tcp://{}:{}".format(*self.place)

    def cell(self, address: str) -> Any:
        return self.plc.read(address)

    def audit(self, event: str) -> list[dict[str, Any]]:
        return self.log.events(f"opcua_{event}")

    async def raw(self, source: str | None = None, greet: bool = True) -> Raw:
        """A connection that has said hello, closed at the end of the test."""
        client = await Raw.connect(*self.place, source)
        self.clients.append(client)
        file = self.folder / "own_certificate.pem"
        if file.exists():
            client.server_certificate = pki.der(x509.load_pem_x509_certificate(file.read_bytes()))
        if greet:
            await client.hello()
        return client

    async def open(self, source: str | None = None) -> Raw:
        """A connection with a channel without security."""
        client = await self.raw(source)
        await client.open()
        return client

    async def secure(
        self,
        certificate: x509.Certificate | None = None,
        policy: type[policies.SecurityPolicy] = policies.SecurityPolicyBasic256Sha256,
        mode: ua.MessageSecurityMode = MODE.SignAndEncrypt,
        key: Any = None,
        source: str | None = None,
    ) -> Raw:
        """A connection with a secure channel."""
        client = await self.raw(source)
        await client.open(policy, mode, certificate or pki.client(), key)
        return client

    async def session(self, user: str | None = None, source: str | None = None, locale: str = "fr") -> Raw:
        """A session over a channel without security, of `user` (whose password is `<user>-pass`) or anonymous."""
        client = await self.open(source)
        await client.log_in(user, f"{user}-pass", (locale,))
        return client


@cache
def _own_files() -> dict[str, bytes]:
    """A server's key and certificate, made once for all tests."""
    with TemporaryDirectory() as folder:
        own_certificate(Path(folder), "urn:usine-ecole:small:plc", [ADDRESS, "127.0.0.1"])
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


@asynccontextmanager
async def served(config: str, folder: Path, tags: Any = TAGS) -> AsyncIterator[Bench]:
    """The PLC with the configuration `config`, stopped at the end with every client."""
    spec = a_device("plc", "opcua_plc", address=ADDRESS, port=PORT, program="main.st")
    network, log = FakeNetwork(), Log()
    context = a_context(a_line([spec], tags), "plc", folder, network, log=log)
    parsed = opcua_plc.parse(config, "plc.yaml")
    for name, content in (_own_files() if parsed.secure else {}).items():
        (context.folder / name).write_bytes(content)
    device = opcua_plc.create(context, parsed)
    await device.start()
    plc = context.plc
    assert isinstance(plc, FakePlc)
    bench = Bench(device, plc, context.folder, network, log)
    try:
        yield bench
    finally:
        for client in bench.clients:
            await client.close()
        await device.stop()
        network.close()
