"""Judges each Modbus request of one flow: lets it pass, answers it with an exception, or swallows it."""

from collections.abc import Callable
from typing import NamedTuple

from simulators.devices.gateway.rules import Verdict
from simulators.network.modbus import ILLEGAL_FUNCTION, Frame, Stream, exception


class Outcome(NamedTuple):
    """Bytes for the server and bytes back to the client; `wait_s` before the rest of what was fed is due."""

    onward: bytes
    back: bytes
    wait_s: float = 0.0


class ModbusScreen:
    """Both directions of one flow, cut into frames: a refusal never lands inside an answer.

    `requests_per_s` (0: no limit) makes requests wait, in the order in which they came. What waits is at most
    what one read brought: the relay reads no more meanwhile.
    """

    def __init__(
        self,
        judge: Callable[[Frame], Verdict],
        denied: Callable[[Frame, Verdict], None],
        requests_per_s: float,
        now: Callable[[], float],
    ) -> None:
        self._judge, self._denied, self._now = judge, denied, now
        self._requests, self._answers = Stream(), Stream()
        self._waiting: list[Frame] = []
        self._rate = requests_per_s
        self._credit = max(1.0, requests_per_s)
        self._seen_s = now()

    def from_client(self, data: bytes) -> Outcome:
        """Raises: Garbage: this is not Modbus/TCP; close the flow."""
        self._waiting += self._requests.feed(data)
        onward: list[bytes] = []
        back: list[bytes] = []
        for done, frame in enumerate(self._waiting):
            if not self._may_pass():
                del self._waiting[:done]
                return Outcome(b"".join(onward), b"".join(back), (1 - self._credit) / self._rate)
            verdict = self._judge(frame)
            if verdict.action == "allow":
                onward.append(frame.raw)
                continue
            self._denied(frame, verdict)
            if verdict.action == "deny":
                back.append(exception(frame, ILLEGAL_FUNCTION))
        self._waiting.clear()
        return Outcome(b"".join(onward), b"".join(back))

    def from_server(self, data: bytes) -> bytes:
        """The whole answers. Raises: Garbage."""
        return b"".join(frame.raw for frame in self._answers.feed(data))

    def _may_pass(self) -> bool:
        if not self._rate:
            return True
        now_s = self._now()
        self._credit = min(max(1.0, self._rate), self._credit + (now_s - self._seen_s) * self._rate)
        self._seen_s = now_s
        if self._credit < 1:
            return False
        self._credit -= 1
        return True


def looks_like(protocol: str, first: bytes) -> bool | None:
    """Whether a client's first bytes may begin the protocol, or TLS; None: too few to tell."""
    if first[:1] == b"\x16":  # a TLS handshake record (RFC 8446)
        return True
    if protocol == "modbus":
        return (
            None
            if len(first) < 6
            else first[2:4] == b"\0\0" and 2 <= int.from_bytes(first[4:6], "big") <= 254
        )
    if protocol == "opcua":
        return None if len(first) < 3 else first[:3] in {b"HEL", b"RHE"}
    if protocol == "mqtt":
        return first[0] == 0x10 if first else None
    return True
