"""What each message of a connection has to pass before the library serves it."""

import asyncio
import hmac
import time
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.crypto import uacrypto
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary

from simulators.devices.opcua_plc.channel import (
    SMALLEST_BUFFER_BYTES,
    HardenedConnection,
    StrictBuffer,
    error_message,
)
from simulators.devices.opcua_plc.identities import Claim
from simulators.devices.opcua_plc.policies import NONE_URI
from simulators.devices.opcua_plc.session import HardenedSession
from simulators.devices.opcua_plc.trust import fingerprint, parsed

if TYPE_CHECKING:
    from simulators.devices.opcua_plc.server import HardenedServer

_Bad = StatusCodes


def _request(name: str) -> int:
    return int(getattr(ObjectIds, f"{name}Request_Encoding_DefaultBinary"))


CREATE, ACTIVATE, CLOSE = _request("CreateSession"), _request("ActivateSession"), _request("CloseSession")
READ = _request("Read")
# A poll that is repeated is remembered up to this size.
REMEMBERED_BYTES = 16 << 10
DISCOVERY = {_request(name) for name in ("GetEndpoints", "FindServers", "CloseSecureChannel")}
# A PLC's address space is its program's; its sessions end with their channel; it registers nobody.
UNSUPPORTED = {
    _request(name)
    for name in (
        "AddNodes", "DeleteNodes", "AddReferences", "DeleteReferences",
        "RegisterServer", "RegisterServer2", "TransferSubscriptions",
    )
}  # fmt: skip


class HardenedProcessor(UaProcessor):
    """One connection's state: hello, then a channel, then at most one session, which is this channel's own."""

    session: HardenedSession | None

    def __init__(
        self, server: "HardenedServer", transport: asyncio.Transport, limits: TransportLimits
    ) -> None:
        super().__init__(server, transport, limits)
        self.server = server
        self.channel = HardenedConnection(
            server.offered, self._limits, server.configuration.sessions.channel_lifetime_s
        )
        self._connection = self.channel
        self._greeted = False
        self._shown: bytes | None = None
        self._polled: tuple[bytes, ua.ReadParameters] | None = None

    @property
    def address(self) -> str:
        return str(self.name[0]) if self.name else "?"

    async def process(self, header: Any, body: Any) -> bool:
        """Serve one chunk; whatever is wrong with it is answered by an error message, and the connection ends."""
        try:
            if header.MessageType == ua.MessageType.Error:
                return False
            self._expect(header, body)
            return bool(await super().process(header, body))  # type: ignore[no-untyped-call]
        except Exception as error:
            code = status_of(error)
            if header.MessageType == ua.MessageType.SecureOpen:
                self.server.refused(self, "open_channel", code, **described(self._shown))
            self._transport.write(error_message(_said(code)))
            return False

    def _expect(self, header: Any, body: StrictBuffer) -> None:
        """Refuse a message that comes before its time."""
        if header.MessageType == ua.MessageType.Hello:
            hello = struct_from_binary(ua.Hello, body.copy())
            if self._greeted:
                raise ServiceError(_Bad.BadTcpMessageTypeInvalid)
            if min(hello.ReceiveBufferSize, hello.SendBufferSize) < SMALLEST_BUFFER_BYTES:
                raise ServiceError(_Bad.BadConnectionRejected)
            self._greeted = True
            return
        opening = header.MessageType == ua.MessageType.SecureOpen
        if not self._greeted or not (opening or self.channel.is_open()):
            raise ServiceError(_Bad.BadTcpMessageTypeInvalid)
        if self.channel.expired:
            raise ServiceError(_Bad.BadSecureChannelTokenUnknown)
        if opening and header.ChunkType != ua.ChunkType.Single:
            raise ServiceError(_Bad.BadTcpMessageTypeInvalid)

    def open_secure_channel(self, algohdr: Any, seqhdr: Any, body: Any) -> None:
        policy = self.channel.security_policy
        self._shown = algohdr.SenderCertificate
        content = bytes(body)
        if self.channel.is_open():
            leaf = uacrypto.der_from_x509(uacrypto.x509_from_der(algohdr.SenderCertificate))  # type: ignore[no-untyped-call]
            if algohdr.SecurityPolicyURI != policy.URI or leaf != (policy.peer_certificate or b""):
                raise ServiceError(_Bad.BadSecurityChecksFailed)
        elif algohdr.SecurityPolicyURI != NONE_URI:
            self.server.trust.check_client(algohdr.SenderCertificate)
        super().open_secure_channel(algohdr, seqhdr, StrictBuffer(content))  # type: ignore[no-untyped-call]
        self.server.opened(self)

    async def process_message(self, seqhdr: Any, body: Any) -> Any:
        return await super().process_message(seqhdr, StrictBuffer(bytes(body)))  # type: ignore[no-untyped-call]

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        kind = typeid.Identifier if typeid.NamespaceIndex == 0 else None
        if kind in UNSUPPORTED:
            raise ServiceError(_Bad.BadServiceUnsupported)
        if not self.channel.configured and kind not in DISCOVERY:
            raise ServiceError(_Bad.BadSecurityPolicyRejected)
        if kind == CREATE:
            return await self._create(typeid, requesthdr, seqhdr, body)
        if kind not in DISCOVERY:
            self._check_token(requesthdr.AuthenticationToken)
        if kind == ACTIVATE:
            return await self._activate(typeid, requesthdr, seqhdr, body)
        if kind == CLOSE and self.session is not None:
            self.server.recorded(self, "close_session", 0)
        if kind == READ:
            return await self._read(requesthdr, seqhdr, body)
        return await self._decoded(typeid, requesthdr, seqhdr, body)

    async def _read(self, requesthdr: Any, seqhdr: Any, body: Any) -> bool:
        """A master asks the same each second: what it asked last is not decoded again."""
        if self.session is None or not self.session.is_activated():
            raise ServiceError(_Bad.BadSessionNotActivated)
        # As the library does for what it serves itself: its two watchdogs look at one of these each.
        self.session_last_activity = time.monotonic()
        self.session.touch()
        content = bytes(body)
        if self._polled is None or self._polled[0] != content:
            try:
                params = struct_from_binary(ua.ReadParameters, body)
            except (ServiceError, ua.uaerrors.UaStatusCodeError):
                raise
            except Exception as error:
                raise ServiceError(_Bad.BadDecodingError) from error
            self._polled = (content if len(content) <= REMEMBERED_BYTES else b"", params)
        response = ua.ReadResponse()
        response.Results = await self.session.read(self._polled[1])
        self.send_response(requesthdr.RequestHandle, seqhdr, response)  # type: ignore[no-untyped-call]
        return True

    async def _create(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        try:
            params = struct_from_binary(ua.CreateSessionParameters, body.copy())
            if self.session is not None and not self.session.closed:
                raise ServiceError(_Bad.BadTooManySessions)
            self._check_application(params)
            self.server.check_session_room()
            if self._session_watchdog_task is not None:
                self._session_watchdog_task.cancel()  # the library starts another and forgets this one
            served = await self._decoded(typeid, requesthdr, seqhdr, body)
        except Exception as error:
            self.server.refused(self, "create_session", status_of(error))
            raise
        self.server.recorded(self, "create_session", 0, application=params.ClientDescription.ApplicationUri)
        return served

    def _check_application(self, params: ua.CreateSessionParameters) -> None:
        """The certificate must be the channel's, and name the application as it names itself."""
        peer = self.channel.security_policy.peer_certificate
        if not peer:
            return
        leaf = uacrypto.der_from_x509(uacrypto.x509_from_der(params.ClientCertificate))  # type: ignore[no-untyped-call]
        if leaf != peer:
            raise ServiceError(_Bad.BadCertificateInvalid)
        if len(params.ClientNonce or b"") < 32:
            raise ServiceError(_Bad.BadNonceInvalid)
        self.server.trust.check_application(peer, params.ClientDescription.ApplicationUri)

    def _check_token(self, token: ua.NodeId) -> None:
        """The session is the one made on this very channel, and the request carries its secret."""
        session = self.session
        given = token.Identifier if isinstance(token.Identifier, bytes) else b""
        if session is None or not hmac.compare_digest(given, session.secret):
            raise ServiceError(_Bad.BadSessionIdInvalid)
        if session.closed:
            raise ServiceError(_Bad.BadSessionClosed)

    async def _activate(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        session = self.session
        assert session is not None
        params = struct_from_binary(ua.ActivateSessionParameters, body.copy())
        claim = Claim(
            params.UserIdentityToken, params.UserTokenSignature, session.nonce or b"",
            self.channel.security_policy, self.address,
        )  # fmt: skip
        try:
            self._check_client_signature(session, params)
            identity = await self.server.gate.admit(claim)
            self.server.check_user_room(identity, session)
            session.accept(identity, params.LocaleIds)
            served = await self._decoded(typeid, requesthdr, seqhdr, body)
        except Exception as error:
            self.server.refused(self, "activate_session", status_of(error), claim.user)
            raise
        self.server.recorded(self, "activate_session", 0, role=identity.duty)
        return served

    def _check_client_signature(self, session: HardenedSession, params: ua.ActivateSessionParameters) -> None:
        policy = self.channel.security_policy
        data = (policy.host_certificate or b"") + (session.nonce or b"")
        try:
            policy.asymmetric_cryptography.verify(data, params.ClientSignature.Signature)  # type: ignore[no-untyped-call]
        except Exception:  # whatever the library cannot verify is not a signature
            raise ServiceError(_Bad.BadApplicationSignatureInvalid) from None

    async def _decoded(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        """Serve, and say of a request that makes no sense that it does not."""
        try:
            return await super()._process_message(typeid, requesthdr, seqhdr, body)  # type: ignore[no-untyped-call]
        except (ServiceError, ua.uaerrors.UaStatusCodeError):
            raise
        except Exception as error:
            raise ServiceError(_Bad.BadDecodingError) from error

    def publish_request_limit(self, subscription_count: int) -> int:
        return min(subscription_count, 10) + 10

    def _should_close_session_on_transport_loss(self) -> bool:
        return self.session is not None


def status_of(error: Exception) -> int:
    """The status code that stands for `error`."""
    if isinstance(error, (ServiceError, ua.uaerrors.UaStatusCodeError)):
        return int(error.code)
    return _Bad.BadDecodingError if isinstance(error, NotEnoughData) else _Bad.BadSecurityChecksFailed


def described(der: bytes | None) -> dict[str, str]:
    """What the audit trail says of a certificate that was refused: enough to recognise it, or not."""
    known = fingerprint(der)
    try:
        return {"certificate": parsed(der).subject.rfc4514_string()[:80], "sha256": known} if known else {}
    except ValueError:  # a subject that cannot be read
        return {"sha256": known}


def _said(code: int) -> int:
    """A stranger is not told that a certificate is merely unknown (OPC 10000-4 §6.1.3, table 101)."""
    return _Bad.BadSecurityChecksFailed if code == _Bad.BadCertificateUntrusted else code
