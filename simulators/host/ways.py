"""Ways in from another network: what the ports of this container lead to, in the zones that it also stands in.

`$USINE_WAYS` says so: `502=10.20.1.10:502 1883=10.20.2.10:1883`.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping

from simulators.errors import InputError, StartError
from simulators.network.door import Door
from simulators.network.relay import READ_BYTES, How, Relay, cut_all, join_later, refuse
from simulators.os_errors import os_words

WAYS_VARIABLE = "USINE_WAYS"
CONNECTIONS_MAX = 256
CONNECT_LIMIT_S = 5.0

Target = tuple[str, int]
Opened = Callable[[socket.socket, Target], None]


def written(ways: Mapping[int, Target]) -> str:
    """As the environment has them."""
    return " ".join(f"{port}={address}:{target}" for port, (address, target) in ways.items())


def ways_of(text: str) -> dict[int, Target]:
    """The target of each port. Raises: InputError: it is not written so, or there is none."""
    ways = {}
    for word in text.split():
        port, _, target = word.partition("=")
        address, _, target_port = target.partition(":")
        if not (port.isdecimal() and address and target_port.isdecimal()):
            raise InputError(
                f"{WAYS_VARIABLE} : « {word} » ; écrivez PORT=ADRESSE:PORT",
                f"{WAYS_VARIABLE}: '{word}'; write PORT=ADDRESS:PORT",
            )
        ways[int(port)] = (address, int(target_port))
    if not ways:
        raise InputError(f"{WAYS_VARIABLE} : aucun port", f"{WAYS_VARIABLE}: no port")
    return ways


class Ways:
    """Relays each port to its target; a device that does not listen shows as a reset."""

    def __init__(self, ways: Mapping[int, Target], host: str = "0.0.0.0") -> None:  # noqa: S104 -- a container's own
        """Raises: StartError: a port is taken."""
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._relays: set[Relay] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._doors = []
        for port, target in ways.items():
            try:
                listener = socket.create_server((host, port), backlog=64)
            except OSError as error:
                why = os_words(error)
                raise StartError(
                    f"port {port} impossible ({why.fr})", f"port {port} is not possible ({why.en})"
                ) from error
            self._doors.append(Door(listener, self._opener(target)))

    async def stop(self) -> None:
        """Close the ports and cut what passes."""
        for door in self._doors:
            door.close()
        for task in list(self._joining):
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        await cut_all(self._relays)

    def carry(self, relay: Relay, from_client: bool, data: bytes) -> bytes:
        """All of it."""
        del relay, from_client
        return data

    def ended(self, relay: Relay, how: How) -> None:
        """One place more."""
        del how
        self._relays.discard(relay)

    def _opener(self, target: Target) -> Opened:
        def opened(client: socket.socket, _peer: Target) -> None:
            if len(self._relays) + len(self._joining) >= CONNECTIONS_MAX:
                refuse(client)
                return
            join_later(self._joining, client, self._join(client, target))

        return opened

    async def _join(self, client: socket.socket, target: Target) -> None:
        server = socket.socket()
        server.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await asyncio.get_running_loop().sock_connect(server, target)
        except (OSError, TimeoutError):
            server.close()
            refuse(client)
            return
        except BaseException:
            server.close()
            refuse(client)
            raise
        relay = Relay(self, self._buffer)
        self._relays.add(relay)
        await relay.join(client, server)


async def serve() -> None:
    """What the environment says, until SIGTERM. Raises: UsineError."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    ways = Ways(ways_of(os.environ.get(WAYS_VARIABLE, "")))
    await stopped.wait()
    await ways.stop()
