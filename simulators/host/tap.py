"""A tap on a zone's bridge, in a container that has the host's network: what passes there, told to the gateway.

`python -m simulators.host tap`, with `USINE_FEED`, `USINE_ZONE`, `USINE_BRIDGE` (what the host calls the bridge), `USINE_TOKEN`.
It opens one socket, which hears that bridge and no other interface whatever becomes of the process, then leaves every right. It
looks into no frame: it passes them on.
"""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Mapping

from simulators.errors import InputError, StartError
from simulators.host.bus import TOKEN_VARIABLE
from simulators.network import linux
from simulators.network.feed import FEED_VARIABLE, ZONE_VARIABLE
from simulators.network.wire import Wire, dial

BRIDGE_VARIABLE = "USINE_BRIDGE"
RETRY_S = 0.3
BATCH_S = 0.05
FRAMES_AT_ONCE = 64
WAITING_MAX = 4096


def heard(environment: Mapping[str, str] = os.environ) -> socket.socket:
    """The socket that hears the bridge; while the process has the right CAP_NET_RAW. Raises: UsineError."""
    names = (FEED_VARIABLE, ZONE_VARIABLE, BRIDGE_VARIABLE, TOKEN_VARIABLE)
    lacking = ", ".join(name for name in names if not environment.get(name))
    if lacking:
        raise InputError(f"variables non définies : {lacking}", f"variables not set: {lacking}")
    bridge = environment[BRIDGE_VARIABLE]
    try:
        return linux.bridge_socket(bridge)
    except OSError as error:
        raise StartError(f"{bridge} : {error}", f"{bridge}: {error}") from error


async def run_tap(frames: socket.socket, environment: Mapping[str, str] = os.environ) -> int:
    """Pass on what `frames` hears until SIGTERM, or until the bridge is gone."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    seen: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING_MAX)

    def read() -> None:
        for _ in range(FRAMES_AT_ONCE):
            try:
                frame, unix_s = linux.frame_of(frames)
            except BlockingIOError:
                return
            except OSError:
                over.set()
                return
            # Too many at once: what cannot be told is left, as by any tap.
            if not seen.full():
                seen.put_nowait((unix_s, frame))

    loop.add_reader(frames.fileno(), read)
    first: dict[str, object] = {"tap": environment[ZONE_VARIABLE], "token": environment[TOKEN_VARIABLE]}
    telling = loop.create_task(_tell(environment[FEED_VARIABLE], first, seen))
    await over.wait()
    loop.remove_reader(frames.fileno())
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    frames.close()
    return 0


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
                    elif len(frames) < WAITING_MAX:
                        frames.append(seen.get_nowait())
                    else:
                        break
                wire.send({"frames": frames})
        if wire is not None:
            wire.close()
        await asyncio.sleep(RETRY_S)
