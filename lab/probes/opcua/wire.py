"""A client that sends what it is told: ordinary ones refuse on their own side, which would pass for a refusal.

Every request and its answer are kept, in the standard's words, as the exchanges of the finding.
"""

import asyncio
import os
import struct
from typing import Any, Literal, cast

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto import security_policies as policies
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    struct_to_binary,
    uatcp_to_binary,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.probes.contract import Exchange
from lab.probes.opcua.certificates import Pair
from simulators.devices.opcua_plc.config import PolicyName

ANSWER_S = 6.0
NONE = policies.SecurityPolicyNone
MODE = ua.MessageSecurityMode
_CHANNEL_MS, _SESSION_MS, _BUFFER_BYTES = 60_000, 60_000, 65535
_FAULT = ua.NodeId(cast("Any", ObjectIds.ServiceFault_Encoding_DefaultBinary))
Said = Literal["fault", "error", "closed"]


class RefusedError(Exception):
    """The server said no: `code` is its status code, `by` how it said it; `closed` is without a word."""

    def __init__(self, code: int, by: Said) -> None:
        super().__init__(named(code), by)
        self.code = code
        self.by = by


def named(code: int) -> str:
    """The status code's name (`BadUserAccessDenied`)."""
    return ua.StatusCode(cast("Any", code)).name


def security(policy: PolicyName) -> tuple[type[policies.SecurityPolicy], ua.MessageSecurityMode]:
    """The library's policy and the mode that `policy` (`Basic256Sha256_SignAndEncrypt`) stands for."""
    name, _, mode = policy.partition("_")
    if name == "None":
        return NONE, MODE.None_
    return getattr(policies, f"SecurityPolicy{name}"), MODE.__members__[mode]


class Wire:
    """One connection. Every step is a call of its own, so that a probe may leave one out or repeat it."""

    def __init__(self, host: str, port: int, source: str | None = None) -> None:
        """`source` is an address of this machine to come from, the system's choice if None."""
        self.url = f"opc.tcp://{host}:{port}"
        self.exchanges: list[Exchange] = []
        self._place = (host, port)
        self._source = (source, 0) if source is not None else None
        self._writer: asyncio.StreamWriter | None = None
        self._channel = SecureConnection(NONE(), TransportLimits())  # type: ignore[no-untyped-call]
        self._own: Pair | None = None
        self._server: x509.Certificate | None = None
        self._token = ua.NodeId()
        self._nonce = b""
        self._request = 0

    async def connect(self) -> None:
        """TCP, then hello. Raises: OSError, TimeoutError, RefusedError."""
        async with asyncio.timeout(ANSWER_S):
            self._reader, self._writer = await asyncio.open_connection(*self._place, local_addr=self._source)
        greeting = ua.Hello()
        greeting.ReceiveBufferSize = greeting.SendBufferSize = ua.UInt32(_BUFFER_BYTES)
        greeting.EndpointUrl = ua.String(self.url)
        self._writer.write(uatcp_to_binary(ua.MessageType.Hello, greeting))  # type: ignore[arg-type]
        await self._frame()

    async def open(
        self, policy: PolicyName = "None", own: Pair | None = None, server: x509.Certificate | None = None
    ) -> None:
        """Open the secure channel; `own` and `server` are needed but for policy None. Raises: as `ask`."""
        kind, mode = security(policy)
        if kind is not NONE:
            assert own is not None
            assert server is not None
            self._own, self._server = own, server
            self._channel.security_policy = kind(server, own.certificate, own.key, mode)
        request = ua.OpenSecureChannelRequest()
        nonce = os.urandom(self._channel.security_policy.secure_channel_nonce_length)
        request.Parameters.ClientNonce = ua.ByteString(nonce)
        request.Parameters.RequestType = ua.SecurityTokenRequestType.Issue
        request.Parameters.SecurityMode = mode
        request.Parameters.RequestedLifetime = ua.UInt32(_CHANNEL_MS)
        answer = await self._exchange(
            f"OpenSecureChannel {policy}", request, ua.MessageType.SecureOpen, ua.OpenSecureChannelResponse
        )
        self._channel.set_channel(answer.Parameters, ua.SecurityTokenRequestType.Issue, nonce)

    async def endpoints(self) -> list[ua.EndpointDescription]:
        request = ua.GetEndpointsRequest()
        request.Parameters.EndpointUrl = ua.String(self.url)
        found: list[ua.EndpointDescription] = (await self.ask("GetEndpoints", request)).Endpoints
        return found

    async def create_session(self, uri: str) -> None:
        """Raises: as `ask`."""
        request = ua.CreateSessionRequest()
        request.Parameters.ClientDescription.ApplicationUri = ua.String(uri)
        request.Parameters.EndpointUrl = ua.String(self.url)
        request.Parameters.SessionName = ua.String("workstation")
        request.Parameters.ClientNonce = ua.ByteString(os.urandom(32))
        own = self._own.certificate.public_bytes(Encoding.DER) if self._own else b""
        request.Parameters.ClientCertificate = ua.ByteString(own)
        request.Parameters.RequestedSessionTimeout = ua.Double(_SESSION_MS)
        answer = await self.ask("CreateSession", request)
        self._token, self._nonce = answer.Parameters.AuthenticationToken, answer.Parameters.ServerNonce

    async def activate(self, user: str | None, password: str) -> None:
        """Take on an identity: a user, or nobody (anonymous). Raises: as `ask`."""
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = (
            self._user(user, password) if user is not None else _anonymous()
        )
        if self._own is not None and self._server is not None:
            policy = self._channel.security_policy
            data = self._server.public_bytes(Encoding.DER) + self._nonce
            request.Parameters.ClientSignature.Algorithm = policy.AsymmetricSignatureURI
            request.Parameters.ClientSignature.Signature = policy.asymmetric_cryptography.signature(data)  # type: ignore[no-untyped-call]
        answer = await self.ask(f"ActivateSession {user or 'anonymous'}", request)
        self._nonce = answer.Parameters.ServerNonce

    async def read(self, node: str, quiet: bool = False) -> ua.DataValue:
        """A node's value, with its status; not kept as an exchange if `quiet`. Raises: as `ask`."""
        request = ua.ReadRequest()
        request.Parameters.NodesToRead = [ua.ReadValueId(ua.NodeId.from_string(node), AttributeIds.Value)]
        (result,) = (await self.ask(f"Read {node}", request, quiet=True)).Results
        if not quiet:
            self._keep(f"Read {node}", _shown(result))
        value: ua.DataValue = result
        return value

    async def write(self, node: str, value: ua.Variant) -> int:
        """Write a node's value; the status code of the operation. Raises: as `ask`."""
        wanted = ua.WriteValue()
        wanted.NodeId, wanted.AttributeId = ua.NodeId.from_string(node), AttributeIds.Value
        wanted.Value = ua.DataValue(value)
        request = ua.WriteRequest()
        request.Parameters.NodesToWrite = [wanted]
        said = f"Write {node} {_short(value.Value)}"
        (result,) = (await self.ask(said, request, quiet=True)).Results
        self._keep(said, named(result.value))
        return int(result.value)

    async def call(self, owner: str, method: str, arguments: list[str]) -> int:
        """Call a method with strings; the status code of the operation. Raises: as `ask`."""
        wanted = ua.CallMethodRequest()
        wanted.ObjectId, wanted.MethodId = ua.NodeId.from_string(owner), ua.NodeId.from_string(method)
        wanted.InputArguments = [ua.Variant(argument, ua.VariantType.String) for argument in arguments]
        request = ua.CallRequest()
        request.Parameters.MethodsToCall = [wanted]
        said = f"Call {method}"
        (result,) = (await self.ask(said, request, quiet=True)).Results
        self._keep(said, named(result.StatusCode.value))
        return int(result.StatusCode.value)

    async def subscribe(self, node: str) -> ua.DataValue:
        """Monitor a node's value until it is told once: that value, or the refusal as its status. Raises: as `ask`."""
        request = ua.CreateSubscriptionRequest()
        request.Parameters.RequestedPublishingInterval = ua.Duration(100)
        request.Parameters.RequestedLifetimeCount = ua.UInt32(100)
        request.Parameters.RequestedMaxKeepAliveCount = ua.UInt32(5)
        request.Parameters.PublishingEnabled = True
        made = (await self.ask("CreateSubscription", request, quiet=True)).Parameters
        result = await self._monitored(made.SubscriptionId, node)
        self._keep(f"Subscribe {node}", _shown(result))
        return result

    async def _monitored(self, subscription: int, node: str) -> ua.DataValue:
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor = ua.ReadValueId(ua.NodeId.from_string(node), AttributeIds.Value)
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = ua.IntegerId(1)
        item.RequestedParameters.QueueSize = ua.UInt32(1)
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = ua.UInt32(subscription)
        request.Parameters.ItemsToCreate = [item]
        (made,) = (await self.ask("CreateMonitoredItems", request, quiet=True)).Results
        if not made.StatusCode.is_good():
            return ua.DataValue(StatusCode=made.StatusCode)
        told = await self.ask("Publish", ua.PublishRequest(), quiet=True)
        for notice in told.Parameters.NotificationMessage.NotificationData or []:
            for change in getattr(notice, "MonitoredItems", []):
                value: ua.DataValue = change.Value
                return value
        return ua.DataValue(StatusCode=ua.StatusCode(cast("Any", StatusCodes.BadNoData)))

    async def ask(self, said: str, request: Any, quiet: bool = False) -> Any:
        """Send a request with the session's token; its answer.

        Raises:
            RefusedError: the server says no, or hangs up.
            TimeoutError: no answer in time.
            OSError: the connection broke.
        """
        request.RequestHeader.AuthenticationToken = self._token
        kind = getattr(ua, type(request).__name__.replace("Request", "Response"))
        return await self._exchange(said, request, ua.MessageType.SecureMessage, kind, quiet)

    async def close(self) -> None:
        """Hang up; harmless twice."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
            await asyncio.sleep(0)

    def _user(self, name: str, password: str) -> ua.UserNameIdentityToken:
        """The password ciphered for the server where the channel has a policy, in clear where it has none."""
        token = ua.UserNameIdentityToken()
        token.PolicyId, token.UserName = ua.String("username"), ua.String(name)
        token.Password = ua.ByteString(password.encode())
        if self._server is not None:
            secret = password.encode() + self._nonce
            ciphered, algorithm = policies.encrypt_asymmetric(  # type: ignore[no-untyped-call]
                self._server.public_key(),
                struct.pack("<I", len(secret)) + secret,
                self._channel.security_policy.URI,
            )
            token.Password, token.EncryptionAlgorithm = ua.ByteString(ciphered), ua.String(algorithm)
        return token

    async def _exchange(self, said: str, request: Any, message: Any, kind: type, quiet: bool = False) -> Any:
        try:
            self._send(request, message)
            answer = await self._answer(kind)
        except RefusedError as error:
            self._keep(said, named(error.code) if error.by != "closed" else "closed without an answer")
            raise
        except TimeoutError:
            self._keep(said, f"no answer after {ANSWER_S:.0f} s")
            raise
        if not quiet:
            self._keep(said, "Good")
        return answer

    def _send(self, request: Any, message: Any) -> None:
        assert self._writer is not None
        self._request += 1
        self._writer.write(self._channel.message_to_binary(struct_to_binary(request), message, self._request))

    async def _answer(self, kind: type) -> Any:
        message = None
        while message is None:
            body = await self._frame()
            message = self._channel.receive_from_header_and_body(header_from_binary(body), body)
        content = message.body()
        if nodeid_from_binary(content.copy()) == _FAULT:
            fault = struct_from_binary(ua.ServiceFault, content)
            raise RefusedError(int(fault.ResponseHeader.ServiceResult.value), "fault")
        return struct_from_binary(kind, content)

    async def _frame(self) -> Buffer:
        """The next frame. Raises: RefusedError: an error message, or the end; TimeoutError."""
        try:
            async with asyncio.timeout(ANSWER_S):
                head = await self._reader.readexactly(8)
                rest = await self._reader.readexactly(int.from_bytes(head[4:], "little") - 8)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            raise RefusedError(StatusCodes.BadConnectionClosed, "closed") from None
        if head[:3] == b"ERR":
            raise RefusedError(int.from_bytes(rest[:4], "little"), "error")
        return Buffer(head + rest)

    def _keep(self, request: str, answer: str) -> None:
        self.exchanges.append(Exchange(request, answer))


def _anonymous() -> ua.AnonymousIdentityToken:
    token = ua.AnonymousIdentityToken()
    token.PolicyId = ua.String("anonymous")
    return token


def good(value: ua.DataValue) -> bool:
    """Whether a value came with it."""
    return value.Value is not None and (value.StatusCode is None or value.StatusCode.is_good())


def _shown(value: ua.DataValue) -> str:
    if good(value) and value.Value is not None:
        return _short(value.Value.Value)
    return value.StatusCode.name if value.StatusCode is not None else "no value"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)[:40]
