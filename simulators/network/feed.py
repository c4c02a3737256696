"""Frames of zones that are networks of containers: where the gateway takes what taps see.

A tap speaks to the gateway in the words of `simulators.host.bus`: first `{"tap": zone, "token"}`, then
`{"frames": [[unix seconds, bytes], …]}`.
"""

import asyncio
import hashlib
import hmac
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simulators.errors import StartError
from simulators.network.wire import Wire, place

if TYPE_CHECKING:
    from simulators.network.taps import Taps

FEED_VARIABLE, ZONE_VARIABLE = "USINE_FEED", "USINE_ZONE"
TOKEN_LIMIT_S = 5.0


def tap_token(gateway_token: str) -> str:
    """What a tap shows: the gateway can tell it from its own."""
    return hmac.new(gateway_token.encode(), b"tap", hashlib.sha256).hexdigest()


class Feeds:
    """The gateway's side: what taps see goes to `taps`."""

    def __init__(self, taps: "Taps", token: str) -> None:
        self._taps, self._token = taps, tap_token(token)
        self._server: asyncio.Server | None = None
        self._wires: set[Wire] = set()

    async def open(self, where: str) -> None:
        """Listen there (`wire.place`). Raises: StartError."""
        found = place(where)
        try:
            if isinstance(found, str):
                Path(found).unlink(missing_ok=True)
                self._server = await asyncio.start_unix_server(self._serve, found)
            else:
                self._server = await asyncio.start_server(self._serve, *found)
        except OSError as error:
            raise StartError(f"prises {where} : {error}", f"taps {where}: {error}") from error

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for wire in list(self._wires):
            wire.abort()
        for _ in range(10):  # the loop closes them in its next turns
            if not self._wires:
                break
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire, zone = Wire(reader, writer), ""
        self._wires.add(wire)
        try:
            async with asyncio.timeout(TOKEN_LIMIT_S):
                first = await wire.receive()
            if not hmac.compare_digest(str(first.get("token", "")), self._token):
                return
            zone = str(first["tap"])
            self._taps.feeder(zone, True)
            while True:
                message = await wire.receive()
                now = time.time()
                for unix_s, frame in message["frames"]:
                    self._taps.feed(zone, frame, max(0.0, now - unix_s))
        except (OSError, EOFError, TimeoutError, ValueError, KeyError, TypeError, msgspec.MsgspecError):
            pass
        finally:
            if zone:
                self._taps.feeder(zone, False)
            self._wires.discard(wire)
            wire.close()
