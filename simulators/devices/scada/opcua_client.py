"""asyncua's client over sockets that are opened in a zone, without the tasks that it would keep running."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from socket import socket
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UaClientState, UASocketProtocol
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from simulators.devices.scada.config import OpcuaAccess
from simulators.devices.scada.credentials import pem_path
from simulators.devices.scada.opcua_codec import PackedRead, Reading, readings
from simulators.errors import InputError
from simulators.validation import Place

GOODBYE_LIMIT_S = 0.5
APPLICATION_URI = "urn:usine-ecole:scada"
# SCADA says itself, once, what the library would repeat at every attempt.
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)
logging.getLogger("asyncua.crypto.uacrypto").setLevel(logging.ERROR)
Connect = Callable[[], Awaitable[socket]]


class _Protocol(UASocketProtocol):
    """Sends a `PackedRead` as it is."""

    def _send_request(self, request: Any, *more: Any, **named: Any) -> asyncio.Future[Any]:
        if not isinstance(request, PackedRead):
            return super()._send_request(request, *more, **named)
        if self.transport is None:
            raise ConnectionError("connection is not open")
        self._setup_request_header(request.RequestHeader, self.timeout)
        self.revolve_security_token()
        number = self._request_id = self._request_id + 1
        message = self._connection.message_to_binary(request.binary(), request_id=number)
        answer = self._callbackmap[number] = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return answer


class _ZoneTransport(UaClient):
    """Where asyncua would resolve and connect by itself, take the zone's socket."""

    def __init__(self, connect: Connect, timeout_s: float, gone: Callable[[], None]) -> None:
        super().__init__(timeout_s)
        self._connect = connect
        self._gone = gone

    def _on_transport_lost(self, _exc: Exception | None) -> None:
        super()._on_transport_lost(_exc)
        self._gone()

    def _make_protocol(self) -> UASocketProtocol:
        self.protocol = _Protocol(self._timeout, security_policy=self.security_policy)
        self.protocol.pre_request_hook = self.pre_request_hook
        self.protocol.on_connection_lost = self._on_transport_lost
        self.protocol.is_session_closing = self._is_session_closing
        return self.protocol

    async def connect_socket(self, host: str, port: int) -> None:  # noqa: ARG002 -- the zone's socket knows them
        self._set_state(UaClientState.CONNECTING)
        opened: socket | None = None
        try:
            async with asyncio.timeout(self._timeout):
                opened = await self._connect()
                await asyncio.get_running_loop().create_connection(self._make_protocol, sock=opened)
        except BaseException:
            if opened is not None:
                opened.close()
            self._set_state(UaClientState.DISCONNECTED)
            raise
        self._set_state(UaClientState.SOCKET_OPEN)


class ZoneClient(Client):
    """Use `enter` and `leave` rather than `connect`, which starts a watchdog that would poll for itself."""

    def __init__(
        self, connect: Connect, address: str, port: int, timeout_s: float, gone: Callable[[], None]
    ) -> None:
        """`gone` is called when the connection is lost."""
        super().__init__(f"opc.tcp://{address}:{port}", timeout_s)
        self.uaclient = _ZoneTransport(connect, timeout_s, gone)
        self.application_uri = APPLICATION_URI
        self.name = self.description = "SCADA"
        self.fingerprint = ""

    async def enter(self, folder: Path, access: OpcuaAccess, place: Place) -> None:
        """Channel, session and identity as `access`, at `place` of the configuration, says.

        Raises:
            InputError: a certificate or key is missing or unusable.
            OSError, TimeoutError, asyncua.ua.UaError: not reached, or refused.
        """
        if access.policy != "None":
            await self._secure(folder, access, place)
        if access.user is not None:
            self.set_user(access.user)
            self.set_password(access.password or "")
        if access.user_certificate is not None:
            await self._show_user_certificate(folder, access, place)
        await self.connect_sessionless()
        await self.create_session()
        await self.activate_session(self._username, self._password, self.user_certificate)

    async def leave(self) -> None:
        """Say goodbye if the server still listens, and close."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(GOODBYE_LIMIT_S):
                await self.uaclient.close_session(True)
                await self.close_secure_channel()
        self.disconnect_socket()

    async def renew(self) -> None:
        """A new security token before the channel's present one ends."""
        await self.open_secure_channel(renew=True)
        self.uaclient.revolve_security_token()

    async def read(self, request: PackedRead) -> list[Reading]:
        """Raises: OSError, TimeoutError, asyncua.ua.UaError, and what a strange answer makes its decoding raise."""
        return readings(await self.uaclient._send_request(request))

    @property
    def renewal_s(self) -> float:
        """After how long a token is to be renewed: 75 % of its life (OPC 10000-4, 5.5.2.1)."""
        return float(self.secure_channel_timeout) * 0.75 / 1000

    async def _secure(self, folder: Path, access: OpcuaAccess, place: Place) -> None:
        policy, _, mode = access.policy.partition("_")
        certificate, key = await self._own_certificate(folder, access, place)
        self.fingerprint = _fingerprint(certificate)
        server = None
        if access.server_certificate:
            server = str(pem_path(folder, access.server_certificate, (*place, "server_certificate")))
        with _said_plainly():
            await self.set_security(
                getattr(security_policies, f"SecurityPolicy{policy}"),
                str(certificate),
                str(key),
                server_certificate=server,
                mode=ua.MessageSecurityMode[mode],
            )

    async def _own_certificate(self, folder: Path, access: OpcuaAccess, place: Place) -> tuple[Path, Path]:
        if access.certificate is not None:
            key = access.key if access.key is not None else access.certificate
            return (
                pem_path(folder, access.certificate, (*place, "certificate")),
                pem_path(folder, key, (*place, "key")),
            )
        certificate, key_file = folder / "pki" / "scada.der", folder / "pki" / "scada.key.pem"
        if not (certificate.is_file() and key_file.is_file()):
            await self.setup_self_signed_certificate(key_file, certificate, host_name="scada")
            key_file.chmod(0o600)
        return certificate, key_file

    async def _show_user_certificate(self, folder: Path, access: OpcuaAccess, place: Place) -> None:
        assert access.user_certificate is not None
        with _said_plainly():
            shown = pem_path(folder, access.user_certificate, (*place, "user_certificate"))
            await self.load_client_certificate(str(shown))
            key = access.user_key or access.user_certificate
            await self.load_private_key(pem_path(folder, key, (*place, "user_key")))


def _fingerprint(certificate: Path) -> str:
    """As a device's trust list names it; empty when the file is no certificate (which is said elsewhere)."""
    data = certificate.read_bytes()
    try:
        pem = b"-----BEGIN" in data
        read = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
    except ValueError:
        return ""
    return f"sha256:{read.fingerprint(hashes.SHA256()).hex()}"


@contextlib.contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(
            f"OPC UA : certificat ou clé inutilisable ({error}) ; donnez du PEM",
            f"OPC UA: certificate or key cannot be used ({error}); give PEM",
        ) from error
