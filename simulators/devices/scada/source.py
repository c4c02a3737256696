"""What SCADA has of each device it talks to, and the loop that keeps it connected."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from simulators.clock import Clock
from simulators.devices.scada.scaling import Raw
from simulators.errors import UsineError
from simulators.model import Tag
from simulators.os_errors import os_words
from simulators.text import Text

CUT = Text(fr="liaison coupée", en="connection cut")
_REASONS: dict[type[Exception], Text] = {
    TimeoutError: Text(fr="pas de réponse", en="no answer"),
    ConnectionRefusedError: Text(fr="connexion refusée", en="connection refused"),
    ConnectionError: CUT,
    EOFError: CUT,
}
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.2, 1.0
FLOOR_S = 0.02  # of the wall, between two polls
LOOK_S = 1.0  # of the wall: a change of speed is seen within


class CommandError(UsineError):
    """An operator's command did not pass: refused by the device, or not answered."""


class Link:
    """Whether a device is reached. `since_s` is when it last came back, `settled` once a first attempt ended."""

    def __init__(self, device: str, log: Callable[..., None]) -> None:
        self.device = device
        self.connected = False
        self.trouble: Text | None = None
        self.connections = 0
        self.since_s = 0.0
        self.settled = asyncio.Event()
        self._certificate = ""
        self._log = log

    def reset(self) -> None:
        """As before the first attempt."""
        self.connected, self.trouble = False, None
        self.settled.clear()

    def shows(self, fingerprint: str) -> None:
        """The certificate that SCADA shows there, so that whoever must trust it can compare; empty: none."""
        if fingerprint and fingerprint != self._certificate:
            self._log("certificate_shown", to=self.device, certificate=fingerprint)
        self._certificate = fingerprint

    def up(self) -> None:
        """It answers."""
        if not self.connected:
            self.connected, self.trouble = True, None
            self.connections += 1
            self.since_s = time.monotonic()
            self._log("source_connected", of=self.device)
        self.settled.set()

    def down(self, reason: Text) -> None:
        """It does not answer, or no more."""
        shown = self._certificate
        text = Text(
            fr=f"{self.device} : pas de liaison ({reason.fr}) ; nouvel essai en cours"
            + (f" ; certificat de SCADA : {shown}" if shown else ""),
            en=f"{self.device}: not connected ({reason.en}); trying again"
            + (f"; SCADA's certificate: {shown}" if shown else ""),
        )
        if self.connected or self.trouble is None:
            self._log("source_lost", of=self.device, reason=reason.en)
        self.connected, self.trouble = False, text
        self.settled.set()


class Source(Protocol):
    """One device that SCADA takes values from; each protocol has its own."""

    link: Link
    tags: Sequence[Tag]

    async def serve(self) -> None:
        """Connect and exchange until the connection is lost, which raises. Calls `link.up` when it answers."""
        ...

    async def write(self, tag: Tag, value: Raw) -> None:
        """Send a command (an engineering value) and wait for the answer. Raises: CommandError."""
        ...


async def keep(source: Source) -> None:
    """Serve for ever: after each outage again, at once and then every 0.2 to 1 s."""
    delay_s = BACKOFF_MIN_S
    while True:
        begun_s = time.monotonic()
        try:
            await source.serve()
        except Exception as error:  # what a peer sends may make its library raise anything
            source.link.down(_reason(error))
        if time.monotonic() - begun_s > BACKOFF_MAX_S:
            delay_s = BACKOFF_MIN_S
        await asyncio.sleep(delay_s)
        delay_s = min(2 * delay_s, BACKOFF_MAX_S)


def unanswered(tag: Tag, device: str) -> CommandError:
    """The command may have passed, or not."""
    return CommandError(
        f"{tag.id} : {device} ne répond pas ; la commande n'est pas confirmée, vérifiez la valeur affichée",
        f"{tag.id}: {device} does not answer; the command is not confirmed, check the value shown",
    )


def refused(tag: Tag, device: str, reason: Text) -> CommandError:
    """The device said no."""
    return CommandError(
        f"{tag.id} : {device} refuse la commande : {reason.fr}",
        f"{tag.id}: {device} refuses the command: {reason.en}",
    )


class Beat:
    """The instants of a poll, a fixed period of simulated time apart; `now` brings the next one forward.

    A poll is never nearer to the last one than `FLOOR_S` of the wall. While the line is paused the wall
    counts instead: whether a device answers is still to be known.
    """

    def __init__(self, period_s: float, clock: Clock) -> None:
        self._period_s = period_s
        self._clock = clock
        self._due_s = clock.now_s()
        self._forward = False
        self._wake = asyncio.Event()

    def now(self) -> None:
        """Do not wait for the next instant."""
        self._forward = True
        self._wake.set()

    async def wait(self) -> None:
        self._due_s = max(self._due_s + self._period_s, self._clock.now_s())
        begun_s = time.monotonic()
        try:
            while not self._forward and (left_s := self._left_s(time.monotonic() - begun_s)) > 0:
                await self._rest(min(left_s, LOOK_S))
        finally:
            self._forward = False

    def _left_s(self, waited_s: float) -> float:
        """Seconds of the wall before the next poll, at the present speed."""
        if self._clock.paused:
            return self._period_s - waited_s
        # More than a period ahead: simulated time was set back, by a reset or by a busy machine that gave up a backlog.
        self._due_s = min(self._due_s, self._clock.now_s() + self._period_s)
        return max((self._due_s - self._clock.now_s()) / self._clock.speed, FLOOR_S - waited_s)

    async def _rest(self, seconds: float) -> None:
        self._wake.clear()
        handle = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            handle.cancel()


def _reason(error: Exception) -> Text:
    if isinstance(error, UsineError):
        return error.text
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    return os_words(error)
