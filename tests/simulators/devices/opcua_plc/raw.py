"""A client that sends what it is told: ordinary ones refuse on their own side, which would pass for a refusal."""

import asyncio
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
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

from simulators.devices.opcua_plc.names import standard, status
from tests.simulators.devices.opcua_plc import pki
from tests.waiting import HANG_S

NONE = policies.SecurityPolicyNone
MODE = ua.MessageSecurityMode


class RefusedError(Exception):
    """The server said no: `code` is its status code, `by` how it said it (`fault`, `error` or `closed`)."""

    def __init__(self, code: int, by: str) -> None:
        super().__init__(status(code).name, by)
        self.code = code
        self.by = by


class Raw:
    """One connection. Every step is a call of its own, so that a test may leave one out or repeat it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> None:
        self.reader, self.writer, self.url = reader, writer, url
        self.channel = SecureConnection(NONE(), TransportLimits())  # type: ignore[no-untyped-call]
        self.certificate: x509.Certificate | None = None
        self.token = ua.NodeId()
        self.nonce = b""
        self.server_certificate = b""
        self._request = 0

    @classmethod
    async def connect(cls, host: str, port: int, source: str | None = None) -> "Raw":
        local = (source, 0) if source else None
        reader, writer = await asyncio.open_connection(host, port, local_addr=local)
        return cls(reader, writer, f"opc.tcp://{host}:{port}")

    async def hello(self, buffer_bytes: int = 65535) -> ua.Acknowledge:
        greeting = ua.Hello()
        greeting.ReceiveBufferSize = greeting.SendBufferSize = ua.UInt32(buffer_bytes)
        greeting.EndpointUrl = ua.String(self.url)
        self.send(uatcp_to_binary(ua.MessageType.Hello, greeting))  # type: ignore[arg-type]
        kind, body = await self.frame()
        assert kind == b"ACK", kind
        return struct_from_binary(ua.Acknowledge, body)

    async def open(
        self,
        policy: type[policies.SecurityPolicy] = NONE,
        mode: ua.MessageSecurityMode = MODE.None_,
        certificate: x509.Certificate | None = None,
        key: Any = None,
        lifetime_ms: int = 60_000,
        renew: bool = False,
    ) -> Any:
        """Open (or renew) the secure channel; the answer's parameters."""
        if policy is not NONE and not renew:
            self.certificate = certificate
            self.channel.security_policy = policy(self._server(), certificate, key or pki.key(), mode)
        request = ua.OpenSecureChannelRequest()
        kind = ua.SecurityTokenRequestType.Renew if renew else ua.SecurityTokenRequestType.Issue
        nonce = os.urandom(self.channel.security_policy.secure_channel_nonce_length)
        request.Parameters.ClientNonce = ua.ByteString(nonce)
        request.Parameters.RequestType = kind
        request.Parameters.SecurityMode = mode
        request.Parameters.RequestedLifetime = ua.UInt32(lifetime_ms)
        answer = await self._exchange(request, ua.MessageType.SecureOpen, ua.OpenSecureChannelResponse)
        self.channel.set_channel(answer.Parameters, kind, nonce)
        return answer.Parameters

    async def ask(self, request: Any, token: ua.NodeId | None = None) -> Any:
        """Send a request with the session's token (or another); its answer. Raises: RefusedError."""
        request.RequestHeader.AuthenticationToken = self.token if token is None else token
        answer_kind = getattr(ua, type(request).__name__.replace("Request", "Response"))
        return await self._exchange(request, ua.MessageType.SecureMessage, answer_kind)

    async def create_session(self, uri: str = pki.URI, certificate: bytes | None = None) -> Any:
        request = ua.CreateSessionRequest()
        request.Parameters.ClientDescription.ApplicationUri = ua.String(uri)
        request.Parameters.EndpointUrl = ua.String(self.url)
        request.Parameters.SessionName = ua.String("raw")
        request.Parameters.ClientNonce = ua.ByteString(os.urandom(32))
        own = pki.der(self.certificate) if self.certificate else b""
        request.Parameters.ClientCertificate = ua.ByteString(own if certificate is None else certificate)
        request.Parameters.RequestedSessionTimeout = ua.Double(60_000)
        answer = await self.ask(request, ua.NodeId())
        self.token, self.nonce = answer.Parameters.AuthenticationToken, answer.Parameters.ServerNonce
        return answer.Parameters

    async def activate(
        self,
        token: Any = None,
        signature: ua.SignatureData | None = None,
        session: ua.NodeId | None = None,
        locales: tuple[str, ...] = (),
    ) -> Any:
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = token or ua.AnonymousIdentityToken()
        request.Parameters.LocaleIds = list(locales)
        if signature is not None:
            request.Parameters.UserTokenSignature = signature
        policy = self.channel.security_policy
        if self.certificate is not None:
            data = self.server_certificate + self.nonce
            request.Parameters.ClientSignature.Algorithm = policy.AsymmetricSignatureURI
            request.Parameters.ClientSignature.Signature = policy.asymmetric_cryptography.signature(data)  # type: ignore[no-untyped-call]
        answer = await self.ask(request, session)
        self.nonce = answer.Parameters.ServerNonce
        return answer

    def user(self, name: str, password: str, nonce: bytes | None = None) -> ua.UserNameIdentityToken:
        """A user name token, the password ciphered for the server where the channel has a policy."""
        token = ua.UserNameIdentityToken()
        token.PolicyId, token.UserName = ua.String("username"), ua.String(name)
        token.Password = ua.ByteString(password.encode())
        if self.certificate is not None:
            secret = password.encode() + (self.nonce if nonce is None else nonce)
            ciphered, algorithm = policies.encrypt_asymmetric(  # type: ignore[no-untyped-call]
                self._server().public_key(),
                struct.pack("<I", len(secret)) + secret,
                self.channel.security_policy.URI,
            )
            token.Password, token.EncryptionAlgorithm = ua.ByteString(ciphered), ua.String(algorithm)
        return token

    async def log_in(
        self, name: str | None = None, password: str = "", locales: tuple[str, ...] = ()
    ) -> None:
        await self.create_session()
        await self.activate(self.user(name, password) if name else None, locales=locales)

    async def read(self, node: str, attribute: AttributeIds = AttributeIds.Value) -> Any:
        request = ua.ReadRequest()
        request.Parameters.NodesToRead = [ua.ReadValueId(ua.NodeId.from_string(node), attribute)]
        result: Any = (await self.ask(request)).Results[0]
        return result

    async def write(self, node: str, value: Any, kind: ua.VariantType, token: ua.NodeId | None = None) -> int:
        request = ua.WriteRequest()
        wanted = ua.WriteValue()
        wanted.NodeId, wanted.AttributeId = ua.NodeId.from_string(node), AttributeIds.Value
        wanted.Value = ua.DataValue(ua.Variant(value, kind))
        request.Parameters.NodesToWrite = [wanted]
        return int((await self.ask(request, token)).Results[0].value)

    async def call(self, owner: str, method: str, *arguments: ua.Variant) -> int:
        request = ua.CallRequest()
        wanted = ua.CallMethodRequest()
        wanted.ObjectId, wanted.MethodId = ua.NodeId.from_string(owner), ua.NodeId.from_string(method)
        wanted.InputArguments = list(arguments)
        request.Parameters.MethodsToCall = [wanted]
        return int((await self.ask(request)).Results[0].StatusCode.value)

    async def subscribe(self, interval_ms: float = 100) -> Any:
        request = ua.CreateSubscriptionRequest()
        request.Parameters.RequestedPublishingInterval = ua.Duration(interval_ms)
        request.Parameters.RequestedLifetimeCount = ua.UInt32(100)
        request.Parameters.RequestedMaxKeepAliveCount = ua.UInt32(10)
        request.Parameters.PublishingEnabled = True
        return (await self.ask(request)).Parameters

    async def monitor(
        self,
        subscription: int,
        node: str,
        attribute: AttributeIds = AttributeIds.Value,
        event_filter: Any = None,
    ) -> Any:
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor = ua.ReadValueId(ua.NodeId.from_string(node), attribute)
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = ua.IntegerId(7)
        item.RequestedParameters.QueueSize = ua.UInt32(10)
        item.RequestedParameters.Filter = event_filter
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = ua.UInt32(subscription)
        request.Parameters.ItemsToCreate = [item]
        result: Any = (await self.ask(request)).Results[0]
        return result

    async def publish(self) -> Any:
        return (await self.ask(ua.PublishRequest())).Parameters

    def _server(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.server_certificate)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def frame(self) -> tuple[bytes, Buffer]:
        """The next frame's kind and body. Raises: RefusedError: an error message, or the connection ended."""
        try:
            head = await asyncio.wait_for(self.reader.readexactly(8), HANG_S)
            rest = await asyncio.wait_for(
                self.reader.readexactly(int.from_bytes(head[4:], "little") - 8), HANG_S
            )
        except (asyncio.IncompleteReadError, ConnectionError):
            raise RefusedError(StatusCodes.BadConnectionClosed, "closed") from None
        if head[:3] == b"ERR":
            raise RefusedError(int.from_bytes(rest[:4], "little"), "error")
        return head[:3], Buffer(head + rest) if head[:3] in (b"OPN", b"MSG") else Buffer(rest)

    async def close(self) -> None:
        self.writer.transport.abort()  # what the server has not read must not hold us
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def encoded(self, request: Any, kind: Any = ua.MessageType.SecureMessage) -> bytes:
        self._request += 1
        return self.channel.message_to_binary(struct_to_binary(request), kind, self._request)

    async def _exchange(self, request: Any, kind: Any, answer_kind: type) -> Any:
        self.send(self.encoded(request, kind))
        return await self.answer(answer_kind)

    async def answer(self, kind: type) -> Any:
        """The next answer, which should be of `kind`. Raises: RefusedError: it is a fault."""
        message = None
        while message is None:
            _, body = await self.frame()
            message = self.channel.receive_from_header_and_body(header_from_binary(body), body)
        content = message.body()
        if nodeid_from_binary(content.copy()) == standard(ObjectIds.ServiceFault_Encoding_DefaultBinary):
            fault = struct_from_binary(ua.ServiceFault, content)
            raise RefusedError(int(fault.ResponseHeader.ServiceResult.value), "fault")
        return struct_from_binary(kind, content)


@contextmanager
def refused(*codes: int, by: str | None = None) -> Iterator[None]:
    """The block must be refused by the server itself, with one of `codes`."""
    with pytest.raises(RefusedError) as caught:
        yield
    names = [status(code).name for code in codes]
    assert not codes or caught.value.code in codes, f"{caught.value}, not {names}"
    assert by is None or caught.value.by == by, f"refused by {caught.value.by}, not {by}"
