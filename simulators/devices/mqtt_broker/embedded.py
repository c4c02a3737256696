"""The broker inside the lab's own process, where Mosquitto is not installed. Imported only there."""

import asyncio
import contextlib
import logging
import ssl
import time
from importlib.metadata import version
from pathlib import Path

from amqtt.errors import AMQTTError, MQTTError, NoDataError

from simulators.contracts import Context, Health
from simulators.devices.mqtt_broker.amqtt_core import Core
from simulators.devices.mqtt_broker.config import Config, Listener
from simulators.devices.mqtt_broker.directives import SIZE_MAX
from simulators.devices.mqtt_broker.effective import write_files
from simulators.devices.mqtt_broker.rights import Rights, rights_of
from simulators.devices.mqtt_broker.streams import BoundedWriter, PacketReader
from simulators.errors import StartError
from simulators.os_errors import os_words
from simulators.text import Text

DEFAULT_PORT = 1883
PACKET_LIMIT_BYTES = 2 << 20
CONNECTIONS_LIMIT = 500
SYS_INTERVAL_S = 10
STOP_LIMIT_S = 2.0
_KILLED = Text(fr="arrêté de force", en="killed")
_TLS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}

# Its log goes through the lab's; amqtt's own repeats what peers send.
logging.getLogger("amqtt").setLevel(logging.CRITICAL)
logging.getLogger("transitions").setLevel(logging.CRITICAL)


class EmbeddedBroker:
    """amqtt on the lab's event loop (contracts.Device)."""

    def __init__(self, context: Context, config: Config) -> None:
        self._context = context
        self._config = config
        self._core: Core | None = None
        self._servers: list[asyncio.Server] = []
        self._clients: dict[int, int] = {}  # by place in the list of listeners
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[BoundedWriter] = set()
        self._killed = False
        self._started_s = 0.0

    async def start(self) -> None:
        """Return once it listens. Raises: StartError."""
        await self.stop()
        files = self._context.folder / "files"
        try:
            write_files(self._config, files)
            self._core = Core(int(self._config.get("message_size_limit") or 0) or SIZE_MAX)
            await self._core.start()
            for place, listener in enumerate(self._config.listeners):
                await self._listen(place, listener, files)
        except BaseException as error:
            await self.stop()
            if isinstance(error, ssl.SSLError | OSError) and not isinstance(error, StartError):
                raise self._unusable(error) from error
            raise
        self._started_s = time.monotonic()
        if interval_s := int(self._config.get("sys_interval") or SYS_INTERVAL_S):
            told = asyncio.create_task(self._tell(self._core, interval_s))
            self._tasks.add(told)
            told.add_done_callback(self._tasks.discard)
        self._context.log("broker_started", engine="amqtt")

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        core, self._core = self._core, None
        self._killed = False
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_LIMIT_S)
        if core is not None:
            with contextlib.suppress(AMQTTError, TimeoutError):
                async with asyncio.timeout(STOP_LIMIT_S):
                    await core.shutdown()

    def kill(self) -> None:
        """Cut every client and stop listening, without ceremony."""
        self._killed = True
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.abort()

    def step(self, t_s: float) -> None:
        """Nothing."""

    def publish(self, t_s: float) -> None:
        """Nothing."""

    def health(self) -> Health:
        if self._core is None:
            return Health("stopped")
        if self._killed:
            return Health("failed", _KILLED)
        core = self._core
        figures: dict[str, float | int | str] = {
            "engine": "amqtt",
            "clients": len(list(core.clients())),
            "received": core.received,
            "sent": core.sent,
            "dropped": core.dropped,
        }
        return Health("ok", figures=figures)

    async def _listen(self, place: int, listener: Listener, files: Path) -> None:
        spec, rights = self._context.spec, rights_of(self._config, listener)
        listening = self._context.network.listen(
            spec.zone, spec.address, listener.port or spec.port or DEFAULT_PORT
        )
        limit = int(listener.get("max_connections") or -1)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._accept(place, limit, rights, reader, writer)

        try:
            tls = _server_tls(listener, files) if listener.secure else None
            self._servers.append(await asyncio.start_server(accept, sock=listening, ssl=tls))
        except BaseException:
            listening.close()
            raise

    async def _accept(
        self,
        place: int,
        limit: int,
        rights: Rights,
        stream: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        core, task = self._core, asyncio.current_task()
        busy = self._clients.get(place, 0)
        if core is None or task is None or busy >= (limit if limit >= 0 else CONNECTIONS_LIMIT):
            back.transport.abort()
            return
        self._clients[place] = busy + 1
        self._tasks.add(task)
        writer = BoundedWriter(back)
        self._writers.add(writer)
        packet_limit = int(self._config.get("max_packet_size") or PACKET_LIMIT_BYTES)
        try:
            await core.serve(PacketReader(stream, packet_limit, writer.abort), writer, rights)
        except (AMQTTError, MQTTError, NoDataError, OSError, TimeoutError, asyncio.CancelledError):
            pass
        except Exception as error:  # bytes that amqtt's codec did not foresee
            self._context.log("client_dropped", peer=str(writer.get_peer_info()), reason=repr(error)[:200])
        finally:
            self._clients[place] -= 1
            self._tasks.discard(task)
            self._writers.discard(writer)
            back.close()

    async def _tell(self, core: Core, interval_s: int) -> None:
        """The few `$SYS` topics that monitoring tools ask for, retained."""
        while True:
            for topic, value in self._figures(core).items():
                data = str(value).encode()
                await core.internal_message_broadcast(f"$SYS/broker/{topic}", data)
                await core.retain_message(None, f"$SYS/broker/{topic}", data)
            await asyncio.sleep(interval_s)

    def _figures(self, core: Core) -> dict[str, object]:
        return {
            "version": f"amqtt {version('amqtt')}",
            "uptime": f"{time.monotonic() - self._started_s:.0f} seconds",
            "clients/connected": len(list(core.clients())),
            "messages/received": core.received,
            "messages/sent": core.sent,
            "retained messages/count": len(core.retained_messages),
        }

    def _unusable(self, error: BaseException) -> StartError:
        device = self._context.spec.id
        why = os_words(error)
        return StartError(
            f"{device} : le courtier ne démarre pas ({why.fr}) ; vérifiez certificats, clés et place sur le disque",
            f"{device}: the broker does not start ({why.en}); check certificates, keys and disk space",
        )


def _server_tls(listener: Listener, files: Path) -> ssl.SSLContext:
    """Raises: ssl.SSLError: the certificate and the key are not a pair, or a cipher is unknown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _TLS[listener.get("tls_version") or "tlsv1.2"]
    context.load_cert_chain(files / str(listener.get("certfile")), files / str(listener.get("keyfile")))
    if authority := listener.get("cafile"):
        context.load_verify_locations(files / authority)
    if revoked := listener.get("crlfile"):
        context.load_verify_locations(files / revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if ciphers := listener.get("ciphers"):
        context.set_ciphers(ciphers)
    if listener.get("require_certificate") == "true":
        context.verify_mode = ssl.CERT_REQUIRED
    return context
