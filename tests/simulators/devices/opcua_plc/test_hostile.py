"""Hostile input: never a crash, a hang or memory without bound; a good client is served meanwhile and after."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes as Codes
from asyncua.ua.ua_binary import struct_to_binary, variant_from_binary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.devices.opcua_plc.channel import StrictBuffer
from simulators.devices.opcua_plc.names import standard
from simulators.devices.opcua_plc.transport import HardenedProtocol
from tests.simulators.devices.opcua_plc.bench import HARD, LEVEL, OPEN, SET_POINT, Bench, served
from tests.simulators.devices.opcua_plc.raw import Raw, RefusedError, refused
from tests.waiting import eventually

FUZZ = settings(
    max_examples=120, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(OPEN, tmp_path) as bench:
        yield bench


async def ended(raw: Raw) -> None:
    """Read until the server closes, for at most a moment: it may also be waiting for the rest."""
    with contextlib.suppress(RefusedError, TimeoutError, ConnectionError):
        async with asyncio.timeout(0.02):
            while True:
                await raw.frame()
    await raw.close()


async def still_serves(bench: Bench) -> None:
    raw = await bench.session("run")
    assert await raw.write(SET_POINT, 300.0, ua.VariantType.Float) == 0
    await raw.close()
    await eventually(lambda: bench.device.health().figures["sessions"] == 0)


HEADS = st.sampled_from([b"HEL", b"OPN", b"MSG", b"CLO", b"ERR", b"ACK", b"RHE", b"XXX"])
MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, chunk, size, rest: head + chunk + struct.pack("<I", size) + rest,
        HEADS, st.sampled_from([b"F", b"C", b"A", b"Z"]),
        st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)), st.binary(max_size=300),
    ),
)  # fmt: skip


@FUZZ
@given(chunks=st.lists(MESSAGES, min_size=1, max_size=4), greet=st.booleans(), channel=st.booleans())
def collect_streams(chunks: list[bytes], greet: bool, channel: bool) -> None:
    STREAMS.append((chunks, greet, channel))


STREAMS: list[tuple[list[bytes], bool, bool]] = []


async def test_random_bytes_at_every_stage(bench: Bench) -> None:
    STREAMS.clear()
    collect_streams()
    for chunks, greet, channel in STREAMS:
        raw = await bench.raw(greet=greet)
        if greet and channel:
            await raw.open()
        for chunk in chunks:
            raw.send(chunk)
        await ended(raw)
    await still_serves(bench)


def requests() -> list[Any]:
    write = ua.WriteRequest()
    one = ua.WriteValue()
    one.NodeId, one.AttributeId = ua.NodeId.from_string(SET_POINT), AttributeIds.Value
    one.Value = ua.DataValue(ua.Variant([1.0, 2.0], ua.VariantType.Float))
    write.Parameters.NodesToWrite = [one]
    read = ua.ReadRequest()
    read.Parameters.NodesToRead = [ua.ReadValueId(ua.NodeId.from_string(LEVEL), AttributeIds.Value)]
    browse = ua.BrowseRequest()
    browse.Parameters.NodesToBrowse = [ua.BrowseDescription(standard(85))]
    call = ua.CallRequest()
    method = ua.CallMethodRequest()
    method.InputArguments = [ua.Variant("x", ua.VariantType.String)]
    call.Parameters.MethodsToCall = [method]
    items = ua.CreateMonitoredItemsRequest()
    item = ua.MonitoredItemCreateRequest()
    item.RequestedParameters.Filter = ua.EventFilter()
    items.Parameters.ItemsToCreate = [item]
    path = ua.BrowsePath(standard(85))
    path.RelativePath.Elements = [ua.RelativePathElement(TargetName=ua.QualifiedName("Server", 0))]
    paths = ua.TranslateBrowsePathsToNodeIdsRequest()
    paths.Parameters.BrowsePaths = [path]
    history = ua.HistoryReadRequest()
    history.Parameters.HistoryReadDetails = ua.ReadRawModifiedDetails()
    history.Parameters.NodesToRead = [ua.HistoryReadValueId()]
    return [write, read, browse, call, items, paths, history, ua.ActivateSessionRequest(), ua.CreateSessionRequest(),
            ua.PublishRequest(), ua.CreateSubscriptionRequest(), ua.GetEndpointsRequest(), ua.FindServersRequest()]  # fmt: skip


MUTATIONS: list[tuple[int, list[tuple[int, int]], int]] = []


@settings(FUZZ, max_examples=500)
@given(
    which=st.integers(0, 12),
    edits=st.lists(st.tuples(st.integers(0, 400), st.sampled_from([0, 1, 0x7F, 0x80, 0xC0, 0xFE, 0xFF])), min_size=1, max_size=6),
    cut=st.integers(0, 40),
)  # fmt: skip
def collect_mutations(which: int, edits: list[tuple[int, int]], cut: int) -> None:
    MUTATIONS.append((which, edits, cut))


async def test_mutated_requests_of_a_logged_in_user(bench: Bench) -> None:
    """The body is changed before it is put in a well-formed chunk, so that the decoder meets it."""
    MUTATIONS.clear()
    collect_mutations()
    raw = await bench.session("run")
    for which, edits, cut in MUTATIONS:
        request = requests()[which]
        request.RequestHeader.AuthenticationToken = raw.token
        body = bytearray(struct_to_binary(request))
        for place, value in edits:
            body[place % len(body)] = value
        raw._request += 1
        raw.send(raw.channel.message_to_binary(bytes(body[: len(body) - cut]), request_id=raw._request))
        if raw.writer.is_closing() or raw.reader.at_eof() or bench.device.health().figures["sessions"] == 0:
            raw = await bench.session("run")
        await asyncio.sleep(0)
    await raw.close()
    await eventually(lambda: bench.device.health().figures["sessions"] == 0)
    await still_serves(bench)


OPENINGS: list[list[tuple[int, int]]] = []


@settings(FUZZ, max_examples=60)
@given(st.lists(st.tuples(st.integers(8, 1500), st.integers(0, 255)), min_size=1, max_size=3))
def collect_openings(edits: list[tuple[int, int]]) -> None:
    OPENINGS.append(edits)


async def test_mutated_openings_of_a_secure_channel(tmp_path: Path) -> None:
    OPENINGS.clear()
    collect_openings()
    async with served(HARD, tmp_path) as bench:
        good = await bench.secure()
        opening = bytearray(good.encoded(ua.OpenSecureChannelRequest(), ua.MessageType.SecureOpen))
        for edits in OPENINGS:
            changed = bytearray(opening)
            for place, value in edits:
                changed[8 + (place - 8) % (len(opening) - 8)] = value
            raw = await bench.raw()
            raw.send(bytes(changed))
            await ended(raw)
        await (await bench.secure()).log_in("run", "run-pass")


@pytest.mark.parametrize("what", ["negative string", "negative array", "array of nulls", "matrix", "nesting"])
async def test_lengths_that_lie_are_refused_quickly(bench: Bench, what: str) -> None:
    """Each of these keeps the stock decoder busy for minutes, or fills the memory."""
    bodies = {
        "negative string": b"\x8c" + struct.pack("<i", 2**31 - 1) + struct.pack("<i", -4) * 4,
        "negative array": b"\x86" + struct.pack("<i", -5),
        "array of nulls": b"\x80" + struct.pack("<i", 2**31 - 1),
        "matrix": b"\xc6" + struct.pack("<iii", 0, 1, 1_000_000),
        "nesting": b"\x18" * 30_000,
    }
    raw = await bench.session("run")
    request = ua.CallRequest()
    method = ua.CallMethodRequest()
    method.InputArguments = [ua.Variant(7777, ua.VariantType.UInt16)]
    request.Parameters.MethodsToCall = [method]
    request.RequestHeader.AuthenticationToken = raw.token
    body = struct_to_binary(request).replace(b"\x05" + struct.pack("<H", 7777), bodies[what])
    async with asyncio.timeout(1.5):
        raw.send(raw.channel.message_to_binary(body, request_id=90))
        with refused(Codes.BadDecodingError, by="fault"):
            await raw.answer(ua.CallResponse)
        await still_serves_beside(bench)


def test_the_strict_buffer_takes_ordinary_values() -> None:
    for value in (ua.Variant(128, ua.VariantType.Byte), ua.Variant([None] * 3, ua.VariantType.Null, is_array=True),
                  ua.Variant([1] * 300, ua.VariantType.Int32), ua.Variant(["é"] * 200, ua.VariantType.String)):  # fmt: skip
        from asyncua.ua.ua_binary import variant_to_binary

        assert variant_from_binary(StrictBuffer(variant_to_binary(value))) == value
    with pytest.raises(ServiceError):
        StrictBuffer(bytes(8)).read(-1)


@pytest.mark.parametrize("size", [0, 7, 8, 65_537, 2**31, 2**32 - 1])
async def test_a_chunks_size_is_bounded_before_it_is_waited_for(bench: Bench, size: int) -> None:
    raw = await bench.open()
    raw.send(b"MSGF" + struct.pack("<I", size) + bytes(8))
    with refused(Codes.BadTcpMessageTooLarge, by="error"):
        await raw.frame()


async def test_a_message_without_end_is_bounded(bench: Bench) -> None:
    raw = await bench.open()
    with refused():
        for number in range(1, 60):
            header = struct.pack(
                "<II", raw.channel.security_token.ChannelId, raw.channel.security_token.TokenId
            )
            body = header + struct.pack("<II", number + 1, 5) + bytes(8000)
            raw.send(b"MSGC" + struct.pack("<I", len(body) + 8) + body)
        await raw.frame()


@pytest.mark.parametrize("buffer_bytes", [0, 1, 8191])
async def test_buffers_too_small_to_be_useful_are_refused(bench: Bench, buffer_bytes: int) -> None:
    raw = await bench.raw(greet=False)
    with refused(Codes.BadConnectionRejected, by="error"):
        await raw.hello(buffer_bytes)


async def test_too_many_operations_at_once_are_refused(bench: Bench) -> None:
    raw = await bench.session("run")
    request = ua.ReadRequest()
    request.Parameters.NodesToRead = [ua.ReadValueId(ua.NodeId.from_string(LEVEL), AttributeIds.Value)] * 501
    with refused(Codes.BadTooManyOperations, by="fault"):
        await raw.ask(request)
    for empty in (ua.ReadRequest(), ua.WriteRequest(), ua.BrowseRequest(), ua.CallRequest()):
        with refused(Codes.BadNothingToDo, by="fault"):
            await raw.ask(empty)


async def test_a_peer_that_never_reads_its_answers_is_not_served_for_ever(bench: Bench) -> None:
    raw = await bench.session("run")
    request = ua.ReadRequest()
    request.Parameters.NodesToRead = [ua.ReadValueId(ua.NodeId.from_string(LEVEL), AttributeIds.Value)] * 400
    request.RequestHeader.AuthenticationToken = raw.token
    client = bench.device._binary.clients[0]  # type: ignore[union-attr]
    assert isinstance(client, HardenedProtocol)
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]

    while client._drained.is_set():
        raw.send(raw.encoded(request))
        await asyncio.sleep(0)
    for _ in range(8):
        raw.send(raw.encoded(request))
    raw.send(bytes(16 << 20))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await raw.writer.drain()
    await still_serves_beside(bench)
    assert client.transport is not None
    assert not client.transport.is_closing(), "what came after was read all the same"
    assert client.transport.get_write_buffer_size() + len(client._bytes) < 1 << 20


async def cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def still_serves_beside(bench: Bench) -> None:
    raw = await bench.session("build", "127.0.0.8")
    assert (await raw.read(LEVEL)).StatusCode == ua.StatusCode()


async def test_a_flood_leaves_the_loop_and_a_good_client_alive(bench: Bench) -> None:
    raw, good = await bench.session("run"), await bench.session("build", "127.0.0.8")
    request = ua.BrowseRequest()
    request.Parameters.NodesToBrowse = [ua.BrowseDescription(standard(58))] * 20
    request.RequestHeader.AuthenticationToken = raw.token

    async def flood() -> None:
        while True:
            raw.send(raw.encoded(request))
            await raw.writer.drain()
            await asyncio.sleep(0)

    async def swallow() -> None:
        while await raw.reader.read(1 << 16):
            pass

    busy = [asyncio.create_task(flood()), asyncio.create_task(swallow())]
    loop = asyncio.get_running_loop()
    laps = []
    for _ in range(15):
        began_s = loop.time()
        assert (await good.read(LEVEL)).StatusCode == ua.StatusCode()
        laps.append(loop.time() - began_s)
    await cancelled(*busy)
    assert sorted(laps)[7] < 1.0


async def test_an_answer_is_of_a_bounded_length(bench: Bench) -> None:
    raw = await bench.session("run")
    request = ua.BrowseRequest()
    request.Parameters.NodesToBrowse = [ua.BrowseDescription(standard(58))] * 100
    results = (await raw.ask(request)).Results
    one = len(results[0].References)
    assert results[0].StatusCode.is_good()
    assert results[-1].StatusCode.value == Codes.BadNoContinuationPoints
    assert sum(len(result.References) for result in results) <= 500 + one


async def test_idle_connections_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.devices.opcua_plc.server._ACTIVATION_S", 0.1)
    async with served(HARD, tmp_path) as bench:
        raw = await bench.raw(greet=False)
        with refused(by="closed"):
            await raw.frame()


async def test_subscriptions_that_come_and_go_leave_nothing(bench: Bench) -> None:
    import logging

    raw = await bench.session("run")
    loggers = len(logging.Logger.manager.loggerDict)
    for _ in range(20):
        number = (await raw.subscribe()).SubscriptionId
        await raw.monitor(number, LEVEL)
        delete = ua.DeleteSubscriptionsRequest()
        delete.Parameters.SubscriptionIds = [number]
        assert (await raw.ask(delete)).Results[0].is_good()
    assert bench.device.health().figures["subscriptions"] == 0
    assert len(logging.Logger.manager.loggerDict) - loggers < 10


@pytest.mark.parametrize("elements", [0, 17, 5000])
async def test_browse_paths_are_of_a_sensible_length(bench: Bench, elements: int) -> None:
    raw = await bench.session("run")
    path = ua.BrowsePath(standard(ObjectIds.ObjectsFolder))
    path.RelativePath.Elements = [ua.RelativePathElement(TargetName=ua.QualifiedName("Server", 0))] * elements
    request = ua.TranslateBrowsePathsToNodeIdsRequest()
    request.Parameters.BrowsePaths = [path]
    with refused(Codes.BadBrowseNameInvalid, Codes.BadTcpMessageTooLarge, Codes.BadRequestTooLarge):
        await raw.ask(request)
