"""Two connections joined into one flow: bytes, back-pressure, half-close and reset pass both ways."""

import asyncio
import socket
import struct
from collections.abc import Collection, Coroutine
from typing import Any, Literal, Protocol, cast

READ_BYTES = 16384  # at most, from one connection, in one turn of the loop
WRITE_BUFFER_BYTES = 65536  # above it the other side is no longer read
TURNS_MAX = 10  # of the loop, for what is cut to close
LINGER_S = 5.0  # for what is written to reach a side that closes
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
How = Literal["closed", "client_reset", "server_reset", "idle", "cut"]


class Watcher(Protocol):
    """Who looks at what a relay carries. `from_client` tells the direction."""

    def carry(self, relay: "Relay", from_client: bool, data: bytes, /) -> bytes:
        """What goes on to the other side of the bytes that were read."""
        ...

    def ended(self, relay: "Relay", how: How, /) -> None:
        """The flow is over and both connections are closed."""
        ...


class Leg(asyncio.BufferedProtocol):
    """One of the two connections of a relay."""

    def __init__(self, relay: "Relay", from_client: bool) -> None:
        self._relay = relay
        self.from_client = from_client
        self.transport: asyncio.Transport | None = None
        self.finished = False  # it sent its end of stream
        self.full = False  # it takes no more for now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.transport.pause_reading()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's signature
        return self._relay.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._relay.received(self, bytes(self._relay.buffer[:nbytes]))

    def eof_received(self) -> bool:
        return self._relay.finished(self)

    def pause_writing(self) -> None:
        self.full = True
        self._relay.flow_control()

    def resume_writing(self) -> None:
        self.full = False
        self._relay.flow_control()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._relay.lost(self, exc)

    def read(self, wanted: bool) -> None:
        """Read this side, or leave its bytes to the kernel, whose window then stops the sender."""
        if self.transport is None or self.transport.is_closing():
            return
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def close(self, graceful: bool) -> None:
        """Close after what is written has gone, or at once, so that its peer sees a reset."""
        if self.transport is None:
            return
        if graceful:
            self.transport.close()
            return
        reset_on_close(self.transport.get_extra_info("socket"))
        self.transport.abort()


class Relay:
    """A flow between two connected sockets, which it owns from `join` on.

    `buffer` may be shared by all the relays of one loop: what is read there is taken at once.
    """

    def __init__(self, watcher: Watcher, buffer: memoryview) -> None:
        self.buffer = buffer
        self.silent_looks = 0  # of who closes the idle ones
        self._client = Leg(self, True)
        self._server = Leg(self, False)
        self._watcher = watcher
        self._how: How | None = None
        self._joined = self._held = False
        self._linger: asyncio.TimerHandle | None = None

    async def join(self, client: socket.socket, server: socket.socket) -> None:
        """Take both sockets and let bytes pass."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self._server, sock=server)
            await loop.connect_accepted_socket(lambda: self._client, client)
        except BaseException:
            self.end("cut")
            refuse(client)
            refuse(server)
            self._watch_end()
            raise
        self._joined = True
        if self._how is None:
            self.flow_control()
        else:
            self._client.close(graceful=False)
            self._server.close(graceful=False)

    def received(self, leg: Leg, data: bytes) -> None:
        self.silent_looks = 0
        onward = self._watcher.carry(self, leg.from_client, data)
        if onward:
            self.send(not leg.from_client, onward)

    def send(self, to_client: bool, data: bytes) -> None:
        """Write to one side, nothing if it is gone."""
        leg = self._client if to_client else self._server
        if leg.transport is not None and not leg.transport.is_closing():
            leg.transport.write(data)

    def hold(self, held: bool) -> None:
        """Stop or resume reading the client."""
        self._held = held
        self.flow_control()

    def flow_control(self) -> None:
        """Read each side only while what it sends can be written."""
        if self._joined:
            # A watcher may answer the client by itself: one that reads no answers is not read either.
            self._client.read(not (self._held or self._server.full or self._client.full))
            self._server.read(not self._client.full)

    def finished(self, leg: Leg) -> bool:
        """One side sends no more: tell the other. Both: close. True keeps asyncio from closing `leg` itself."""
        leg.finished = True
        other = self._server if leg.from_client else self._client
        if other.finished or other.transport is None:
            self.end("closed", graceful=True)
        elif not other.transport.is_closing():
            other.transport.write_eof()
        return True

    def lost(self, leg: Leg, error: Exception | None) -> None:
        if error is None and leg.finished:
            self.end("closed", graceful=True)
        else:
            self.end("client_reset" if leg.from_client else "server_reset")
        self._watch_end()

    def end(self, how: How, graceful: bool = False) -> None:
        """Close both sides: after what is written has gone, or at once with a reset."""
        if self._how is not None:
            if not graceful:
                self._abort()
            return
        self._how = how
        self._client.close(graceful)
        self._server.close(graceful)
        if graceful:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._abort)

    def _abort(self) -> None:
        self._client.close(graceful=False)
        self._server.close(graceful=False)

    def _watch_end(self) -> None:
        if self._how is not None and self._client.transport is None and self._server.transport is None:
            if self._linger is not None:
                self._linger.cancel()
            self._watcher.ended(self, self._how)


def reset_on_close(sock: socket.socket) -> None:
    """Have the peer see a TCP reset when the socket closes (socket(7), SO_LINGER)."""
    if sock.fileno() != -1:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def refuse(sock: socket.socket) -> None:
    """Close an accepted socket with a reset."""
    reset_on_close(sock)
    sock.close()


async def cut_all(relays: Collection[Relay]) -> None:
    """Cut what passes; whoever watches takes each out of `relays` as it ends."""
    for relay in list(relays):
        relay.end("cut")
    for _ in range(TURNS_MAX):  # the loop closes them in its next turns
        if not relays:
            break
        await asyncio.sleep(0)


def join_later(tasks: set[asyncio.Task[None]], sock: socket.socket, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, which joins `sock` to something, as one of `tasks`; cancelled before it began, it closes `sock` too."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)

    def over(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if task.cancelled():
            refuse(sock)

    task.add_done_callback(over)
