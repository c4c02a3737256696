"""The Modbus screen on any stream: what passes is allowed and whole, and nothing else happens."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.gateway.rules import Verdict
from simulators.devices.gateway.screen import ModbusScreen, looks_like
from simulators.devices.gateway.traffic import Journal
from simulators.network.cutter import Garbage
from simulators.network.modbus import Frame, Stream
from tests.fakes import Log
from tests.simulators.network.wire import request

ALLOW, DENY = Verdict("allow", "rule_1"), Verdict("deny", "default")


class Wall:
    """A clock that the test moves."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def screen(denied: list[Frame] | None = None, rate: float = 0, wall: Wall | None = None) -> ModbusScreen:
    refused = [] if denied is None else denied
    return ModbusScreen(
        lambda frame: ALLOW if frame.function == 3 else DENY,
        lambda frame, _verdict: refused.append(frame),
        rate,
        wall or Wall(),
    )


REQUESTS = st.builds(
    request,
    st.sampled_from(["0300000001", "0600010002", "2b0e0100", "03"]),
    st.integers(0, 65535),
    st.integers(0, 255),
)


@settings(max_examples=60, deadline=None)
@given(requests=st.lists(REQUESTS, max_size=12), data=st.data())
def test_allowed_requests_pass_whole_and_each_refusal_has_its_transaction(
    requests: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(requests)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    edges = [0, *cuts, len(stream)]
    guard = screen()
    outcomes = [guard.from_client(stream[a:b]) for a, b in pairwise(edges)]
    assert b"".join(outcome.onward for outcome in outcomes) == b"".join(r for r in requests if r[7] == 3)
    refusals = Stream().feed(b"".join(outcome.back for outcome in outcomes))
    expected = [(r[:2], r[6], r[7] | 0x80) for r in requests if r[7] != 3]
    assert [(f.raw[:2], f.unit, f.function) for f in refusals] == expected
    assert all(f.pdu[1] == 1 for f in refusals)


@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(st.tuples(st.booleans(), st.one_of(st.binary(max_size=300), REQUESTS)), max_size=10))
def test_any_bytes_pass_whole_or_end_the_flow(pieces: list[tuple[bool, bytes]]) -> None:
    guard = screen()
    for from_client, data in pieces:
        try:
            passed = guard.from_client(data).onward if from_client else guard.from_server(data)
        except Garbage:
            return
        for frame in Stream().feed(passed):
            assert not from_client or frame.function == 3


def test_answers_pass_at_their_ends_only() -> None:
    guard = screen()
    answer = request("0302000a")
    assert guard.from_server(answer[:9]) == b""
    assert guard.from_server(answer[9:] + answer[:3]) == answer


def test_requests_beyond_the_rate_wait_their_turn() -> None:
    wall = Wall()
    guard = screen(rate=2, wall=wall)
    stream = [request("0300000001", n) for n in range(5)]
    first = guard.from_client(b"".join(stream))
    assert first.onward == b"".join(stream[:2])
    assert first.wait_s == 0.5
    wall.now_s += 0.5
    assert guard.from_client(b"").onward == stream[2]
    wall.now_s += 10
    assert guard.from_client(b"").onward == b"".join(stream[3:])


@settings(max_examples=60)
@given(protocol=st.sampled_from(["modbus", "opcua", "mqtt", "any"]), first=st.binary(max_size=12))
def test_a_protocol_is_recognised_or_not_but_never_late(protocol: str, first: bytes) -> None:
    answer = looks_like(protocol, first)
    assert answer is not None or len(first) < 6


def test_a_flood_of_refusals_is_one_line_a_second() -> None:
    wall, log = Wall(), Log()
    journal = Journal(log, wall)
    for _ in range(1000):
        journal.say("denied", source="a")
    wall.now_s = 1.5
    journal.say("denied", source="a")
    journal.say("denied", source="b")
    assert log.events("denied") == [{"source": "a"}, {"source": "a", "repeated": 999}, {"source": "b"}]
