"""Ethernet, IPv4 and TCP frames: building those that a relay stands for, reading those of a loopback, pcap."""

import socket
import struct
from typing import NamedTuple

FIN, SYN, RST, PUSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
TCP, UDP, ICMP = 6, 17, 1
SEGMENT_BYTES = 1460  # an Ethernet frame's room (RFC 879)
SNAPLEN = 262_144
_WINDOW = 64_240
_MSS_OPTION = struct.pack("!BBH", 2, 4, SEGMENT_BYTES)
_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
End = tuple[str, int]


def pcap_header() -> bytes:
    """The head of a pcap file of Ethernet frames with microseconds."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, 1)


def pcap_frame(unix_s: float, frame: bytes) -> bytes:
    """One frame as a pcap file holds it."""
    whole = int(unix_s * 1_000_000 + 0.5)
    return struct.pack("<IIII", whole // 1_000_000, whole % 1_000_000, len(frame), len(frame)) + frame


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def tcp_frame(source: End, target: End, seq: int, ack: int, flags: int, data: bytes, number: int) -> bytes:
    """A frame with right checksums; the stations' Ethernet addresses are made of their IP addresses."""
    origin, goal = socket.inet_aton(source[0]), socket.inet_aton(target[0])
    options = _MSS_OPTION if flags & SYN else b""
    offset = (20 + len(options)) // 4 << 4
    segment = _TCP.pack(source[1], target[1], seq, ack, offset, flags, _WINDOW, 0, 0) + options + data
    segment = segment[:16] + struct.pack("!H", _transport_sum(origin, goal, TCP, segment)) + segment[18:]
    head = _IP.pack(0x45, 0, 20 + len(segment), number & 0xFFFF, 0x4000, 64, TCP, 0, origin, goal)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return _station(goal) + _station(origin) + b"\x08\0" + head + segment


def _transport_sum(origin: bytes, goal: bytes, protocol: int, segment: bytes) -> int:
    return checksum(origin + goal + struct.pack("!BBH", 0, protocol, len(segment)) + segment)


def _station(address: bytes) -> bytes:
    return b"\x02\0" + address  # a locally administered address


class Packet(NamedTuple):
    """What a frame says. For ICMP the ports are its type and code. `flags`, `seq` and `ack` are TCP's."""

    protocol: int
    source: End
    target: End
    flags: int
    seq: int
    ack: int
    data: bytes


def read(frame: bytes) -> Packet | None:
    """The IPv4 packet in an Ethernet frame, None for anything else or a broken one."""
    start = ends(frame)
    if start is None:
        return None
    at, protocol = start
    size = 14 + int.from_bytes(frame[16:18], "big")
    body = frame[at : max(size, at)]
    origin, goal = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    if protocol == TCP and len(body) >= 20:
        sport, dport, seq, ack, offset, flags, *_ = _TCP.unpack_from(body)
        return Packet(TCP, (origin, sport), (goal, dport), flags, seq, ack, body[max(offset >> 4, 5) * 4 :])
    if protocol == UDP and len(body) >= 8:
        sport, dport = struct.unpack_from("!HH", body)
        return Packet(UDP, (origin, sport), (goal, dport), 0, 0, 0, body[8:])
    if protocol == ICMP and len(body) >= 4:
        return Packet(ICMP, (origin, body[0]), (goal, body[1]), 0, 0, 0, body[4:])
    return None


def ends(frame: bytes) -> tuple[int, int] | None:
    """Where an IPv4 frame's transport begins, and its protocol; None for anything else."""
    if len(frame) < 34 or frame[12:14] != b"\x08\0" or frame[14] >> 4 != 4:
        return None
    length = (frame[14] & 15) * 4
    return (14 + length, frame[23]) if length >= 20 and len(frame) >= 14 + length else None


def mended(frame: bytes) -> bytes:
    """A loopback's frame as a network card would have sent it.

    The kernel leaves checksums to a card that a loopback does not have, and its stations have no address.
    """
    start = ends(frame)
    if start is None:
        return frame
    at, protocol = start
    origin, goal = frame[26:30], frame[30:34]
    where = {TCP: 16, UDP: 6}.get(protocol)
    segment = frame[at : 14 + int.from_bytes(frame[16:18], "big")]
    if where is not None and len(segment) >= where + 2:
        segment = segment[:where] + b"\0\0" + segment[where + 2 :]
        total = _transport_sum(origin, goal, protocol, segment)
        segment = segment[:where] + struct.pack("!H", total) + segment[where + 2 :]
    return _station(goal) + _station(origin) + frame[12:at] + segment
