"""One way in: a device's port as a foreign zone sees it, at the device's own address."""

import asyncio
import ctypes
import socket
import struct
import sys

from simulators.devices.gateway.desk import Desk
from simulators.devices.gateway.flow import Flow
from simulators.devices.gateway.rules import Service, Verdict
from simulators.network.door import Door
from simulators.network.record import Conversation, Kind
from simulators.network.relay import Relay, join_later, refuse
from simulators.network.routed import RoutedNetwork
from simulators.network.zones import NamespaceNetwork

CONNECT_S = 5.0
SILENT_MAX = 256  # connections kept without an answer, where the kernel cannot drop them
_SO_ATTACH_FILTER = 26


class Passage:
    """Listens in `zone` for a service of another zone, and relays what the policy lets in."""

    def __init__(self, desk: Desk, zone: str, service: Service, entrance: str) -> None:
        self._desk, self._zone, self._service = desk, zone, service
        self._conduit = desk.conduit_of(zone, service)
        self._silent: list[socket.socket] = []
        listener = desk.network.listen(zone, service.address, service.port)
        self._recorded = entrance != "drop" or not drop_everything(listener)
        if self._recorded:
            desk.taps.conceal(zone, (service.address, service.port))
        self._door = Door(listener, self._opened)

    def close(self) -> None:
        """Stop listening; what passes already is not touched."""
        self._door.close()
        if self._recorded:
            self._recorded = False
            self._desk.taps.reveal(self._zone, (self._service.address, self._service.port))
        while self._silent:
            self._silent.pop().close()

    def _opened(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        desk, service = self._desk, self._service
        client = (desk.source_of(self._zone, peer), peer[1])
        conversation = Conversation(
            desk.taps.next_uid(),
            self._zone,
            self._conduit,
            client,
            (service.address, service.port),
            service.protocol,
        )
        verdict = desk.policy.flow((self._zone, client[0]), service)
        if verdict.action != "allow":
            desk.traffic.denied += 1
            self._refuse(sock, conversation, verdict.reason, silent=verdict.action == "drop")
        elif limit := desk.over_limit(client[0]):
            desk.traffic.dropped += 1
            self._refuse(sock, conversation, f"limit_{limit}")
        else:
            self._let_in(sock, conversation, verdict)

    def _refuse(
        self, sock: socket.socket, conversation: Conversation, reason: str, silent: bool = False
    ) -> None:
        self._desk.taps.record(conversation, Kind.REFUSED, reason.encode())
        self._say("gateway_flow_denied", conversation, reason)
        if not silent:
            refuse(sock)
            return
        self._silent.append(sock)
        if len(self._silent) > SILENT_MAX:
            self._silent.pop(0).close()

    def _let_in(self, sock: socket.socket, conversation: Conversation, verdict: Verdict) -> None:
        desk = self._desk
        desk.traffic.allowed += 1
        desk.traffic.open += 1
        desk.per_source[conversation.client[0]] += 1
        if verdict.log:
            self._say("gateway_flow_allowed", conversation, verdict.reason)
        join_later(desk.joining, sock, self._join(sock, conversation, verdict))

    async def _join(self, client: socket.socket, conversation: Conversation, verdict: Verdict) -> None:
        desk = self._desk
        inner: list[tuple[str, int]] = []

        def over(relay: Relay | None = None) -> None:
            desk.traffic.open -= 1
            desk.per_source[conversation.client[0]] -= 1
            for end in inner:
                desk.taps.reveal(self._service.zone, end)
            if relay is not None:
                desk.relays.discard(relay)

        try:
            async with asyncio.timeout(CONNECT_S):
                server = await self._connect(conversation.client[0], inner)
        except BaseException as error:
            refuse(client)
            over()
            if not isinstance(error, OSError):
                raise
            desk.taps.record(conversation, Kind.REFUSED, b"target_unreachable")
            self._say("gateway_target_unreachable", conversation, str(error))
            return
        desk.taps.record(conversation, Kind.OPENED)
        relay = Relay(Flow(desk, conversation, self._service, verdict, over), desk.buffer)
        desk.relays.add(relay)
        await relay.join(client, server)

    async def _connect(self, source: str, inner: list[tuple[str, int]]) -> socket.socket:
        """The service's side; `inner` is where the gateway's own end, which taps leave out, is put."""
        network, service = self._desk.network, self._service
        if not isinstance(network, NamespaceNetwork | RoutedNetwork):
            return await network.connect(service.zone, source, service.address, service.port)

        def bound(end: tuple[str, int]) -> None:
            inner.append(end)
            self._desk.taps.conceal(service.zone, end)

        return await network.connect(service.zone, source, service.address, service.port, bound)

    def _say(self, event: str, conversation: Conversation, reason: str) -> None:
        self._desk.journal.say(
            event,
            zone=self._zone,
            source=conversation.client[0],
            target=self._service.device,
            port=self._service.port,
            reason=reason,
        )


def drop_everything(listener: socket.socket) -> bool:
    """Have the kernel ignore every segment for the listener, so that the port seems filtered; False if it cannot."""
    if sys.platform != "linux":
        return False
    # A classic BPF program (socket(7), SO_ATTACH_FILTER) of one instruction: return 0, keep no byte.
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    header = struct.pack("HL", 1, ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
    return True
