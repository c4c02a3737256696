"""The frames that a relayed flow would have been on a wire: handshake, sequence numbers, close."""

from collections.abc import Iterator

from simulators.network.frames import ACK, FIN, PUSH, RST, SEGMENT_BYTES, SYN, End, tcp_frame
from simulators.network.record import Conversation, Kind, Record

_WRAP = 0xFFFFFFFF


class _Side:
    """One end of a flow: where its sequence stands, and whether it owes an acknowledgement."""

    def __init__(self, end: End, seq: int) -> None:
        self.end = end
        self.seq = seq & _WRAP
        self.owes = False


class Synthesis:
    """Turns the records of relayed flows into frames, in their order."""

    def __init__(self) -> None:
        self._flows: dict[str, tuple[_Side, _Side]] = {}
        self._number = 0

    def frames(self, record: Record) -> Iterator[bytes]:
        """The frames of one record of a relayed flow; none for what is no traffic."""
        flow = record.flow
        assert isinstance(flow, Conversation)
        client, server = self._flows.get(flow.uid) or self._begin(flow)
        if record.kind is Kind.OPENED:
            yield self._send(client, server, SYN)
            yield self._send(server, client, SYN | ACK)
            yield self._send(client, server, ACK)
        elif record.kind is Kind.FROM_CLIENT:
            yield from self._data(client, server, record.data)
        elif record.kind is Kind.FROM_SERVER:
            yield from self._data(server, client, record.data)
        elif record.kind is Kind.REFUSED:
            yield self._send(client, server, SYN)
            yield self._send(server, client, RST | ACK)
            del self._flows[flow.uid]
        elif record.kind is Kind.CLOSED:
            yield from self._close(client, server, record.data)
            del self._flows[flow.uid]

    def _begin(self, flow: Conversation) -> tuple[_Side, _Side]:
        number = int(flow.uid[1:], 36)
        sides = (_Side(flow.client, number * 640_013 + 1), _Side(flow.server, number * 250_007 + 99))
        self._flows[flow.uid] = sides
        return sides

    def _data(self, sender: _Side, receiver: _Side, data: bytes) -> Iterator[bytes]:
        # As a stack with delayed acknowledgements: an answer carries it, else the next segment waits for one.
        if receiver.owes:
            yield self._send(receiver, sender, ACK)
        for at in range(0, len(data), SEGMENT_BYTES):
            part = data[at : at + SEGMENT_BYTES]
            push = PUSH if at + SEGMENT_BYTES >= len(data) else 0
            yield self._send(sender, receiver, ACK | push, part)
            if at // SEGMENT_BYTES % 8 == 7:
                yield self._send(receiver, sender, ACK)
        receiver.owes = True

    def _close(self, client: _Side, server: _Side, how: bytes) -> Iterator[bytes]:
        if how == b"closed":
            yield self._send(client, server, FIN | ACK)
            yield self._send(server, client, FIN | ACK)
            yield self._send(client, server, ACK)
        elif how == b"client_reset":
            yield self._send(client, server, RST | ACK)
        else:
            yield self._send(server, client, RST | ACK)

    def _send(self, sender: _Side, receiver: _Side, flags: int, data: bytes = b"") -> bytes:
        self._number += 1
        sender.owes = False
        ack = receiver.seq if flags & ACK else 0
        frame = tcp_frame(sender.end, receiver.end, sender.seq, ack, flags, data, self._number)
        sender.seq = (sender.seq + len(data) + bool(flags & (SYN | FIN))) & _WRAP
        return frame
