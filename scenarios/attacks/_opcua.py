"""The few OPC UA messages that discovery takes, without security (OPC 10000-6): hello, open, GetEndpoints."""

import struct

_POLICY = b"http://opcfoundation.org/UA/SecurityPolicy#None"
_NULL = struct.pack("<i", -1)
_OPEN, _ENDPOINTS, _SERVERS = 446, 428, 422
_LIFETIME_MS = 60_000


def hello(url: str) -> bytes:
    return _message(b"HEL", struct.pack("<5I", 0, 65_536, 65_536, 0, 0) + _text(url))


def open_channel() -> bytes:
    asked = struct.pack("<3I", 0, 0, 1) + _NULL + struct.pack("<I", _LIFETIME_MS)
    security = struct.pack("<I", 0) + _bytes(_POLICY) + _NULL + _NULL
    return _message(b"OPN", security + struct.pack("<II", 1, 1) + _typed(_OPEN) + asked)


def channel_of(answer: bytes) -> tuple[int, int] | None:
    """The channel and its token, from the answer to `open_channel`; None where there is none."""
    if answer[:3] != b"OPN" or len(answer) < 16:
        return None
    # Security header, sequence, type, response header, protocol version; then the token.
    at = 12 + 4 + struct.unpack_from("<i", answer, 12)[0] + 8 + 8 + 4 + 24 + 4
    if len(answer) < at + 8:
        return None
    channel, token = struct.unpack_from("<II", answer, at)
    return int(channel), int(token)


def get_endpoints(channel: tuple[int, int], url: str, number: int) -> bytes:
    return _request(_ENDPOINTS, channel, number, _text(url) + _NULL + _NULL)


def find_servers(channel: tuple[int, int], url: str, number: int) -> bytes:
    return _request(_SERVERS, channel, number, _text(url) + _NULL + _NULL)


def _request(service: int, channel: tuple[int, int], number: int, body: bytes) -> bytes:
    head = struct.pack("<4I", *channel, number, number)
    return _message(b"MSG", head + _typed(service) + body)


def _typed(service: int) -> bytes:
    header = b"\0\0" + struct.pack("<qII", 0, 1, 0) + _NULL + struct.pack("<I", 5000) + b"\0\0\0"
    return b"\x01\0" + struct.pack("<H", service) + header


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + b"F" + struct.pack("<I", 8 + len(body)) + body


def _text(words: str) -> bytes:
    return _bytes(words.encode())


def _bytes(data: bytes) -> bytes:
    return struct.pack("<i", len(data)) + data
