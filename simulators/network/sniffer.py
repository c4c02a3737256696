"""Listens to a zone's loopback and keeps the frames that nobody else records."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping

from simulators.network.frames import TCP, ends

FRAMES_AT_ONCE = 64  # so that a flood leaves turns to the others
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
DRAINS_MAX = 256
_FRAME_MAX = 65_600


class Sniffer:
    """Gives `seen` each frame of the zone whose ends are not `concealed` (6 bytes: address and port)."""

    def __init__(
        self, frames: socket.socket, concealed: Mapping[bytes, int], seen: Callable[[bytes], None]
    ) -> None:
        self._socket, self._concealed, self._seen = frames, concealed, seen
        self._loop = asyncio.get_running_loop()
        self._dropped = 0
        self._loop.add_reader(frames.fileno(), self._read)

    @property
    def dropped(self) -> int:
        """Frames that came too fast for this process."""
        if self._socket.fileno() != -1:
            # Reading them sets the kernel's counters back (packet(7)).
            statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self._dropped += struct.unpack("II", statistics)[1]
        return self._dropped

    def drain(self) -> None:
        """Take what is waiting now."""
        for _ in range(DRAINS_MAX):
            if self._read() < FRAMES_AT_ONCE:
                break

    def close(self) -> None:
        """Stop listening; harmless twice."""
        if self._socket.fileno() != -1:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> int:
        for count in range(FRAMES_AT_ONCE):
            try:
                frame = self._socket.recv(_FRAME_MAX)
            except OSError:
                return count
            if not concealed(frame, self._concealed):
                self._seen(frame)
        return FRAMES_AT_ONCE


def concealed(frame: bytes, ends_of_relays: Mapping[bytes, int]) -> bool:
    """Whether a frame is left out: a relay records its flow, or it is of no host of the line."""
    start = ends(frame)
    if start is None:
        return True  # IPv6 neighbour discovery and the like: no host of the line
    at, protocol = start
    if protocol != TCP or not ends_of_relays:
        return False
    source, target = frame[26:30] + frame[at : at + 2], frame[30:34] + frame[at + 2 : at + 4]
    return source in ends_of_relays or target in ends_of_relays
