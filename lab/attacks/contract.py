"""What an attack is: one technique of ATT&CK for ICS, bounded, labelled, inside the lab that it was given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from lab.probes.contract import Where
from simulators.text import Text

ATTACK_VERSION = "v19"


class Label(msgspec.Struct, frozen=True):
    """Ground truth of one attack: dates are the lab's own clock. `target` is a device's id.

    `consequence_s` (D of the score) is the time from `start_unix_s` to the physical or operational consequence.
    """

    attack: str
    technique: str
    target: str
    source: str
    start_unix_s: float
    end_unix_s: float
    consequence_s: float


class Field(Protocol):
    """What an attack is given beside its place: the lab's clock, a draw, and a voice."""

    where: Where

    def now(self) -> float:
        """The lab's own date, in seconds since 1970."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        ...

    def say(self, text: Text) -> None:
        """Progress, for the instructor."""
        ...

    def began(self, target: str, source: str) -> None:
        """The first malicious frame is about to leave. The end is when the attack returns."""
        ...


@dataclass(frozen=True)
class Attack:
    """`run` does it, within `limit_s` of simulated time; `undo`, if any, repairs what it changed."""

    id: str
    name: Text
    technique: str
    arguments: type[msgspec.Struct]
    zone: str
    run: Callable[[Field, Any], Awaitable[None]]
    undo: Callable[[Field, Any], Awaitable[None]] | None = None
    consequence_s: float = 300.0
    limit_s: float = 900.0
    needs: tuple[Literal["zones"], ...] = ("zones",)
