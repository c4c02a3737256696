"""Who is in a container and tries to get out: run there by `python3 -c`, with what to try as JSON. Standard library only.

It prints what it found, as JSON. It is run as root of the container, with all rights that the container has: whatever it cannot
do, no student and no device that was taken over can.
"""

import contextlib
import ctypes
import errno
import functools
import json
import os
import platform
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Targets = list[tuple[str, int]]


def tcp(targets: Targets, limit_s: float = 1.5, interface: str | None = None) -> dict[str, str]:
    """How each (address, port) answers: open, refused, unreachable, silent."""
    answers: dict[str, str] = {}
    waiting: dict[int, tuple[str, socket.socket]] = {}
    poll = select.poll()
    for address, port in targets:
        name = f"{address}:{port}"
        client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        client.setblocking(False)
        try:
            if interface:
                client.setsockopt(socket.SOL_SOCKET, 25, interface.encode() + b"\0")
            client.connect((address, port))
        except BlockingIOError:
            waiting[client.fileno()] = (name, client)
            poll.register(client, select.POLLOUT)
            continue
        except OSError:
            answers[name] = "unreachable"
            client.close()
            continue
        answers[name] = "open"
        client.close()
    until = time.monotonic() + limit_s
    while waiting and time.monotonic() < until:
        for descriptor, _event in poll.poll(50):
            name, client = waiting.pop(descriptor)
            poll.unregister(client)
            error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            answers[name] = {0: "open", 111: "refused"}.get(error, "unreachable")
            client.close()
    for name, client in waiting.values():
        answers[name] = "silent"
        client.close()
    return answers


def udp(targets: Targets, limit_s: float = 1.0) -> list[str]:
    """Which (address, port) answers a datagram."""
    heard = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(0.05)
        for address, port in targets:
            with contextlib.suppress(OSError):
                asked.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\6debian\3org\0\0\1\0\1", (address, port))
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                heard.append(asked.recvfrom(2048)[1][0])
    return sorted(set(heard))


def names(asked: list[str], limit_s: float = 2.0) -> dict[str, str | None]:
    """The address that the network's own resolver gives for each name, if it gives any within the limit."""
    found: dict[str, str | None] = dict.fromkeys(asked)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(0.05)
        for number, name in enumerate(asked):
            labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
            query = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
            with contextlib.suppress(OSError):
                resolver.sendto(query, ("127.0.0.11", 53))
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                answer = resolver.recv(2048)
                if int.from_bytes(answer[6:8], "big"):
                    found[asked[int.from_bytes(answer[:2], "big")]] = socket.inet_ntoa(answer[-4:])
    return found


def interfaces() -> dict[str, str]:
    """The IPv4 address of each interface but the loopback."""
    import fcntl

    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _index, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                packed = fcntl.ioctl(asked, 0x8915, struct.pack("16s16x", name.encode()))[20:24]
                found[name] = socket.inet_ntoa(packed)
    found.pop("lo", None)
    return found


def _frames(interface: str, protocol: int = 3) -> socket.socket:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    raw.bind((interface, protocol))
    raw.settimeout(0.05)
    return raw


def _sum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def arp(interface: str, target: str, limit_s: float = 1.0) -> str | None:
    """The station that says it has the address; None where none does."""
    with _frames(interface, 0x0806) as raw:
        own = raw.getsockname()[4]
        source = socket.inet_aton(interfaces()[interface])
        ask = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + source + bytes(6) + socket.inet_aton(target)
        raw.send(b"\xff" * 6 + own + b"\x08\x06" + ask)
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                frame = raw.recv(2048)
                if (
                    frame[12:14] == b"\x08\x06"
                    and frame[20:22] == b"\0\2"
                    and frame[28:32] == socket.inet_aton(target)
                ):
                    return frame[22:28].hex(":")
    return None


def syn(interface: str, station: str, targets: Targets, limit_s: float = 1.0) -> list[str]:
    """Which (address, port) answers a TCP segment that begins a connection, handed to this very station."""
    heard = []
    with _frames(interface, 0x0800) as raw:
        own, source = raw.getsockname()[4], socket.inet_aton(interfaces()[interface])
        for number, (address, port) in enumerate(targets):
            goal = socket.inet_aton(address)
            segment = struct.pack("!HHIIBBHHH", 41000 + number, port, 7, 0, 5 << 4, 2, 1024, 0, 0)
            total = _sum(source + goal + struct.pack("!BBH", 0, 6, len(segment)) + segment)
            segment = segment[:16] + struct.pack("!H", total) + segment[18:]
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, source, goal)
            head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
            raw.send(bytes.fromhex(station.replace(":", "")) + own + b"\x08\0" + head + segment)
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                frame = raw.recv(2048)
                if frame[23] == 6 and frame[47] & 0x12 == 0x12 and frame[30:34] == source:
                    heard.append(socket.inet_ntoa(frame[26:30]))
    return sorted(set(heard))


def datagrams(interface: str, station: str, targets: Targets) -> int:
    """Hand a marked UDP datagram for each (address, port) to this very station."""
    with _frames(interface, 0x0800) as raw:
        own, source = raw.getsockname()[4], socket.inet_aton(interfaces()[interface])
        for address, port in targets:
            body = struct.pack("!HHHH", 42000, port, 8 + len(MARK), 0) + MARK
            head = struct.pack(
                "!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0, source, socket.inet_aton(address)
            )
            head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
            raw.send(bytes.fromhex(station.replace(":", "")) + own + b"\x08\0" + head + body)
    return len(targets)


def echo6(interface: str, station: str, target: str, limit_s: float = 1.0) -> bool:
    """Whether that IPv6 address, at this very station, answers an echo request."""
    source = socket.inet_pton(socket.AF_INET6, "fe80::dead")
    goal = socket.inet_pton(socket.AF_INET6, target)
    with _frames(interface, 0x86DD) as raw:
        own = raw.getsockname()[4]

        def send(body: bytes, to: bytes, at: bytes) -> None:
            total = _sum(source + at + struct.pack("!I3xB", len(body), 58) + body)
            body = body[:2] + struct.pack("!H", total) + body[4:]
            raw.send(
                to
                + own
                + b"\x86\xdd"
                + struct.pack("!IHBB", 6 << 28, len(body), 58, 255)
                + source
                + at
                + body
            )

        send(struct.pack("!BBHHH", 128, 0, 0, 1, 1), bytes.fromhex(station.replace(":", "")), goal)
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                frame = raw.recv(2048)
                if frame[12:14] != b"\x86\xdd" or frame[20] != 58:
                    continue
                if frame[54] == 135 and frame[62:78] == source:
                    # Who wants to answer asks where: it is told.
                    send(
                        struct.pack("!BBHI", 136, 0, 0, 0x60000000) + source + b"\2\1" + own,
                        frame[6:12],
                        frame[22:38],
                    )
                elif frame[54] == 129:
                    return True
    return False


MARK = b"marked by who tries to get out"


def shout(stations: list[str], seconds: float = 1.0) -> int:
    """Send marked frames of several protocols to everybody and to these stations, from each interface that is there."""
    until = time.monotonic() + seconds
    raws = [_frames(name) for name in interfaces()]
    while time.monotonic() < until:
        for raw in raws:
            own = raw.getsockname()[4]
            for to in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01", *stations):
                for kind in (b"\x08\0", b"\x08\x06", b"\x86\xdd", b"\x88\xb5"):
                    raw.send(bytes.fromhex(to.replace(":", "")) + own + kind + MARK)
        time.sleep(0.02)
    return len(raws)


def hear(seconds: float) -> int:
    """How many marked frames come by, at any interface."""
    count, until = 0, time.monotonic() + seconds
    raws = [_frames(name) for name in interfaces()]
    while time.monotonic() < until:
        for raw in select.select(raws, [], [], 0.05)[0]:
            count += MARK in raw.recv(2048)
    return count


def listening() -> dict[str, list[Any]]:
    """The TCP ports, UDP ports and abstract sockets that somebody serves in this network."""
    found: dict[str, list[Any]] = {"tcp": [], "udp": [], "abstract": []}
    for kind, state in (("tcp", "0A"), ("udp", "07")):
        for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            words = row.split()
            if words[3] == state:
                address, port = words[1].split(":")
                found[kind].append([socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)])
    found["abstract"] = [
        row.split()[-1] for row in Path("/proc/net/unix").read_text().splitlines() if "@" in row
    ]
    return found


def possible(tries: list[str]) -> list[str]:
    """Which of these the kernel does not refuse with "operation not permitted", each tried in a child."""
    libc = ctypes.CDLL(None, use_errno=True)
    finit_module = {"x86_64": 313, "aarch64": 273}[platform.machine()]
    calls: dict[str, Callable[[], int]] = {
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "mknod": lambda: libc.mknod(b"/tmp/disk", 0o60600, 0xFE00),
        # Where the right is there, the answer is another: no such file is open, no such magic number.
        "load module": lambda: libc.syscall(finit_module, -1, b"", 0),
        "reboot": lambda: libc.reboot(0),
        "set the time": lambda: libc.settimeofday(struct.pack("qq", int(time.time()), 0), None),
        "set the host's name": lambda: libc.sethostname(b"x", 1),
        "trace the first process": lambda: libc.ptrace(16, 1, 0, 0),
        **{f"unshare {name}": functools.partial(libc.unshare, flag) for name, flag in NAMESPACES.items()},
        **{f"clone {name}": functools.partial(_clone, libc, flag) for name, flag in NAMESPACES.items()},
    }
    done = []
    for name in tries:
        child = os.fork()
        if child == 0:
            ctypes.set_errno(0)
            os._exit(0 if calls[name]() == 0 or ctypes.get_errno() != errno.EPERM else 1)
        if os.waitpid(child, 0)[1] == 0:
            done.append(name)
    return done


NAMESPACES = {
    "user": 0x10000000, "net": 0x40000000, "user and mount": 0x10020000, "user and pid": 0x30000000,
    "user and uts": 0x14000000, "user and ipc": 0x18000000, "user and cgroup": 0x12000000,
}  # fmt: skip


def _clone(libc: Any, flag: int) -> int:
    """Zero where a child could be made, which ends at once."""
    child = libc.syscall({"x86_64": 56, "aarch64": 220}[platform.machine()], flag | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return -1 if child < 0 else 0


def writable(roots: list[str]) -> list[str]:
    """Which of these can be written to."""
    found = []
    for root in roots:
        path = Path(root)
        with contextlib.suppress(OSError), (path if path.is_file() else path / "x").open("ab"):
            found.append(root)
    return found


def status(pid: int = 1) -> dict[str, str]:
    """What the kernel says of the process."""
    text = Path(f"/proc/{pid}/status").read_text()
    rows = dict(row.split(":\t", 1) for row in text.splitlines() if ":\t" in row)
    return {
        name: rows[name] for name in ("Uid", "CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    }


def mounts() -> list[tuple[str, str, bool]]:
    """(place, kind, writable) of each mount."""
    rows = [row.split() for row in Path("/proc/self/mounts").read_text().splitlines()]
    return [(row[1], row[2], "rw" in row[3].split(",")) for row in rows]


def sockets() -> list[str]:
    """The Unix sockets that have a place in these files and that this user can talk to."""
    found = []
    for folder, inner, files in os.walk("/"):
        inner[:] = [name for name in inner if f"{folder}{name}" not in ("/proc", "/sys", "/usr", "/opt")]
        for name in files:
            path = f"{folder}/{name}".replace("//", "/")
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(path)
                found.append(path)
    return found


def processes() -> dict[str, str]:
    """What runs, as seen from here."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                found[entry.name] = words.decode(errors="replace").strip()
    return found


def readable(paths: list[str]) -> list[str]:
    """Which of these files have something to read."""
    found = []
    for path in paths:
        with contextlib.suppress(OSError), Path(path).open("rb") as file:
            if file.read(1):
                found.append(path)
    return found


if __name__ == "__main__":
    results = [globals()[verb](*arguments) for verb, arguments in json.loads(sys.argv[1])]
    sys.stdout.write(json.dumps(results) + "\n")
