"""What happens to each request, whatever connection brought it: unit, rate, rights, execution, audit."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from simulators.devices.modbus_plc import pdu
from simulators.devices.modbus_plc.audit import Audit, Bucket
from simulators.devices.modbus_plc.config import Config
from simulators.devices.modbus_plc.pdu import Refusal, Request
from simulators.devices.modbus_plc.policy import Rights
from simulators.devices.modbus_plc.station import Station
from simulators.devices.modbus_plc.units import canonical

PEERS_MAX = 256
_VALUES_LOGGED = 16


@dataclass(slots=True)
class Tally:
    """Since the device started; the network cannot clear it."""

    requests: int = 0
    writes: int = 0
    exceptions: int = 0
    denied: int = 0
    bad_frames: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """Who stands at the other end of a connection."""

    peer: str
    port: int
    rights: Rights
    role: str | None = None
    secure: bool = False

    def fields(self) -> dict[str, str | int]:
        """For the audit log."""
        known: dict[str, str | int] = {"peer": self.peer, "peer_port": self.port}
        return known | ({"role": self.role or ""} if self.secure else {})


class Service:
    """Answers requests of any client."""

    def __init__(
        self, station: Station, config: Config, audit: Audit, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self.station = station
        self.tally = Tally()
        self.audit = audit
        self._config = config
        self._wall = wall
        self._buckets: dict[str, Bucket] = {}

    def answer(self, client: Client, number: int, request_pdu: bytes) -> bytes | None:
        """The response PDU, None for silence. Never raises."""
        counters = self.station.counters
        self.tally.requests += 1
        counters.bus_messages += 1
        if self.station.listen_only and not _is_restart(request_pdu):
            counters.no_responses += 1
            return None
        if number not in self.station.units and self._config.unknown_unit == "ignore":
            counters.no_responses += 1
            return None
        try:
            response = self._carry_out(client, number, request_pdu)
        except Refusal as refusal:
            response = self._refused(request_pdu[0], refusal.code)
            if not refusal.logged:
                what = {"unit": number, "function": request_pdu[0], "code": refusal.code}
                self.audit("request_failed", **client.fields(), **what)
        except Exception as error:
            self.audit("request_broke", **client.fields(), pdu=request_pdu.hex(), error=repr(error))
            response = self._refused(request_pdu[0], pdu.DEVICE_FAILURE)
        if response is None:
            counters.no_responses += 1
        return response

    def bad_frame(self, client: Client, head: bytes) -> None:
        """What came is not Modbus/TCP."""
        self.tally.bad_frames += 1
        self.station.counters.bus_errors += 1
        self.audit("bad_frame", **client.fields(), head=head.hex())

    def _carry_out(self, client: Client, number: int, request_pdu: bytes) -> bytes | None:
        units = self.station.units
        if number not in units:
            raise Refusal(pdu.GATEWAY_NO_RESPONSE)
        self.station.counters.messages += 1
        if not self._in_rate(client.peer):
            self.station.counters.busy += 1
            raise Refusal(pdu.DEVICE_BUSY)
        request = pdu.parse(request_pdu)
        number = canonical(number, units)
        if code := client.rights.refusal(number, request):
            self.tally.denied += 1
            self.audit("request_denied", **client.fields(), **_what(number, request), code=code)
            raise Refusal(code, logged=True)
        response = self.station.execute(number, request)
        if request.writes:
            self.tally.writes += 1
            self.audit("write", **client.fields(), **_what(number, request), data=_data(request))
        return response

    def _refused(self, function: int, code: int) -> bytes:
        self.tally.exceptions += 1
        self.station.counters.exceptions += 1
        return pdu.exception(function, code)

    def _in_rate(self, peer: str) -> bool:
        rate_per_s = self._config.rate_limit_per_s
        if rate_per_s is None:
            return True
        now_s = self._wall()
        if peer not in self._buckets:
            if len(self._buckets) >= PEERS_MAX:
                self._buckets.pop(next(iter(self._buckets)))
            self._buckets[peer] = Bucket(rate_per_s, now_s)
        return self._buckets[peer].take(now_s)


def _is_restart(request_pdu: bytes) -> bool:
    return request_pdu[:3] == bytes((pdu.DIAGNOSTICS, 0, pdu.RESTART))


def _what(number: int, request: Request) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"unit": number, "function": request.function}
    if request.touches:
        touch = request.touches[0]
        fields |= {"table": touch.table, "address": touch.start, "count": touch.size}
    elif request.function == pdu.DIAGNOSTICS:
        fields["sub_function"] = request.sub
    return fields


def _data(request: Request) -> str:
    return request.data[: 2 * _VALUES_LOGGED].hex()
