"""One flow through the gateway: what it carries is recognised, screened, counted and recorded."""

import asyncio
from collections.abc import Callable

from simulators.devices.gateway.desk import Desk
from simulators.devices.gateway.rules import Service, Verdict
from simulators.devices.gateway.screen import ModbusScreen, Outcome, looks_like
from simulators.network.cutter import Garbage
from simulators.network.modbus import Frame
from simulators.network.record import Conversation, Kind
from simulators.network.relay import How, Relay


class Flow:
    """Watches the relay of one connection that the policy let in (relay.Watcher)."""

    def __init__(
        self,
        desk: Desk,
        conversation: Conversation,
        service: Service,
        verdict: Verdict,
        over: Callable[[Relay], None],
    ) -> None:
        self._conversation, self._service = conversation, service
        self._traffic, self._journal, self._taps = desk.traffic, desk.journal, desk.taps
        self._over = over
        self._unrecognised: bytes | None = b"" if verdict.checked else None
        self._screen: ModbusScreen | None = None
        self._later: asyncio.TimerHandle | None = None
        if verdict.screened or (desk.limits.requests_per_s and service.protocol == "modbus"):
            rules = desk.policy.about((conversation.zone, conversation.client[0]), service)
            self._screen = ModbusScreen(
                lambda frame: desk.policy.request(rules, frame),
                self._denied,
                desk.limits.requests_per_s,
                asyncio.get_running_loop().time,
            )

    def carry(self, relay: Relay, from_client: bool, data: bytes) -> bytes:
        self._traffic.bytes += len(data)
        try:
            return self._request(relay, data) if from_client else self._answer(data)
        except Garbage:
            self._taps.record(self._conversation, Kind.DENIED, b"not_" + self._service.protocol.encode())
            self._note("gateway_not_the_protocol", protocol=self._service.protocol)
            self._traffic.requests_denied += 1
            relay.end("cut")
            return b""

    def ended(self, relay: Relay, how: How) -> None:
        if self._later is not None:
            self._later.cancel()
        self._taps.record(self._conversation, Kind.CLOSED, how.encode())
        self._over(relay)

    def _request(self, relay: Relay, data: bytes) -> bytes:
        self._taps.record(self._conversation, Kind.FROM_CLIENT, data)
        if self._unrecognised is not None:
            data = self._unrecognised + data
            recognised = looks_like(self._service.protocol, data)
            if recognised is None:
                self._unrecognised = data
                return b""
            if not recognised:
                raise Garbage
            self._unrecognised = None
        if self._screen is None:
            return data
        return self._screened(relay, self._screen.from_client(data))

    def _answer(self, data: bytes) -> bytes:
        if self._screen is not None:
            data = self._screen.from_server(data)
        if data:
            self._taps.record(self._conversation, Kind.FROM_SERVER, data)
        return data

    def _screened(self, relay: Relay, outcome: Outcome) -> bytes:
        if outcome.back:
            self._taps.record(self._conversation, Kind.FROM_SERVER, outcome.back)
            relay.send(True, outcome.back)
        if outcome.wait_s:
            relay.hold(True)
            self._later = asyncio.get_running_loop().call_later(outcome.wait_s, self._resume, relay)
        return outcome.onward

    def _resume(self, relay: Relay) -> None:
        assert self._screen is not None
        relay.hold(False)
        relay.send(False, self._screened(relay, self._screen.from_client(b"")))

    def _denied(self, frame: Frame, verdict: Verdict) -> None:
        self._traffic.requests_denied += 1
        self._taps.record(self._conversation, Kind.DENIED, verdict.reason.encode())
        self._note("gateway_request_denied", unit=frame.unit, function=frame.function, reason=verdict.reason)

    def _note(self, event: str, **fields: object) -> None:
        zone, client = self._conversation.zone, self._conversation.client[0]
        self._journal.say(event, zone=zone, source=client, target=self._service.device, **fields)
