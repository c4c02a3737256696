"""One part's connection, as the plant has it."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import msgspec

from simulators.host.bus import Time
from simulators.host.refusal import refused
from simulators.network.wire import Message, Wire
from simulators.snapshot import DeviceStatus

ASK_LIMIT_S = 30.0


class Link:
    """A part that is there. What it asked for is in `read`, `listen`, `every`, its devices' states in `status`."""

    def __init__(self, part: str, wire: Wire) -> None:
        self.part = part
        self.read: list[str] = []
        self.listen: list[str] = []
        self.status: DeviceStatus | None = None
        self.every = 1
        self.sent_step = -1
        self._wire = wire
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()

    def send(self, message: Message) -> None:
        """Say something that must arrive."""
        self._wire.send(message)

    def offer(self, message: Message) -> bool:
        """Say something that will be said again: not to a part that does not read; whether it was said."""
        if self._wire.behind:
            return False
        self._wire.send(message)
        return True

    def retime(self, time: Time) -> None:
        self.send({"clock": msgspec.to_builtins(time)})

    async def ask(
        self, device: str, verb: str, arguments: Mapping[str, Any], limit_s: float = ASK_LIMIT_S
    ) -> Any:
        """A verb of a device of the part.

        Raises:
            UsineError: the device's own refusal.
            ConnectionError: the part has gone, or does not answer in time.
        """
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self.send({"ask": number, "device": device, "verb": verb, "arguments": dict(arguments)})
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError as error:
            raise ConnectionError(f"no answer to {verb} after {limit_s:g} s") from error
        finally:
            del self._asked[number]

    def answered(self, message: Message) -> None:
        """An answer came; one that nobody waits for any more is dropped."""
        waiting = self._asked.get(message["answer"])
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(refused(message["error"]))
        else:
            waiting.set_result(message.get("result"))

    def over(self) -> None:
        """The connection has ended: whoever waits is told."""
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the part has gone"))
        self._wire.close()

    def cut(self) -> None:
        """End the connection."""
        self._wire.abort()
