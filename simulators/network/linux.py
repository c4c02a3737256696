"""The few Linux calls that network namespaces need and Python 3.11 does not have."""

import ctypes
import fcntl
import ipaddress
import os
import signal
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NEWUSER, NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_LOOPBACK_INDEX = 1  # the kernel gives every new network namespace its loopback first

# rtnetlink(7)
_RTM_NEWLINK, _RTM_NEWADDR, _RTM_NEWROUTE, _RTM_NEWRULE, _RTM_DELRULE = 16, 20, 24, 32, 33
_NLM_REQUEST, _NLM_ACK, _NLM_REPLACE, _NLM_CREATE = 0x1, 0x4, 0x100, 0x400
_NLMSG_ERROR = 2
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC = 1, 4, 5, 7
_FRA_DST, _FRA_IIFNAME, _FRA_PRIORITY, _TO_TABLE = 1, 3, 6, 1
_TABLE_LOCAL, _BY_ADMINISTRATOR, _SCOPE_HOST, _TYPE_LOCAL = 255, 4, 254, 2
_SCOPE_UNIVERSE, _TYPE_UNICAST = 0, 1
_TABLE_MAIN = 254
# ip(7); ioctl requests of netdevice(7)
_IP_TRANSPARENT, _SO_BINDTODEVICE = 19, 25
_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B
_IFF_UP = 1
# packet(7), socket(7), <linux/filter.h>
_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_IGNORE_OUTGOING, _MR_PROMISC = 263, 1, 23, 1
_SO_ATTACH_FILTER, _SO_TIMESTAMPNS, _SO_LOCK_FILTER = 26, 35, 44
_IPV4_FRAMES = 0x0800
_BPF_INTERFACE = 0xFFFFF000 + 8  # SKF_AD_OFF + SKF_AD_IFINDEX
_TIMESPEC = struct.Struct("ll")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def unshare(flags: int) -> None:
    """Leave the present namespaces for new ones. Raises: OSError."""
    _check(_libc().unshare(flags))


def setns(namespace: int, flags: int = NEWNET) -> None:
    """Bring this thread into the namespace of that file descriptor. Raises: OSError."""
    _check(_libc().setns(namespace, flags))


@contextmanager
def inside(namespace: int, home: int) -> Iterator[None]:
    """Run the block in the network namespace, then come back `home`. Never await in the block."""
    setns(namespace)
    try:
        yield
    finally:
        setns(home)


def become_own_root() -> None:
    """Enter new user and network namespaces, where the present user is root and nothing more on the host.

    Raises:
        OSError: the kernel does not allow this user to.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(NEWUSER | NEWNET)
    Path("/proc/self/setgroups").write_bytes(b"deny")
    Path("/proc/self/uid_map").write_bytes(b"0 %d 1" % user)
    Path("/proc/self/gid_map").write_bytes(b"0 %d 1" % group)


def open_namespace(kind: str) -> int:
    """A file descriptor of this thread's `net` or `user` namespace, closed on exec."""
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def die_with_parent() -> None:
    """Have the kernel end this process when the thread that forked it ends (for a child before its exec)."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def raise_loopback(own: str, hosts: Iterable[str]) -> None:
    """Bring this namespace's loopback up with the address `own`, and route the `hosts` to it. Raises: OSError."""
    up = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, _LOOPBACK_INDEX, _IFF_UP, _IFF_UP)
    packed = socket.inet_aton(own)
    address = struct.pack("=BBBBi", socket.AF_INET, 32, 0, 0, _LOOPBACK_INDEX)
    address += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
    routes = [_host_route(host, own) for host in hosts]
    _netlink([(_RTM_NEWLINK, 0, up), (_RTM_NEWADDR, _NLM_CREATE | _NLM_REPLACE, address), *routes])


def route_host(own: str, host: str) -> None:
    """Let the host be one more that this namespace answers for; harmless when it is. Raises: OSError."""
    _netlink([_host_route(host, own)])


def interfaces() -> dict[str, ipaddress.IPv4Interface]:
    """The IPv4 address and subnet of each interface of this namespace that has one, but the loopback."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _index, name in socket.if_nameindex():
            request = struct.pack("16s16x", name.encode())
            try:
                address = fcntl.ioctl(asked, _SIOCGIFADDR, request)[20:24]
                mask = fcntl.ioctl(asked, _SIOCGIFNETMASK, request)[20:24]
            except OSError:
                continue
            host = ipaddress.IPv4Interface(f"{socket.inet_ntoa(address)}/{socket.inet_ntoa(mask)}")
            if not host.is_loopback:
                found[name] = host
    return found


def add_address(interface: str, address: str) -> None:
    """Let the interface answer for one more address; harmless when it does. Raises: OSError."""
    index, packed = socket.if_nametoindex(interface), socket.inet_aton(address)
    body = struct.pack("=BBBBi", socket.AF_INET, 32, 0, 0, index)
    body += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
    _netlink([(_RTM_NEWADDR, _NLM_CREATE | _NLM_REPLACE, body)])


def send_by(router: str) -> None:
    """Send what is for other subnets to this host, in place of whom it went to before. Raises: OSError."""
    body = _route(0, _TABLE_MAIN, _SCOPE_UNIVERSE, _TYPE_UNICAST)
    body += _attribute(_RTA_GATEWAY, socket.inet_aton(router))
    _netlink([(_RTM_NEWROUTE, _NLM_CREATE | _NLM_REPLACE, body)])


def receive_for_others(subnets: Iterable[str]) -> None:
    """Let routes of `receive` hold for what comes in and not for what this machine sends to the `subnets`.

    The rule that looks at the local table first is put after one that leaves it out for our own packets.
    Once for a namespace. Raises: OSError.
    """
    local_later = _rule(1, _TABLE_LOCAL)
    own_first = [_rule(0, _TABLE_MAIN, to=subnet, ours=True) for subnet in subnets]
    _netlink([
        (_RTM_NEWRULE, _NLM_CREATE, local_later),
        (_RTM_DELRULE, 0, _rule(0, _TABLE_LOCAL)),
        *((_RTM_NEWRULE, _NLM_CREATE, rule) for rule in own_first),
    ])  # fmt: skip


def _route(length: int, table: int, scope: int, kind: int) -> bytes:
    """The head of a route to a destination of `length` bits (struct rtmsg)."""
    return struct.pack(
        "=BBBBBBBBI", socket.AF_INET, length, 0, 0, table, _BY_ADMINISTRATOR, scope, kind, 0
    )  # fmt: skip


def receive(hosts: Iterable[str]) -> None:
    """Take what is sent to these hosts as meant for this machine; harmless for those that are. Raises: OSError."""
    loopback = _attribute(_RTA_OIF, struct.pack("=i", _LOOPBACK_INDEX))
    messages = []
    for host in hosts:
        body = _route(32, _TABLE_LOCAL, _SCOPE_HOST, _TYPE_LOCAL)
        body += _attribute(_RTA_DST, socket.inet_aton(host)) + loopback
        messages.append((_RTM_NEWROUTE, _NLM_CREATE | _NLM_REPLACE, body))
    _netlink(messages)


def _rule(priority: int, table: int, to: str | None = None, ours: bool = False) -> bytes:
    subnet = ipaddress.IPv4Network(to) if to else None
    body = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, subnet.prefixlen if subnet else 0, 0, 0, table, 0, 0, _TO_TABLE, 0
    )
    if subnet:
        body += _attribute(_FRA_DST, subnet.network_address.packed)
    if ours:
        body += struct.pack("=HH", 7, _FRA_IIFNAME) + b"lo\0\0"
    return body + _attribute(_FRA_PRIORITY, struct.pack("=I", priority))


def stand_in(sock: socket.socket, interface: str) -> None:
    """Let the socket bind to another host's address, and speak by this interface only.

    Raises:
        OSError: it needs the right CAP_NET_RAW or CAP_NET_ADMIN in this namespace.
    """
    sock.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, interface.encode() + b"\0")


def _host_route(host: str, own: str) -> tuple[int, int, bytes]:
    # A route of type `local` lets programs listen on and connect from the host's address without the
    # loopback showing it, and gives `own` as the source to the programs that choose none.
    body = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, 32, 0, 0, _TABLE_LOCAL, _BY_ADMINISTRATOR, _SCOPE_HOST, _TYPE_LOCAL, 0
    )
    body += _attribute(_RTA_DST, socket.inet_aton(host)) + _attribute(_RTA_PREFSRC, socket.inet_aton(own))
    body += _attribute(_RTA_OIF, struct.pack("=i", _LOOPBACK_INDEX))
    return _RTM_NEWROUTE, _NLM_CREATE | _NLM_REPLACE, body


def _attribute(kind: int, four_bytes: bytes) -> bytes:
    return struct.pack("=HH", 8, kind) + four_bytes


def _netlink(messages: list[tuple[int, int, bytes]]) -> None:
    """Send the messages at once and wait for the acknowledgement of each."""
    batch = b""
    for number, (kind, flags, body) in enumerate(messages):
        flags |= _NLM_REQUEST | _NLM_ACK
        batch += struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.sendto(batch, (0, 0))
        left = len(messages)
        while left:
            left -= _acknowledged(kernel.recv(65536))


def _acknowledged(answer: bytes) -> int:
    count = at = 0
    while at + 20 <= len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        (code,) = struct.unpack_from("=i", answer, at + 16)
        if kind == _NLMSG_ERROR and code:
            raise OSError(-code, os.strerror(-code))
        count += kind == _NLMSG_ERROR
        at += max(length + 3 & ~3, 16)
    return count


def frame_socket() -> socket.socket:
    """A non-blocking socket that sees each frame of this namespace's loopback once. Raises: OSError."""
    every_protocol = 0x0003
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        frames.setblocking(False)
        frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # Each frame passes the loopback twice, out and in (packet(7), since Linux 4.20).
        frames.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        frames.bind(("lo", every_protocol))
    except OSError:
        frames.close()
        raise
    return frames


def bridge_socket(bridge: str) -> socket.socket:
    """A non-blocking socket that sees each IPv4 frame that passes the bridge, and never one of another interface.

    Raises:
        OSError: no such bridge, or no right CAP_NET_RAW.
    """
    index = socket.if_nametoindex(bridge)
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        frames.setblocking(False)
        frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        _hear_only(frames, index)
        frames.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        frames.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        # Frames from one port to another reach the bridge's own interface only where it wants them all.
        frames.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, struct.pack("=iHH8x", index, _MR_PROMISC, 0))
        frames.bind((bridge, _IPV4_FRAMES))
    except OSError:
        frames.close()
        raise
    return frames


def _hear_only(frames: socket.socket, index: int) -> None:
    """A filter that stays: a packet socket can be bound to another interface without any right."""
    words = [(0x20, 0, 0, _BPF_INTERFACE), (0x15, 0, 1, index), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *word) for word in words))
    frames.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(words), ctypes.addressof(program))
    )
    frames.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)


def frame_of(frames: socket.socket) -> tuple[bytes, float]:
    """The next frame of a `bridge_socket`, and when the kernel saw it (unix seconds). Raises: OSError."""
    frame, told, _flags, _from = frames.recvmsg(65_600, socket.CMSG_SPACE(_TIMESPEC.size))
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return frame, seconds + nanoseconds / 1e9
    return frame, time.time()
