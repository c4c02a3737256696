"""Accepts connections on one listener: peers without a rule, and those beyond the limit, are turned away."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable

from simulators.devices.modbus_plc import pki
from simulators.devices.modbus_plc.config import Config
from simulators.devices.modbus_plc.connection import Connection
from simulators.devices.modbus_plc.policy import Rights, peer_rules, role_rules
from simulators.devices.modbus_plc.pump import Pump
from simulators.devices.modbus_plc.service import Client, Service

HANDSHAKE_LIMIT_S = 5.0
# Descriptors are the lab's: beyond this even a PLC without a limit takes no more.
CONNECTIONS_CEILING = 256
_RESET = struct.pack("ii", 1, 0)


class Admission:
    """The open connections of one device."""

    def __init__(self, config: Config, service: Service, pump: Pump) -> None:
        self._config, self._service, self._pump = config, service, pump
        self.connections: set[Connection] = set()
        self.refused = 0
        self._entering: set[asyncio.Task[None]] = set()
        self._expected: set[tuple[str, int]] = set()
        self._limit = min(config.max_connections or CONNECTIONS_CEILING, CONNECTIONS_CEILING)

    async def accept(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Admit clients for ever; one of them a turn of the loop."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, address = await loop.sock_accept(listener)
            except OSError as error:
                self._service.audit("accept_failed", error=str(error))
                await asyncio.sleep(0.1)
                continue
            task = loop.create_task(self._enter(client, address, tls))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Everybody out."""
        for task in list(self._entering):
            task.cancel()
        await asyncio.gather(*self._entering, return_exceptions=True)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    def close_idle(self, now_s: float, limit_s: float) -> None:
        """Close the connections that have sent no request for `limit_s`."""
        for connection in list(self.connections):
            if now_s - connection.heard_s > limit_s:
                self._service.audit("connection_idle", **connection.client.fields())
                connection.abort()

    async def _enter(
        self, client: socket.socket, address: tuple[str, int], tls: ssl.SSLContext | None
    ) -> None:
        reason = self._reason_to_refuse(address[0])
        if reason:
            self._turn_away(client, address, reason)
            return
        loop = asyncio.get_running_loop()
        identify = self._identify(address)
        self._expected.add(address)
        try:
            await loop.connect_accepted_socket(
                self._factory(identify),
                client,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_LIMIT_S if tls else None,
            )
        except (OSError, ssl.SSLError) as error:
            self.refused += 1
            self._service.audit("tls_refused", peer=address[0], peer_port=address[1], reason=str(error))
            client.close()
        except asyncio.CancelledError:
            client.close()
            raise
        finally:
            self._expected.discard(address)

    def _reason_to_refuse(self, peer: str) -> str:
        if len(self.connections) + len(self._expected) >= self._limit:
            return "too_many_connections"
        unlisted = self._config.unlisted_peer == "refuse" and peer_rules(self._config.allow, peer) == []
        return "peer_not_allowed" if unlisted else ""

    def _turn_away(self, client: socket.socket, address: tuple[str, int], reason: str) -> None:
        self.refused += 1
        self._service.audit("connection_refused", peer=address[0], peer_port=address[1], reason=reason)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.close()

    def _identify(self, address: tuple[str, int]) -> Callable[[asyncio.Transport], Client]:
        def identify(transport: asyncio.Transport) -> Client:
            peer, port = address
            lists = [peer_rules(self._config.allow, peer)]
            shown = transport.get_extra_info("ssl_object")
            role = None
            if shown is not None and self._config.security is not None:
                role = pki.role_of(shown.getpeercert(binary_form=True))
                lists.append(role_rules(self._config.security.roles, role))
            rights = Rights(tuple(rules for rules in lists if rules is not None))
            return Client(peer, port, rights, role, shown is not None)

        return identify

    def _factory(self, identify: Callable[[asyncio.Transport], Client]) -> Callable[[], Connection]:
        return lambda: Connection(self._service, self._pump, identify, self._opened, self._closed)

    def _opened(self, connection: Connection) -> None:
        self.connections.add(connection)
        self._expected.discard((connection.client.peer, connection.client.port))
        self._service.audit("connection_opened", **connection.client.fields())

    def _closed(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            self._service.audit("connection_closed", **connection.client.fields())
