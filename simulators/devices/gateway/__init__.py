"""The gateway: the only way from one zone to another.

In each zone it stands at the address of every device of the other zones that the policy lets be reached, and
relays to the device with the client's own address as the source: neither side sees it. A Modbus flow may be
screened request by request. When it stops, nothing crosses.
"""

import asyncio
from typing import Any

from simulators.contracts import Context, Health
from simulators.devices.gateway.config import SCHEMA, Config, parse
from simulators.devices.gateway.desk import Desk
from simulators.devices.gateway.passage import Passage
from simulators.devices.gateway.rules import Policy, Service
from simulators.devices.gateway.traffic import Journal, Traffic
from simulators.network.addresses import workstation
from simulators.network.flat import FlatNetwork
from simulators.network.relay import cut_all
from simulators.network.taps import Taps, taps_of

KIND = "gateway"
IDLE_LOOKS = 2  # in each `idle_s`

__all__ = ["KIND", "SCHEMA", "Config", "Gateway", "create", "parse"]


def create(context: Context, config: Config) -> "Gateway":
    """The gateway of the line. Raises: InputError: a rule names what the line does not have."""
    return Gateway(context, config)


class Gateway:
    """Passages between zones, as the configuration's policy has them (contracts.Device)."""

    def __init__(self, context: Context, config: Config) -> None:
        self._context, self._config = context, config
        self._policy = Policy(context.line, config)
        self._traffic = Traffic()
        self._taps: Taps = taps_of(context.network, context.line)
        self._desk = Desk(
            context.network,
            self._policy,
            config.limits,
            self._taps,
            self._traffic,
            Journal(context.log),
            self._conduit_of,
            self._source_of,
        )
        self._passages: list[Passage] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._running = False

    async def start(self) -> None:
        """Open every passage that the policy has. Raises: StartError: an address is taken."""
        self._taps.use_clock(self._context.clock)
        self._taps.keep(self._config.record, self._config.tap if self._config.record else [])
        try:
            for zone in self._context.spec.interfaces:
                self._open(zone)
        except BaseException:
            await self.stop()
            raise
        self._running = True
        self._watch_idle()

    def _open(self, zone: str) -> None:
        for service in self._policy.services:
            entrance = self._policy.entrance(zone, service)
            served = zone != service.zone and service.zone in self._context.spec.interfaces
            # Without a listener the kernel answers as for any closed port.
            if served and entrance != "deny":
                self._passages.append(Passage(self._desk, zone, service, entrance))

    async def stop(self) -> None:
        """Close every passage and cut what passes; harmless twice."""
        self._running = False
        if self._sweep is not None:
            self._sweep.cancel()
        while self._passages:
            self._passages.pop().close()
        for task in list(self._desk.joining):
            task.cancel()
        await asyncio.gather(*self._desk.joining, return_exceptions=True)
        await cut_all(self._desk.relays)

    def step(self, t_s: float) -> None:
        """Nothing: it has no simulated state."""

    def publish(self, t_s: float) -> None:
        """Nothing."""

    def health(self) -> Health:
        """Figures: flows open, allowed and denied, Modbus requests denied, bytes, what limits dropped."""
        traffic = self._traffic
        figures: dict[str, float | int | str] = {
            "flows": traffic.open,
            "allowed": traffic.allowed,
            "denied": traffic.denied,
            "requests_denied": traffic.requests_denied,
            "bytes": traffic.bytes,
            "dropped": traffic.dropped,
        }
        return Health("ok" if self._running else "stopped", None, figures)

    def _conduit_of(self, zone: str, service: Service) -> str:
        for conduit in self._context.line.conduits:
            if (conduit.source, conduit.target, conduit.protocol) == (zone, service.zone, service.protocol):
                return conduit.id
        return ""

    def _source_of(self, zone: str, peer: tuple[str, int]) -> str:
        """The line's address of a client. Where loopback hides it, a stranger is the zone's workstation."""
        network: Any = self._context.network
        if network.enforces_zones:
            return peer[0]
        known = network.source_of(peer[1]) if isinstance(network, FlatNetwork) else None
        return known or workstation(self._context.line, zone)

    def _watch_idle(self) -> None:
        """Close the flows that were silent for `idle_s`, to half of it."""
        idle_s = self._config.limits.idle_s
        if not idle_s:
            return
        for relay in list(self._desk.relays):
            relay.silent_looks += 1
            if relay.silent_looks > IDLE_LOOKS:
                relay.end("idle")
        self._sweep = asyncio.get_running_loop().call_later(idle_s / IDLE_LOOKS, self._watch_idle)
