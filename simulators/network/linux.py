"""The few Linux calls that network namespaces need and Python 3.11 does not have."""

import ctypes
import os
import signal
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NEWUSER, NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_LOOPBACK_INDEX = 1  # the kernel gives every new network namespace its loopback first

# rtnetlink(7)
_RTM_NEWLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 20, 24
_NLM_REQUEST, _NLM_ACK, _NLM_REPLACE, _NLM_CREATE = 0x1, 0x4, 0x100, 0x400
_NLMSG_ERROR = 2
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_PREFSRC = 1, 4, 7
_TABLE_LOCAL, _BY_ADMINISTRATOR, _SCOPE_HOST, _TYPE_LOCAL = 255, 4, 254, 2
_IFF_UP = 1


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
    every_protocol, ignore_outgoing, sol_packet = 0x0003, 23, 263
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        frames.setblocking(False)
        frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # Each frame passes the loopback twice, out and in (packet(7), since Linux 4.20).
        frames.setsockopt(sol_packet, ignore_outgoing, 1)
        frames.bind(("lo", every_protocol))
    except OSError:
        frames.close()
        raise
    return frames
