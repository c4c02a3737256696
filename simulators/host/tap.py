"""A tap beside a device, in a container that shares its network: what dumpcap sees there, told to the gateway.

`python -m simulators.host tap`, with `USINE_FEED`, `USINE_ZONE`, `USINE_ADDRESS` (the host that it sits beside), `USINE_TOKEN`.
"""

import asyncio
import contextlib
import ipaddress
import os
import signal
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulators.errors import InputError, StartError
from simulators.host.bus import TOKEN_VARIABLE
from simulators.network import linux
from simulators.network.feed import FEED_VARIABLE, HOST_VARIABLE, ZONE_VARIABLE
from simulators.network.wire import Wire, dial

DUMPCAP = Path("/opt/dumpcap/dumpcap")
PEERS_VARIABLE = "USINE_PEERS"
RETRY_S = 0.3
BATCH_S = 0.05
# The pcap file format (draft-ietf-opsawg-pcap): magic number with its byte order and resolution, then the record header.
HEADER, RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
FRAME_LIMIT_BYTES = 256 << 10
READ_BYTES = 1 << 16


class Pcap:
    """Cuts a stream of the pcap format into (unix seconds, frame)."""

    def __init__(self) -> None:
        self._rest = b""
        self._ticks_per_s = 0.0

    def feed(self, data: bytes) -> Iterator[tuple[float, bytes]]:
        """The whole frames there are now. Raises: ValueError: this is no such stream."""
        self._rest += data
        if not self._ticks_per_s and len(self._rest) >= HEADER.size:
            magic = HEADER.unpack_from(self._rest)[0]
            if magic not in {MICROSECONDS, NANOSECONDS}:
                raise ValueError(magic)
            self._ticks_per_s = 1e6 if magic == MICROSECONDS else 1e9
            self._rest = self._rest[HEADER.size :]
        while self._ticks_per_s and len(self._rest) >= RECORD.size:
            seconds, ticks, length, _whole = RECORD.unpack_from(self._rest)
            if length > FRAME_LIMIT_BYTES:
                raise ValueError(length)
            if len(self._rest) < RECORD.size + length:
                return
            frame = self._rest[RECORD.size : RECORD.size + length]
            self._rest = self._rest[RECORD.size + length :]
            yield seconds + ticks / self._ticks_per_s, frame


class Choice:
    """Which of the frames that pass here are this tap's to tell: where both ends have one, that of the receiver."""

    def __init__(self, host: str, peers: frozenset[str]) -> None:
        """`peers`: the addresses of the zone beside which a tap always listens."""
        self._host = ipaddress.IPv4Address(host).packed
        self._peers = {ipaddress.IPv4Address(peer).packed for peer in peers}

    def holds(self, frame: bytes) -> bool:
        """Whether this tap tells the frame (Ethernet, IPv4); others it leaves out."""
        if len(frame) < 34 or frame[12:14] != b"\x08\x00":
            return False
        source, target = frame[26:30], frame[30:34]
        return target == self._host or (source == self._host and target not in self._peers)


def interface_of(host: str) -> str:
    """The interface of this namespace that has the address. Raises: StartError: none has."""
    for name, held in linux.interfaces().items():
        if str(held.ip) == host:
            return name
    raise StartError(f"aucune interface n'a {host}", f"no interface has {host}")


async def run_tap(environment: Mapping[str, str] = os.environ) -> int:
    """Until SIGTERM, or until dumpcap ends. Raises: UsineError."""
    names = (FEED_VARIABLE, ZONE_VARIABLE, HOST_VARIABLE, TOKEN_VARIABLE)
    lacking = ", ".join(name for name in names if not environment.get(name))
    if lacking:
        raise InputError(f"variables non définies : {lacking}", f"variables not set: {lacking}")
    feed, zone, host, token = (environment[name] for name in names)
    choice = Choice(host, frozenset(filter(None, environment.get(PEERS_VARIABLE, "").split(","))))
    # Its own library path: dumpcap's libraries are not the system's.
    capture = await asyncio.create_subprocess_exec(
        str(DUMPCAP), "-i", interface_of(host), "-P", "-q", "-p", "-B", "4", "-w", "-",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"LD_LIBRARY_PATH": str(DUMPCAP.parent / "lib"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, capture.terminate)
    assert capture.stdout is not None
    seen: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(4096)
    telling = asyncio.create_task(_tell(feed, {"tap": zone, "host": host, "token": token}, seen))
    pcap = Pcap()
    while data := await capture.stdout.read(READ_BYTES):
        for unix_s, frame in pcap.feed(data):
            # Too many at once: what cannot be told is left, as by any tap.
            if choice.holds(frame) and not seen.full():
                seen.put_nowait((unix_s, frame))
    telling.cancel()
    return await capture.wait()


async def _tell(feed: str, first: dict[str, object], seen: asyncio.Queue[tuple[float, bytes]]) -> None:
    """Frames in batches, to a gateway that may be restarted."""
    while True:
        wire: Wire | None = None
        with contextlib.suppress(OSError, EOFError):
            wire = await dial(feed)
            wire.send(first)
            while not wire.closing:
                frames = [await seen.get()]
                until_s = time.monotonic() + BATCH_S
                while not seen.empty() or time.monotonic() < until_s:
                    if seen.empty():
                        await asyncio.sleep(BATCH_S / 5)
                    else:
                        frames.append(seen.get_nowait())
                wire.send({"frames": frames})
        if wire is not None:
            wire.close()
        await asyncio.sleep(RETRY_S)
