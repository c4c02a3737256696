"""What all the passages of a gateway share, and the limits that they keep together."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.contracts import Network
from simulators.devices.gateway.config import Limits
from simulators.devices.gateway.rules import Policy, Service
from simulators.devices.gateway.traffic import Journal, Traffic
from simulators.network.relay import READ_BYTES, Relay
from simulators.network.taps import Taps


@dataclass
class Desk:
    """What all the passages of a gateway share."""

    network: Network
    policy: Policy
    limits: Limits
    taps: Taps
    traffic: Traffic
    journal: Journal
    conduit_of: Callable[[str, Service], str]
    source_of: Callable[[str, tuple[str, int]], str]
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(READ_BYTES)))
    relays: set[Relay] = field(default_factory=set)
    joining: set[asyncio.Task[None]] = field(default_factory=set)
    per_source: Counter[str] = field(default_factory=Counter)
    pace: dict[str, tuple[float, float]] = field(default_factory=dict)

    def over_limit(self, source: str) -> str | None:
        """Which limit one more connection from the source would exceed."""
        if self.limits.connections and self.traffic.open >= self.limits.connections:
            return "connections"
        if (
            self.limits.connections_per_source
            and self.per_source[source] >= self.limits.connections_per_source
        ):
            return "connections_per_source"
        if self.limits.connections_per_s and not self._paced(source):
            return "connections_per_s"
        return None

    def _paced(self, source: str) -> bool:
        rate, now_s = self.limits.connections_per_s, time.monotonic()
        credit, seen_s = self.pace.get(source, (max(rate, 1.0), now_s))
        credit = min(max(rate, 1.0), credit + (now_s - seen_s) * rate)
        self.pace[source] = (credit - 1 if credit >= 1 else credit, now_s)
        return credit >= 1
