"""The decoders on what real clients and servers send, and on anything else."""

import asyncio
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.network.dissect import DECODERS
from simulators.network.dissect.dissector import Dissector
from simulators.network.dissect.mqtt import MqttDecoder
from simulators.network.dissect.row import COLUMNS, LOGS, Row
from simulators.network.frames import mended, read
from simulators.network.record import Conversation, Kind, Record
from simulators.network.synthesis import Synthesis
from tests.simulators.devices.gateway.test_gateway import a_gateway
from tests.simulators.network.stage import BROKER, PLC1, PLC2, SCADA, Net, bottling_like, in_flat
from tests.simulators.network.wire import request
from tests.waiting import HANG_S, eventually

LINE = bottling_like()


def fed(protocol: str, pieces: list[tuple[bool, bytes]]) -> list[Row]:
    decoder = DECODERS[protocol]()
    return [row for from_client, data in pieces for row in decoder.feed(from_client, data)]


def test_opc_ua_of_a_real_client_and_server() -> None:
    from asyncua import ua
    from asyncua.client.client import Client
    from asyncua.server.server import Server
    from asyncua.ua.uaerrors import UaStatusCodeError

    async def scene(network: Net) -> None:
        server = Server()
        await server.init()
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        host, port = network.place("control", PLC2, 4840)
        server.set_endpoint(f"opc.tcp://{host}:{port}")
        node = await server.nodes.objects.add_variable("ns=2;s=Filler.SetPoint", "SetPoint", 500.0)
        await node.set_writable()
        device, _ = a_gateway(network)
        await device.start()
        host, port = network.place("supervision", PLC2, 4840)
        async with server:
            network.taps.start()
            async with Client(f"opc.tcp://{host}:{port}", timeout=10) as client:
                target = client.get_node("ns=2;s=Filler.SetPoint")
                assert await target.read_value() == 500.0
                await target.write_value(750.5)
                with pytest.raises(UaStatusCodeError):
                    await client.get_node("i=2258").write_value(1)
                await client.nodes.objects.get_children()
            await eventually(lambda: device.health().figures["flows"] == 0)
            rows = [row for row in network.taps.stop().events if row["log"] == "opcua_binary"]
        await device.stop()
        asked = [row["identifier_str"] for row in rows if row["is_orig"] and "identifier_str" in row]
        for service in ("OpenSecureChannel", "CreateSession", "ActivateSession", "Read", "Write", "Browse"):
            assert f"{service}Request" in asked
        hello = next(row for row in rows if row["msg_type"] == "HEL")
        assert str(hello["endpoint_url"]).startswith("opc.tcp://")
        opened = next(row for row in rows if row["msg_type"] == "OPN" and row["is_orig"])
        assert str(opened["sec_policy_uri"]).endswith("#None")
        written = [row for row in rows if row.get("identifier_str") == "WriteRequest"]
        assert (written[0]["node_ids"], written[0]["values"]) == ("ns=2;s=Filler.SetPoint", "750.5")
        results = [row["results"] for row in rows if row.get("identifier_str") == "WriteResponse"]
        assert results[0] == "0x00000000"
        assert str(results[1]).startswith("0x80")
        reads = [row["node_ids"] for row in rows if row.get("identifier_str") == "ReadRequest"]
        assert "ns=2;s=Filler.SetPoint" in reads
        assert not any(row.get("encrypted") for row in rows)
        assert {column for row in rows for column in row} <= set(COLUMNS)

    in_flat(LINE, scene)


@pytest.mark.needs("mosquitto")
@pytest.mark.parametrize("version", [4, 5])
def test_mqtt_of_a_real_client_and_broker(version: int, tmp_path: Path) -> None:
    import aiomqtt

    (tmp_path / "passwords").touch(0o600)
    subprocess.run(["mosquitto_passwd", "-b", tmp_path / "passwords", "operator", "secret"], check=True)

    async def scene(network: Net) -> None:
        host, port = network.place("iiot", BROKER, 1883)
        configuration = tmp_path / "mosquitto.conf"
        configuration.write_text(
            f"listener {port} {host}\nallow_anonymous true\nuser root\npassword_file {tmp_path}/passwords\n"
        )
        broker = network.spawn("iiot", ["mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL)
        device, _ = a_gateway(network)
        await device.start()
        await listening(host, port)
        network.taps.start()
        host, port = network.place("supervision", BROKER, 1883)
        protocol = aiomqtt.ProtocolVersion(version)
        async with aiomqtt.Client(
            host, port, identifier="scada1", username="operator", password="secret", protocol=protocol
        ) as client:
            await client.subscribe("cmd/#", qos=1)
            await client.publish("cmd/pump", "start é", qos=1, retain=True)
            async for message in client.messages:
                assert message.payload == "start é".encode()
                break
            await client.publish("bin", b"\xff\xfe" * 20_000)
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client(
                host, port, identifier="evil", username="operator", password="guess", protocol=protocol
            ):
                pass
        await eventually(lambda: device.health().figures["flows"] == 0)
        rows = [row for row in network.taps.stop().events if row["log"] == "mqtt"]
        await device.stop()
        broker.terminate()
        await asyncio.to_thread(broker.wait)
        mine = [row for row in rows if row.get("client_id") == "scada1"]
        assert [row["action"] for row in mine if row["is_orig"]][:3] == ["connect", "subscribe", "publish"]
        assert {row["user"] for row in mine} == {"operator"}
        assert {row["proto_version"] for row in mine} == {version}
        subscribed = next(row for row in mine if row["action"] == "subscribe")
        assert (subscribed["topic"], subscribed["qos"]) == ("cmd/#", 1)
        published = [row for row in mine if row["action"] == "publish"]
        first = next(row for row in published if row["is_orig"])
        assert (first["topic"], first["payload"], first["qos"], first["retain"]) == (
            "cmd/pump",
            "start é",
            1,
            True,
        )
        binary = next(row for row in published if row["topic"] == "bin")
        assert (binary["payload"], binary["payload_len"]) == ("", 40_000)
        answers = [row["status"] for row in rows if row["action"] == "connack"]
        assert answers[0] == 0
        assert answers[1] != 0
        assert {column for row in rows for column in row} <= set(COLUMNS)

    in_flat(LINE, scene)


async def listening(host: str, port: int) -> None:
    async with asyncio.timeout(HANG_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def test_an_encrypted_opc_ua_message_shows_its_type_and_size_only() -> None:
    body = bytes(range(100, 160))
    message = (
        b"MSGF" + (8 + 8 + len(body)).to_bytes(4, "little") + (7).to_bytes(4, "little") + bytes(4) + body
    )
    (row,) = fed("opcua", [(True, message)])
    assert row == {
        "msg_type": "MSG",
        "is_final": True,
        "msg_size": 76,
        "sec_channel_id": 7,
        "encrypted": True,
    }


def test_answers_of_modbus_bits_are_as_many_as_were_asked_for() -> None:
    rows = fed("modbus", [(True, request("0100030003", 4)), (False, request("0101fd", 4))])
    assert (rows[1]["address"], rows[1]["values"]) == (3, "1,0,1")


def test_garbage_does_not_hide_what_came_before_it_nor_what_comes_after() -> None:
    rows = fed("modbus", [(True, request("0600010001", 1) + b"\xff" * 50), (True, request("0600010002", 2))])
    assert [row["value"] for row in rows] == [1, 2]


MQTT_CONNECT = bytes.fromhex("1011 0004 4d515454 04 02 003c 0005 68656c6c6f")


@pytest.mark.parametrize(
    ("protocol", "stream", "count"),
    [
        ("modbus", request("0300000001", 1) * 5, 5),
        ("mqtt", MQTT_CONNECT + bytes.fromhex("300700036162637878") * 4, 5),
        ("opcua", (b"ERRF" + (16).to_bytes(4, "little") + bytes(8)) * 5, 5),
    ],
)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_cut_of_a_stream_gives_the_same_rows(
    protocol: str, stream: bytes, count: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    pieces = [(True, stream[a:b]) for a, b in pairwise(edges)]
    rows = fed(protocol, pieces)
    assert len(rows) == count
    assert rows == fed(protocol, [(True, stream)])


GRAINS = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [MQTT_CONNECT, b"\xff" * 9, b"\x30\xff\xff\xff\x7f", b"MSGF\xff\xff\x0f\0", b"HELF\x20\0\0\0"]
    ),
    st.builds(request, st.binary(min_size=1, max_size=20).map(bytes.hex), st.integers(0, 65535)),
    st.builds(
        lambda service, body: (
            b"MSGF" + (28 + len(body)).to_bytes(4, "little") + bytes(16) + b"\1\0" + service + body
        ),
        st.sampled_from([631, 634, 673, 676, 712, 527, 751, 467]).map(lambda n: n.to_bytes(2, "little")),
        st.binary(max_size=120),
    ),
    st.builds(
        lambda kind, body: bytes((kind, len(body))) + body, st.integers(16, 255), st.binary(max_size=100)
    ),
)


@settings(max_examples=80, deadline=None)
@given(
    protocol=st.sampled_from(sorted(DECODERS)), pieces=st.lists(st.tuples(st.booleans(), GRAINS), max_size=25)
)
def test_decoders_take_anything(protocol: str, pieces: list[tuple[bool, bytes]]) -> None:
    for row in fed(protocol, pieces):
        assert set(row) <= set(COLUMNS)


@pytest.mark.parametrize("protocol", sorted(DECODERS))
def test_a_message_without_end_takes_no_memory(protocol: str) -> None:
    endless = {"modbus": b"\0\1\0\0\0\xfe\1", "mqtt": b"\x30\xff\xff\xff\x7f", "opcua": b"MSGF\0\0\xff\0"}[
        protocol
    ]
    decoder = DECODERS[protocol]()
    for _ in range(200):
        decoder.feed(True, endless + bytes(16_000))
    held = [value for value in vars(decoder).values() if isinstance(value, dict)]
    cutters = [cutter for table in held for cutter in table.values() if hasattr(cutter, "feed")]
    assert sum(len(getattr(c, "_head", b"") or getattr(c, "_rest", b"")) for c in cutters) < 100_000


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(st.binary(max_size=120), max_size=10), protocol=st.sampled_from([6, 17, 1, 47]))
def test_frames_may_be_anything(frames: list[bytes], protocol: int) -> None:
    dissector = Dissector(LINE)
    for noise in frames:
        head = (
            bytes(12)
            + b"\x08\0\x45\0"
            + len(noise).to_bytes(2, "big")
            + bytes(5)
            + bytes((protocol,))
            + bytes(10)
        )
        for frame in (noise, head + noise):
            list(dissector.rows(Record(1.0, "control", Kind.FRAME, frame)))
            mended(frame)
            read(frame)
    list(dissector.finish())


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([k for k in Kind if k is not Kind.FRAME]), st.binary(max_size=4000)),
        max_size=12,
    )
)
def test_synthetic_frames_carry_the_bytes_in_order(steps: list[tuple[Kind, bytes]]) -> None:
    flow = Conversation("C00000009", "supervision", "", (SCADA, 50_000), (PLC1, 502), "modbus")
    synthesis, sent, seen = Synthesis(), {True: b"", False: b""}, {True: b"", False: b""}
    for kind, data in steps:
        if kind in {Kind.FROM_CLIENT, Kind.FROM_SERVER}:
            sent[kind is Kind.FROM_CLIENT] += data
        for frame in synthesis.frames(Record(1.0, flow, kind, data)):
            packet = read(frame)
            assert packet is not None
            assert mended(frame) == frame  # the checksums are right as they are
            seen[packet.source[0] == SCADA] += packet.data
    assert seen == sent


def test_the_client_of_a_retained_message_is_known_by_its_connect() -> None:
    decoder = MqttDecoder()
    decoder.feed(True, MQTT_CONNECT)
    (row,) = decoder.feed(True, bytes.fromhex("310700036162637878"))
    assert (row["client_id"], row["topic"], row["retain"], row["payload"]) == ("hello", "abc", True, "xx")


def frames_of(pieces: list[tuple[Kind, bytes]]) -> list[bytes]:
    """The frames of a flow that carries the pieces."""
    flow = Conversation("C00000009", "supervision", "", (SCADA, 50_000), (PLC1, 502), "modbus")
    synthesis = Synthesis()
    return [frame for kind, data in pieces for frame in synthesis.frames(Record(1.0, flow, kind, data))]


def rows_of(frames: list[bytes]) -> list[Row]:
    dissector = Dissector(LINE)
    rows = [row for frame in frames for row in dissector.rows(Record(1.0, "control", Kind.FRAME, frame))]
    return rows + list(dissector.finish())


def test_after_lost_frames_a_stream_begins_again() -> None:
    whole = request("1000000004080001000200030004", 1)
    frames = frames_of(
        [
            (Kind.OPENED, b""),
            (Kind.FROM_CLIENT, whole[:10]),
            (Kind.FROM_CLIENT, whole[10:]),
            (Kind.FROM_CLIENT, request("0300000001", 2)),
            (Kind.CLOSED, b"closed"),
        ]
    )
    lost = [frame for frame in frames if not frame.endswith(whole[10:])]
    assert [row.get("tid") for row in rows_of(frames)] == [1, 2, None]
    assert [row.get("tid") for row in rows_of(lost)] == [2, None]


def test_a_frame_sent_twice_counts_once() -> None:
    frames = frames_of([(Kind.OPENED, b""), (Kind.FROM_CLIENT, request("0300000001", 2))])
    rows = rows_of([frame for frame in frames for _ in range(2)])
    assert [row.get("tid") for row in rows] == [2, None]
    assert rows[-1]["conn_state"] == "S1"


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([Kind.REFUSED], "REJ"),
        ([Kind.OPENED], "S1"),
        ([Kind.OPENED, Kind.CLOSED], "SF"),
        ([Kind.FROM_CLIENT], "OTH"),
    ],
)
def test_the_state_of_a_connection_is_named_as_zeek_does(kinds: list[Kind], state: str) -> None:
    pieces = [(kind, b"closed" if kind is Kind.CLOSED else b"x") for kind in kinds]
    assert [row["conn_state"] for row in rows_of(frames_of(pieces)) if row["log"] == "conn"] == [state]
    flow = Conversation("C00000001", "supervision", "", (SCADA, 50_000), (PLC1, 502), "modbus")
    dissector = Dissector(LINE)
    rows = [row for kind, data in pieces for row in dissector.rows(Record(1.0, flow, kind, data))]
    rows += list(dissector.finish())
    assert [row["conn_state"] for row in rows if row["log"] == "conn"] == [state]


def test_every_log_is_listed() -> None:
    """Who chooses one from a list must find it there before a row of it came."""
    assert {decoder().LOG for decoder in DECODERS.values()} | {"conn", "gateway"} == set(LOGS)
