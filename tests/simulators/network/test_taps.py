"""Captures and events of real traffic through the gateway and inside zones."""

import asyncio
import csv
import io
import shutil
from pathlib import Path

import pytest

from simulators.network import taps as taps_module
from simulators.network.capture import Capture, EventTable
from simulators.network.dissect.row import COLUMNS, Row
from simulators.network.forward import Forward, host_socket
from simulators.network.record import Conversation, Kind, Record, Ring
from tests.fakes import ORIGIN_UNIX_S
from tests.simulators.devices.gateway.test_gateway import HARDENED, a_gateway
from tests.simulators.network.stage import (
    BROKER,
    PLC1,
    PLC2,
    SCADA,
    Net,
    Play,
    ask,
    both_networks,
    bottling_like,
    connect,
    echo,
    in_flat,
    in_namespaces,
    refused,
)
from tests.simulators.network.wire import Registers, decoded, request, warnings
from tests.waiting import eventually

LINE = bottling_like()


async def registers(network: Net) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(
        Registers, sock=network.listen("control", PLC1, 502)
    )


def of(capture: Capture, log: str) -> list[Row]:
    return [row for row in capture.events if row["log"] == log]


async def a_session(network: Net) -> None:
    """SCADA reads, writes, asks for what is not there, and leaves."""
    reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
    for number, pdu in enumerate(("0300050003", "06000a0129", "0300ff0001", "1000140002040001fffe")):
        writer.write(request(pdu, 100 + number))
        await reader.read(300)
    writer.close()
    await writer.wait_closed()


async def settled(network: Net, device: object) -> None:
    await eventually(lambda: device.health().figures["flows"] == 0)  # type: ignore[attr-defined]


@both_networks
@pytest.mark.needs("tshark")
def test_a_relayed_session_is_a_capture_without_a_warning(play: Play, tmp_path: Path) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network)[0]
        await device.start()
        network.taps.start()
        await a_session(network)
        await settled(network, device)
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        writer.write(request("0300000001"))
        await reader.read(100)
        await device.stop()
        writer.close()
        capture = network.taps.stop()
        await capture.ready()
        assert capture.dropped == 0
        assert warnings(capture.pcap, tmp_path) == []
        frames = decoded(
            capture.pcap, tmp_path, "ip.src", "modbus.func_code", "modbus.regval_uint16", "tcp.stream"
        )
        assert capture.frames == len(frames)
        assert {frame["tcp.stream"][0] for frame in frames} == {"0", "1"}
        asked = [
            f["modbus.func_code"][0] for f in frames if "modbus.func_code" in f and f["ip.src"] == [SCADA]
        ]
        assert asked == ["3", "6", "3", "16", "3"]
        answer = next(f for f in frames if "modbus.regval_uint16" in f and f["ip.src"] == [PLC1])
        assert answer["modbus.regval_uint16"] == ["5", "6", "7"]
        server.close()

    play(LINE, scene)


@both_networks
def test_the_event_table_says_who_did_what(play: Play) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network)[0]
        await device.start()
        network.taps.start()
        await a_session(network)
        await settled(network, device)
        capture = network.taps.stop()
        await device.stop()
        server.close()
        (conn,) = of(capture, "conn")
        assert (conn["id.orig_h"], conn["id.resp_h"], conn["id.resp_p"]) == (SCADA, PLC1, 502)
        assert (conn["service"], conn["zone"], conn["conduit"]) == ("modbus", "supervision", "scada_modbus")
        assert (conn["conn_state"], conn["orig_bytes"], conn["resp_bytes"]) == (
            "SF",
            12 * 3 + 17,
            15 + 12 + 9 + 12,
        )
        rows = of(capture, "modbus_detailed")
        assert [row["tid"] for row in rows] == [100, 100, 101, 101, 102, 102, 103, 103]
        assert {row["uid"] for row in rows} == {conn["uid"]}
        names = ("func", "request_response", "address", "quantity", "values", "exception_code", "is_orig")
        seen = [tuple(row.get(name) for name in names) for row in rows]
        assert seen == [
            ("READ_HOLDING_REGISTERS", "REQUEST", 5, 3, None, None, True),
            ("READ_HOLDING_REGISTERS", "RESPONSE", 5, 3, "5,6,7", None, False),
            ("WRITE_SINGLE_REGISTER", "REQUEST", 10, 1, "297", None, True),
            ("WRITE_SINGLE_REGISTER", "RESPONSE", 10, 1, None, None, False),
            ("READ_HOLDING_REGISTERS", "REQUEST", 255, 1, None, None, True),
            ("READ_HOLDING_REGISTERS", "RESPONSE", 255, 1, None, 2, False),
            ("WRITE_MULTIPLE_REGISTERS", "REQUEST", 20, 2, "1,65534", None, True),
            ("WRITE_MULTIPLE_REGISTERS", "RESPONSE", 20, 2, None, None, False),
        ]
        dates = [row["ts"] for row in rows]
        assert dates == sorted(dates)  # type: ignore[type-var]
        assert all(ORIGIN_UNIX_S <= float(str(date)) < ORIGIN_UNIX_S + 30 for date in dates)
        table = list(csv.DictReader(io.StringIO(capture.table.csv())))
        assert len(table) == len(capture.events)
        assert set(COLUMNS) == set(table[0])

    play(LINE, scene)


@both_networks
def test_refusals_are_events(play: Play) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network, HARDENED)[0]
        await device.start()
        network.taps.start()
        assert await refused(network, "supervision", "10.20.3.99", PLC1, 502)
        await ask(network, "supervision", SCADA, PLC1, 502, request("0600630007", 5))
        await settled(network, device)
        capture = network.taps.stop()
        await device.stop()
        server.close()
        gateway = of(capture, "gateway")
        assert [(row["action"], row["reason"]) for row in gateway] == [
            ("deny_flow", "default"),
            ("deny_request", "default"),
        ]
        states = {row["id.orig_h"]: row["conn_state"] for row in of(capture, "conn")}
        assert states["10.20.3.99"] == "REJ"
        exception = next(row for row in of(capture, "modbus_detailed") if not row["is_orig"])
        assert (exception["tid"], exception["exception_code"]) == (5, 1)

    play(LINE, scene)


@pytest.mark.needs("namespaces", "tshark")
def test_what_stays_inside_a_zone_and_scans_are_seen_once(tmp_path: Path) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network, HARDENED)[0]
        await device.start()
        network.taps.start()
        # Inside control, even with SCADA's address: a rogue master.
        await ask(network, "control", SCADA, PLC1, 502, request("0600010007", 66))
        for port in (22, 502, 4840):
            assert await refused(network, "enterprise", "10.20.4.66", PLC2, port)
        await a_session(network)
        await settled(network, device)
        await asyncio.sleep(0)
        capture = network.taps.stop()
        await device.stop()
        server.close()
        assert warnings(capture.pcap, tmp_path) == []
        conns = of(capture, "conn")
        seen = [(row["zone"], row["id.orig_h"], row["id.resp_p"]) for row in conns]
        assert sorted(seen, key=str) == [
            ("control", SCADA, 502),
            ("enterprise", "10.20.4.66", 22),
            ("enterprise", "10.20.4.66", 4840),
            ("enterprise", "10.20.4.66", 502),
            ("supervision", SCADA, 502),
        ]
        assert {row["conn_state"] for row in conns if row["zone"] == "enterprise"} == {"REJ"}
        rogue = [row for row in of(capture, "modbus_detailed") if row["zone"] == "control"]
        assert [(row["tid"], row["func"], row["value"]) for row in rogue if row["is_orig"]] == [
            (66, "WRITE_SINGLE_REGISTER", 7)
        ]
        writes = [
            row for row in of(capture, "modbus_detailed") if row["zone"] == "supervision" and row["is_orig"]
        ]
        assert len(writes) == 4

    in_namespaces(LINE, scene)


@pytest.mark.needs("namespaces", "tshark")
def test_frames_of_a_loopback_get_their_checksums(tmp_path: Path) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "iiot", BROKER, 9000)
        network.taps.start()
        assert await ask(network, "iiot", "10.20.2.21", BROKER, 9000, bytes(range(250)) * 160)
        late = await network.connect("iiot", "10.20.2.21", BROKER, 9000)
        late.send(b"the last words")
        capture = network.taps.stop()
        late.close()
        server.close()
        assert b"the last words" in capture.pcap
        assert warnings(capture.pcap, tmp_path) == []
        sums = decoded(capture.pcap, tmp_path, "tcp.checksum.status", "eth.src", "ip.src", only="tcp")
        assert {frame["tcp.checksum.status"][0] for frame in sums} == {"1"}
        assert all(frame["eth.src"][0].startswith("02:00:0a:14:02") for frame in sums)

    in_namespaces(LINE, scene)


def test_on_loopback_forwards_record_what_they_relay() -> None:
    async def scene(network: Net) -> None:
        server = await registers(network)
        forward = Forward(LINE, network, LINE.device("plc1"), host_socket())
        network.taps.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
        writer.write(request("0300000001"))
        await reader.read(100)
        writer.close()
        await forward.stop()
        capture = network.taps.stop()
        server.close()
        (row,) = [row for row in of(capture, "modbus_detailed") if row["is_orig"]]
        assert (row["id.orig_h"], row["zone"]) == ("10.20.1.250", "control")

    in_flat(LINE, scene)


@both_networks
def test_a_capture_that_begins_and_ends_amid_a_flow(play: Play, tmp_path: Path) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network)[0]
        await device.start()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        await asyncio.sleep(0.05)
        network.taps.start()
        for number in range(3):
            writer.write(request("0300000001", number))
            await reader.read(100)
        capture = network.taps.stop()
        writer.write(request("0300000001", 9))
        await reader.read(100)
        writer.close()
        await device.stop()
        server.close()
        assert [row["tid"] for row in of(capture, "modbus_detailed") if row["is_orig"]] == [0, 1, 2]
        assert [row["conn_state"] for row in of(capture, "conn")] == ["OTH"]
        empty = network.taps.stop()
        assert (empty.events, empty.frames) == ([], 0)
        if shutil.which("tshark"):
            assert warnings(capture.pcap, tmp_path) == []

    play(LINE, scene)


def test_the_gateway_keeps_its_events_when_told() -> None:
    async def scene(network: Net) -> None:
        server = await registers(network)
        for text, expected in (("record: false", 0), ("record: true", 1)):
            device, _ = a_gateway(network, text)
            await device.start()
            await ask(network, "supervision", SCADA, PLC1, 502, request("0300000001"))
            await settled(network, device)
            await device.stop()
            assert len(of(network.taps.events(), "conn")) == expected
        server.close()

    in_flat(LINE, scene)


@pytest.mark.needs("namespaces")
def test_a_tapped_zone_is_kept_without_a_capture() -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network, "tap: [control]")[0]
        await device.start()
        await ask(network, "control", "10.20.1.99", PLC1, 502, request("0300000001"))
        await eventually(lambda: of(network.taps.events(), "modbus_detailed"))
        await device.stop()
        server.close()

    in_namespaces(LINE, scene)


@both_networks
def test_a_watch_gives_rows_as_they_come(play: Play) -> None:
    async def scene(network: Net) -> None:
        server, device = await registers(network), a_gateway(network)[0]
        await device.start()
        watch = network.taps.watch()
        reader, writer = await connect(network, "supervision", SCADA, PLC1, 502)
        for number in (1, 2):
            writer.write(request("0300000001", number))
            await reader.read(100)
            rows = [row for row in watch.read() if row["log"] == "modbus_detailed"]
            assert [row["tid"] for row in rows] == [number, number]
        watch.close()
        watch.close()
        writer.close()
        await device.stop()
        server.close()

    play(LINE, scene)


def test_a_capture_is_bounded_and_says_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(network: Net) -> None:
        flow = Conversation("C00000001", "supervision", "", (SCADA, 40000), (PLC1, 502), "modbus")
        network.taps.start(limit_bytes=10_000)
        network.taps.keep(True)
        for number in range(100):
            network.taps.record(flow, Kind.FROM_CLIENT, request("0300000001", number) + bytes(300))
        kept = network.taps.events()
        capture = network.taps.stop()
        assert capture.dropped > 50
        assert len(capture.pcap) < 20_000
        # A capture keeps its beginning; the permanent record its end.
        assert of(capture, "modbus_detailed")[0]["tid"] == 0
        assert kept.dropped > 50
        assert of(kept, "modbus_detailed")[-1]["tid"] == 99

    monkeypatch.setattr(taps_module, "KEPT_BYTES", 10_000)
    in_flat(LINE, scene)


def test_the_event_table_is_bounded() -> None:
    table = EventTable(limit=3)
    table.extend({"ts": float(n)} for n in range(5))
    assert (len(table.rows), table.dropped) == (3, 2)


def test_a_ring_drops_the_oldest_or_keeps_the_first() -> None:
    flow = Conversation("C1", "z", "", ("10.0.0.1", 1), ("10.0.0.2", 2), "")
    for keep_first, expected in ((False, 9), (True, 0)):
        ring = Ring(1000, keep_first)
        for number in range(10):
            ring.append(Record(float(number), flow, Kind.OPENED))
        assert expected in [record.unix_s for record in ring.records]
        assert ring.dropped == 10 - len(ring.records)
        assert ring.take()
        assert ring.take() == []


async def test_a_long_capture_is_decoded_without_holding_the_loop() -> None:
    flow = Conversation("C00000001", "supervision", "", (SCADA, 40000), (PLC1, 502), "modbus")
    records = [Record(float(n), flow, Kind.FROM_CLIENT, request("0300000001", n)) for n in range(5000)]
    capture = Capture(LINE, records)
    turns, running = 0, True

    async def pulse() -> None:
        nonlocal turns
        while running:
            turns += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(pulse())
    await capture.ready()
    running = False
    await beating
    assert len(capture.events) == 5001
    assert turns > 20  # others had their turns meanwhile
