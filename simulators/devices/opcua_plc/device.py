"""The PLC's network server as a device of the line."""

import asyncio
import logging

from simulators.contracts import Context, Health
from simulators.devices import _plc
from simulators.devices.opcua_plc.access import Access
from simulators.devices.opcua_plc.certificates import OwnCertificate, own_certificate
from simulators.devices.opcua_plc.config import Configuration
from simulators.devices.opcua_plc.controller import application_uri
from simulators.devices.opcua_plc.identities import Gate
from simulators.devices.opcua_plc.server import HardenedServer
from simulators.devices.opcua_plc.transport import HardenedBinaryServer
from simulators.devices.opcua_plc.trust import load_trust
from simulators.errors import StartError
from simulators.os_errors import os_words
from simulators.text import Text

DEFAULT_PORT = 4840
PKI_FOLDER = "pki"

# The library logs every request of every stranger; what matters is in the audit trail.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class OpcuaPlc:
    """Starts and stops the server, and keeps its variables level with the image."""

    def __init__(self, context: Context, configuration: Configuration) -> None:
        """Raises: PlaceError: the configuration speaks of tags or files that are not there."""
        self._context = context
        self._configuration = configuration
        tags = context.line.tags_of(context.spec.id)
        self._access = Access(configuration, tags)
        self._trust = load_trust(configuration.trust_list, context.folder / PKI_FOLDER)
        self._gate(None)
        self._server: HardenedServer | None = None
        self._binary: HardenedBinaryServer | None = None

    async def start(self) -> None:
        if self._server is not None:
            return
        spec = self._context.spec
        listener = self._context.network.listen(spec.zone, spec.address, spec.port or DEFAULT_PORT)
        try:
            own = await self._own_certificate()
            server = HardenedServer(
                self._context, self._configuration, self._access, self._gate(own), self._trust, own
            )
            server.points.publish(self._context.clock.now_s())
            binary = HardenedBinaryServer(server, listener)
            await binary.start()
        except OSError as error:
            listener.close()
            why = os_words(error)
            raise StartError(
                f"{spec.id} : le port {spec.port} ne s'ouvre pas ({why.fr}) ; arrêtez l'autre programme qui l'utilise",
                f"{spec.id}: port {spec.port} does not open ({why.en}); stop the other program that uses it",
            ) from error
        except BaseException:
            listener.close()
            raise
        self._server, self._binary = server, binary

    async def stop(self) -> None:
        server, binary = self._server, self._binary
        self._server = self._binary = None
        if binary is not None:
            await binary.stop()
        if server is not None:
            await server.close()

    def step(self, t_s: float) -> None:
        """Nothing: the program runs in the PLC, and clients are served between steps."""

    def publish(self, t_s: float) -> None:
        if self._server is not None:
            self._server.points.publish(t_s)

    def health(self) -> Health:
        server = self._server
        if server is None:
            return Health("stopped")
        state = None if self._context.plc is None else self._context.plc.diagnostics()
        figures: dict[str, float | int | str] = {
            **(_plc.figures(state) if state is not None else {}),
            "sessions": len(server._external_sessions),
            "subscriptions": len(server.subscriptions.subscriptions),
            "accepted": server.counters.accepted,
            "refused": server.counters.refused,
        }
        if server.audit.lost:
            lost = server.audit.lost
            detail = Text(
                fr=f"{lost} lignes d'audit perdues : libérez le disque",
                en=f"{lost} audit rows lost: free the disk",
            )
            return Health("degraded", detail, figures)
        trouble = _plc.trouble(state) if state is not None else None
        return Health("degraded" if trouble else "ok", trouble, figures)

    def _gate(self, own: OwnCertificate | None) -> Gate:
        folder = self._context.folder / PKI_FOLDER
        return Gate(self._configuration, self._trust, own, folder)

    async def _own_certificate(self) -> OwnCertificate | None:
        """Made in a thread: generating a key would hold the scan for a good part of a second."""
        if not self._configuration.secure:
            return None
        context = self._context
        addresses = [*context.spec.interfaces.values(), "127.0.0.1"]
        return await asyncio.to_thread(own_certificate, context.folder, application_uri(context), addresses)
