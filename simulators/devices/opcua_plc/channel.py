"""The secure channel, and the messages that come through it, as hostile as they may be."""

import time
from typing import Any, cast

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer, ServiceError
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import uatcp_to_binary

from simulators.devices.opcua_plc.names import status
from simulators.devices.opcua_plc.policies import NONE_URI, Offer

_Bad = StatusCodes
CHUNK_BYTES = 65535
SMALLEST_BUFFER_BYTES = 8192  # OPC 10000-6 §7.1.2.3
_MOST_NULLS = 64


class StrictBuffer(Buffer):
    """A message being decoded. The library's decoder believes every length that it reads: here a negative
    one, or an array of thousands of nulls (which takes no byte of the message), is an error.
    """

    _null_array = False

    def read(self, size: int) -> bytes:
        if size < 0:
            raise ServiceError(_Bad.BadDecodingError)
        data = super().read(size)
        if self._null_array and size == 4 and int.from_bytes(data, "little", signed=True) > _MOST_NULLS:
            raise ServiceError(_Bad.BadDecodingError)
        self._null_array = size == 1 and data[0] & 0b1011_1111 == 0b1000_0000
        return data

    def copy(self, size: int = -1) -> "StrictBuffer":
        if size < -1:
            raise ServiceError(_Bad.BadDecodingError)
        return StrictBuffer(self._data, self._cur_pos, self._size if size == -1 else min(size, self._size))

    def skip(self, size: int) -> None:
        if size < 0:
            raise ServiceError(_Bad.BadDecodingError)
        super().skip(size)


class HardenedConnection(SecureConnection):
    """A channel that only takes the policies offered, or None for discovery, and that expires."""

    def __init__(self, offered: list[Offer], limits: TransportLimits, lifetime_s: float) -> None:
        super().__init__(SecurityPolicyNone(), limits)  # type: ignore[no-untyped-call]
        self._offered = offered
        self._lifetime_ms = lifetime_s * 1000
        self._expires: float | None = None

    @property
    def configured(self) -> bool:
        """Whether the channel's policy is offered; if not it is None, opened for discovery alone."""
        uri, mode = self.security_policy.URI, self.security_policy.Mode
        return any(offer.uri == uri and offer.mode == mode for offer in self._offered)

    @property
    def expired(self) -> bool:
        return self._expires is not None and time.monotonic() > self._expires

    def select_policy(
        self, uri: str, peer_certificate: bytes | None, mode: ua.MessageSecurityMode | None = None
    ) -> None:
        for offer in self._offered:
            if offer.uri == uri and mode in (None, offer.mode):
                if uri != NONE_URI and not peer_certificate:
                    raise ServiceError(_Bad.BadCertificateInvalid)
                self.security_policy = offer.factory.create(peer_certificate if uri != NONE_URI else None)  # type: ignore[no-untyped-call]
                return
        if uri != NONE_URI:
            known = any(offer.uri == uri for offer in self._offered)
            raise ServiceError(_Bad.BadSecurityModeRejected if known else _Bad.BadSecurityPolicyRejected)
        if mode not in (None, ua.MessageSecurityMode.None_):
            raise ServiceError(_Bad.BadSecurityModeRejected)
        self.security_policy = SecurityPolicyNone()  # type: ignore[no-untyped-call]

    def open(self, params: Any, server: Any) -> ua.OpenSecureChannelResult:
        renewal = params.RequestType == ua.SecurityTokenRequestType.Renew
        if renewal != self.is_open():
            raise ServiceError(_Bad.BadRequestTypeInvalid)
        needed = self.security_policy.secure_channel_nonce_length
        if needed and len(params.ClientNonce or b"") != needed:
            raise ServiceError(_Bad.BadNonceInvalid)
        params.RequestedLifetime = int(max(10_000, min(params.RequestedLifetime, self._lifetime_ms)))
        result = super().open(params, server)
        # A renewed token may be used for a quarter longer (OPC 10000-4 §5.5.2.1).
        self._expires = time.monotonic() + params.RequestedLifetime * 1.25 / 1000
        return result


def error_message(code: int) -> bytes:
    """The ERR message that says why a connection is closed."""
    return uatcp_to_binary(
        cast("ua.MessageType", ua.MessageType.Error), ua.ErrorMessage(status(code), ua.String(""))
    )
